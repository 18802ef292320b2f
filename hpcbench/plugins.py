"""Entry points of installed packages, by group.

:mod:`importlib.metadata` would do the same; importing it costs more than all that ``hpcbench list`` does.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=8)
def plugins(group: str) -> tuple[str, ...]:
    """The values of all entry points in ``group``, each once, in the order of ``sys.path``.

    Source: the entry points file of the core metadata, ``[group]`` followed by ``name = value`` lines.
    """
    found: dict[str, None] = {}
    for folder in dict.fromkeys(sys.path):
        for file in sorted(Path(folder or ".").glob("*.*-info/entry_points.txt")):
            _, head, rest = f"\n{file.read_text()}".partition(f"\n[{group}]\n")
            for line in rest.partition("\n[")[0].splitlines() if head else ():
                _, equals, value = line.partition("=")
                if equals and not line.lstrip().startswith(("#", ";")):
                    found[value.strip()] = None
    return tuple(found)
