"""What the system tells of measured processes from outside: sleep, CPU time, processors, files they have mapped."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress

SETTLE_S = 0.02  # that a rank which has answered may take to go to sleep
# what compilers link to: the C and C++ libraries, their helpers, OpenMP; also as C libraries before 2.34 are called
OWN = re.compile(
    r"(?:ld-linux.*|lib(?:c|m|mvec|rt|dl|pthread|stdc\+\+|c\+\+(?:abi)?|unwind|gcc_s|gomp|i?omp5?|atomic|quadmath|numa"
    r"|imf|svml|irng|irc|intlc)(?:-[\d.]+)?)\.so[.\d]*"
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
        self._places: dict[int, set[int]] = {}

    def spent(self, rank: int) -> int:
        """Nanoseconds of CPU time of a rank; a tick old, if it is running."""
        return time.clock_gettime_ns(self._clocks[rank])

    def settle(self) -> None:
        """Note CPU time of every rank once it sleeps."""
        until = time.monotonic() + SETTLE_S
        for rank, fd in enumerate(self._status):
            while b"\nState:\tS" not in os.pread(fd, 256, 0) and time.monotonic() < until:
                os.sched_yield()
            self.asleep[rank] = time.perf_counter_ns()
        self.cpu = [self.spent(rank) for rank in range(len(self._pids))]

    def moved(self) -> bool:
        """Whether somebody has changed where a thread may run since it went to sleep."""
        now = self._allowed()
        return any(now[task] != place for task, place in self._places.items() if task in now)

    def place(self) -> None:
        """Note where every thread may run."""
        self._places = self._allowed()

    def _allowed(self) -> dict[int, set[int]]:
        tasks = self._pids
        if self._threads > 1:
            tasks = [int(task) for pid in self._pids for task in os.listdir(f"/proc/{pid}/task")]
        found = {}
        for task in tasks:
            with suppress(ProcessLookupError):  # a thread has ended
                found[task] = os.sched_getaffinity(task)
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
        paths = {line.split(maxsplit=5)[-1].strip().removesuffix(" (deleted)") for line in maps}
    return {path for path in paths if path.startswith("/") and ".so" in os.path.basename(path)}


def foreign(pid: int, before: set[str], own: str) -> str:
    """The name of a library that was loaded since ``before``, and that neither ``own`` nor a compiler asks for."""
    for path in sorted(libraries(pid) - before - {os.path.realpath(own)}):
        if not OWN.fullmatch(os.path.basename(path)):
            return os.path.basename(path)
    return ""
