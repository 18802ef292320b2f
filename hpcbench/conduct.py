"""What an arm may do beside its answers: hardly any work after them, and none on processors not its own.

What the statuses that it returns mean stands here, too.
"""

from __future__ import annotations

import os
from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hpcbench import wire
from hpcbench.census import Census
from hpcbench.processes import ArmFailure
from hpcbench.wire import Program

PARKED_NS = 2_000_000  # CPU time that a parked arm may use: to say that it is done, and to go to sleep
ANSWER_NS = 50_000  # of them for the answer itself; the rest counts as part of a sample
SHARE, SHARE_NS = 0.05, 300_000
# Times that it may do more, and once in so many samples: an interrupt or a stolen processor counts as its own.
MOST_STRAYS, STRAY_IN = 3, 20
BURST_NS, MOST_BURSTS = 10_000_000, 1  # between two answers: a processor is rarely stolen for so long
LENIENT = 2  # times as often as arms that somebody vouches for
MOST_THREADS = 1024
STATUS_WORDS = {"1": "it reported that memory ran out", "2": "it reported that the input is too large for it"}


@dataclass
class Tally:
    """How often an arm did too much in the samples of a race, over all its processes.

    ``excess`` is the CPU time of every sample beyond what its processors can give, in nanoseconds, in order.
    """

    samples: int = 0
    strays: int = 0
    bursts: int = 0
    excess: list[int] = field(default_factory=list)

    def usual_excess(self) -> int:
        """What nine samples in ten do not exceed; zero if processors were left idle."""
        return max(0, self.excess[9 * len(self.excess) // 10]) if self.excess else 0


class Conduct:
    """Looks after one arm; of a trusted one, only at what others and the machine do to it.

    Parameters
    ----------
    census : of its ranks.
    width : the processors that it has declared.
    trusted : whether somebody vouches for it.
    tallies : its own, and that of all arms beside it that somebody vouches for: what they do too much is the
        machine's, which treats all alike. None where nothing is timed, and no work is at an ill time.
    """

    def __init__(
        self, census: Census, width: int, trusted: bool, tallies: tuple[Tally, Tally] | None = None
    ) -> None:
        self._census, self._width, self._trusted = census, width, trusted
        self._own: Tally | None = tallies[0] if tallies else None
        self._others = tallies[1] if tallies else Tally()

    def parked(self, cpu: Sequence[int]) -> int:
        """Nothing may have worked since the last answer: neither a helper thread nor what was left undone.

        ``cpu`` is the CPU time of each rank now. Returns the nanoseconds that count as part of the next sample.
        """
        if self._trusted and self._census.moved():
            raise ArmFailure("runtime", "somebody else changed its processors while it was parked")
        if not self._census.cpu:
            return 0
        return self._after(max(now - last for now, last in zip(cpu, self._census.cpu, strict=True)))

    def late(self, arrived: int, told: Sequence[int]) -> int:
        """Who has answered goes to sleep at once: what it works before that counts as part of the sample.

        ``arrived`` is the time of the last answer, ``told`` the CPU time of each rank at its own. It took no more
        CPU time than has passed until it slept, nor than its clock says.
        """
        worked = zip(self._census.asleep, self._census.cpu, told, strict=True)
        return self._after(max(min(asleep - arrived, now - then) for asleep, now, then in worked))

    def _after(self, since: int) -> int:
        """Of so much CPU time after an answer, what counts."""
        if since > PARKED_NS:
            self._stray(f"it worked for {since * 1e-6:.1f} ms after it had answered", since > BURST_NS)
        return 0 if self._trusted else max(0, since - ANSWER_NS)

    def _stray(self, words: str, burst: bool = False) -> None:
        """Now and then others are to blame; a cheat gains by what it does in most samples."""
        own, others = self._own, self._others
        if own is None:
            return
        own.strays, own.bursts = own.strays + 1, own.bursts + burst
        if self._trusted:
            return
        blamed = LENIENT * own.samples / max(1, others.samples)
        rare = own.samples // STRAY_IN
        if (
            own.strays > MOST_STRAYS + rare + blamed * others.strays
            or own.bursts > MOST_BURSTS + rare + blamed * others.bursts
        ):
            raise ArmFailure("forbidden", words)

    def share(self, cpu_ns: int, first_ns: int, wall_ns: int) -> None:
        """No answer before the start, and no more processors than it has.

        What has left its CPUs shows in more CPU time than they can give, again and again: a burst that
        falls between an answer and sleep is seen here as well.
        """
        if first_ns <= 0 and not self._trusted:
            raise ArmFailure("forbidden", "it answered before it was started")
        excess = cpu_ns - self._width * wall_ns
        if self._own:
            self._own.samples += 1
            insort(self._own.excess, excess)
        # waking up costs a virtual machine half a millisecond at bad times, which is much of a short sample
        spare = 0.0 if self._trusted else SHARE * self._width * wall_ns
        if excess > spare + SHARE_NS + self._others.usual_excess():
            self._stray(f"it used {cpu_ns / wall_ns:.1f} processors, {self._width} declared")

    def threads(self, pids: Sequence[int]) -> None:
        """Of one that takes its time; a storm of threads would take the machine along."""
        for pid in () if self._trusted else pids:
            with suppress(FileNotFoundError):
                count = len(os.listdir(f"/proc/{pid}/task"))
                if count > MOST_THREADS:
                    raise ArmFailure("forbidden", f"it started {count} threads")


def returned(status: int, program: Program, ask: Callable[[], Mapping[str, Any]]) -> None:
    """What a call's status means; ``ask`` has the worker tell what was raised, or its device's error.

    Raises
    ------
    ArmFailure
        When it is not 0.
    """
    if status == 0:
        return
    if status == wire.ARITHMETIC:
        raise ArmFailure("forbidden", "it left rounding, exceptions or subnormal numbers changed")
    if status == wire.DEVICE and program.language == "cuda":
        raise ArmFailure("runtime", f"the device: {ask().get('text', '')}")
    if status == wire.RAISED and program.language == "python":
        text = str(ask().get("text", "")).strip()
        raise ArmFailure("runtime", text.splitlines()[-1] if text else "it raised")
    words = {**STATUS_WORDS, **program.words}
    raise ArmFailure("runtime", words.get(str(status), f"it returned status {status}"))
