"""What the system tells of measured processes from outside: sleep, CPU time, processors, files they have mapped."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress

SETTLE_S = 0.02  # that a rank which has answered may take to go to sleep
# what compilers link to and load: the C and C++ libraries, their helpers, OpenMP
OWN = re.compile(
    r"(?:ld-linux.*|lib(?:c|m|mvec|rt|dl|pthread|stdc\+\+|gcc_s|gomp|i?omp5?|atomic|quadmath|numa))\.so[.\d]*"
)


class Census:
    """Looks at the ranks of one arm.

    Attributes
    ----------
    cpu : nanoseconds of CPU time of every rank when it last slept.
    asleep : since when at the latest, by the parent's clock.
    """

    def __init__(self, pids: Sequence[int], threads: int):
        self._pids, self._threads = pids, threads
        self._status = [os.open(f"/proc/{pid}/status", os.O_RDONLY) for pid in pids]
        self._clocks = [(~pid << 3) | 2 for pid in pids]  # CPUCLOCK_SCHED of the process
        self.cpu: list[int] = []
        self.asleep = [0] * len(pids)
        self._places: list[object] = []

    def spent(self, rank: int) -> int:
        """Nanoseconds of CPU time of a rank; a tick old, if it is running."""
        return time.clock_gettime_ns(self._clocks[rank])

    def settle(self) -> None:
        """Note CPU time of every rank once it sleeps, and where it may run."""
        until = time.monotonic() + SETTLE_S
        for rank, fd in enumerate(self._status):
            while b"\nState:\tS" not in os.pread(fd, 256, 0) and time.monotonic() < until:
                os.sched_yield()
            self.asleep[rank] = time.perf_counter_ns()
        self.cpu = [self.spent(rank) for rank in range(len(self._pids))]
        self._places = self._allowed()

    def moved(self) -> bool:
        """Whether somebody has changed where it may run since it went to sleep."""
        return bool(self._places) and self._allowed() != self._places

    def _allowed(self) -> list[object]:
        tasks = self._pids
        if self._threads > 1:
            tasks = [int(task) for pid in self._pids for task in os.listdir(f"/proc/{pid}/task")]
        found: list[object] = []
        for task in tasks:
            with suppress(ProcessLookupError):  # a thread has ended
                found.append((task, os.sched_getaffinity(task)))
        return found

    def switches(self) -> int:
        """Involuntary context switches of all ranks so far: the last line of their /proc status."""
        try:
            return sum(int(os.pread(fd, 8192, 0).rsplit(b":", 1)[1]) for fd in self._status)
        except OSError:  # the process has ended; the sample itself will say so
            return 0

    def close(self) -> None:
        """Let go of the files."""
        while self._status:
            os.close(self._status.pop())


def libraries(pid: int) -> set[str]:
    """Shared objects that a process has mapped."""
    with open(f"/proc/{pid}/maps") as maps:
        paths = {line.split(maxsplit=5)[-1].strip() for line in maps}
    return {path for path in paths if path.startswith("/") and ".so" in os.path.basename(path)}


def foreign(pid: int, before: set[str], own: str) -> str:
    """The name of a library that was loaded since ``before``, and that neither ``own`` nor a compiler asks for."""
    for path in sorted(libraries(pid) - before):
        if path != own and not OWN.fullmatch(os.path.basename(path)):
            return os.path.basename(path)
    return ""
