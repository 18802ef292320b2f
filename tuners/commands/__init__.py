"""Subcommands of the tuners, one file each.

To add what `hpcbench tune` can do: a module ``_tune_NAME.py`` with ``EXAMPLE``, ``configure`` and ``run``, as a
subcommand has them, its docstring the help.
"""
