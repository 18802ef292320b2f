"""Results in the formats of other tools.

To add one: a module whose docstring's first line says what it writes, with ``render(evidence) -> bytes``. The
option ``--NAME FILE`` of `hpcbench report` appears by itself.
"""
