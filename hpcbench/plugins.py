"""Entry points of installed packages, by group.

:mod:`importlib.metadata` would do the same; importing it costs more than all that ``hpcbench list`` does.
"""

from __future__ import annotations

import os
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
        for file in _files(folder or "."):
            _, head, rest = f"\n{file.read_text()}".partition(f"\n[{group}]\n")
            for line in rest.partition("\n[")[0].splitlines() if head else ():
                _, equals, value = line.partition("=")
                if equals and not line.lstrip().startswith(("#", ";")):
                    found[value.strip()] = None
    return tuple(found)


@lru_cache(maxsize=64)
def _files(folder: str) -> list[Path]:
    if not os.path.isdir(folder):
        return []
    names = sorted(n for n in os.listdir(folder) if n.endswith((".dist-info", ".egg-info")))
    return [file for n in names if (file := Path(folder, n, "entry_points.txt")).is_file()]
