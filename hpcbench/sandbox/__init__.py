"""Runs untrusted code behind a wall that the process builds around itself just before it loads the code.

| layer | what it stops |
|---|---|
| Landlock, files | reading what is not granted (home, /tmp, /dev/shm, /proc of others), writing elsewhere |
| Landlock, TCP | connecting and listening |
| Landlock, scope | signals to other processes, abstract sockets |
| seccomp | processes, sockets, ptrace, keyrings, SysV memory, changed modes, owners, times, limits and priorities |
| no capabilities | what root may do beyond an ordinary user |
| namespaces | user, network and IPC of its own |

``lockdown.c`` builds it; ``worker.c`` and ``worker.py`` call it for candidates, ``enter.c`` for compilers. A new
layer is one function there, one bit in ``lockdown.h`` and one row here.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
LAYERS = {
    1: "Landlock, files",
    2: "Landlock, TCP",
    4: "Landlock, scope",
    8: "seccomp",
    16: "no capabilities",
    32: "namespaces",
}
STOPS = {  # with the classes of docs/judge.md
    1: "reading and writing files: classes 6, 21, 33",
    2: "TCP connections: class 6",
    4: "signals to other processes: class 23",
    8: "processes, sockets, keys, limits: classes 2, 6, 20, 32",
    16: "what root may do: classes 18, 21",
    32: "the network and shared memory of others: class 6",
}
REQUIRED = 1 | 8  # without these nothing untrusted runs
WRITES, SPAWNS, TALKS = 1, 2, 4  # what the code needs beyond computing
SYSTEM = (
    "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives", "/proc/self", "/proc/cpuinfo",
    "/proc/meminfo", "/proc/stat", "/sys/devices/system", "/sys/fs/cgroup", "/dev/null", "/dev/urandom",
)  # fmt: skip


@dataclass(frozen=True)
class Wall:
    """What stays within reach: paths to read, paths to write, needs (``WRITES | SPAWNS | TALKS``).

    ``without`` leaves layers out, by the bits of ``LAYERS``: for tests and for `--trust`.
    """

    readable: tuple[str, ...]
    writable: tuple[str, ...] = ()
    needs: int = 0
    without: int = 0


def native(program: Path, needs: int = 0, without: int = 0, more: tuple[str, ...] = ()) -> Wall:
    """For a shared object: itself, the system's libraries, and ``more``."""
    return Wall((*SYSTEM, str(program), *more), needs=needs, without=without)


def python(program: Path, without: int = 0) -> Wall:
    """For a Python candidate: itself, the interpreter and its packages."""
    places = dict.fromkeys([sys.prefix, sys.base_prefix, *(path for path in sys.path if path)])
    return Wall((*SYSTEM, str(program), *places), without=without)


def missing(layers: int) -> list[str]:
    """The layers that do not stand, in words."""
    return names(~layers)


def names(layers: int) -> list[str]:
    """The layers in a set of bits, in words."""
    return [name for bit, name in LAYERS.items() if layers & bit]
