"""One generation of fresh processes in a race: started together, warmed, sampled, ended together.

Whatever goes wrong in a contender's processes becomes that contender's verdict.
"""

from __future__ import annotations

import itertools
import os
import random
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from hpcbench import machine
from hpcbench.case import MIN_SAMPLE_S, SETS, Prepared
from hpcbench.contender import ANCHOR, LOOKS, TWIN, Contender
from hpcbench.measure import WorkerArm
from hpcbench.processes import ArmFailure, LaunchError
from hpcbench.spec import Code, HpcbenchError, Measurement, Phase
from hpcbench.wire import Limits

MORE_TIME_S = 20.0  # that a sample may take beyond 200 times the baseline's
SCREEN_SAMPLES = 3
SCREEN_RATIO = 3.0
HOPELESS_RATIO, HOPELESS_S = 30.0, 1.0  # a first sample beyond both is the only one
ALIKE = 1.5  # arms whose batches differ by less share the baseline's
PHASE_SAMPLES = 5

_numbers = itertools.count()


class BaselineFailed(HpcbenchError):
    """Nothing can be compared without the baseline, whose verdict is ``code``; a candidate may be to blame."""

    def __init__(self, message: str, code: Code) -> None:
        super().__init__(message)
        self.code = code


class Generation:
    """The processes of ``contenders``; a context manager, so that none outlives it.

    All arms get the same CPUs, those that are idlest now, unless nothing is ``timed``. The baseline must
    survive; others may fail.
    """

    def __init__(
        self, contenders: Sequence[Contender], ready: Prepared, index: int, rng: random.Random, scratch: Path,
        timed: bool = True,
    ) -> None:  # fmt: skip
        self.contenders, self.index = list(contenders), index
        self._ready, self._rng, self._scratch, self._timed = ready, rng, scratch, timed
        self._phase: Phase = "total" if ready.case.titles else ready.case.kernel.phase
        self._arms: dict[str, WorkerArm] = {}
        self._warm_s: dict[str, float] = {}  # seconds of the last warm-up call, by label

    def __enter__(self) -> Generation:
        try:
            self._start()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._close()

    @property
    def active(self) -> list[Contender]:
        """The contenders that still take part in rounds.

        Raises
        ------
        BaselineFailed
            When the baseline or its twin has failed.
        """
        for c in self.contenders:
            if c.label in (ANCHOR, TWIN) and c.verdict != "correct":
                raise BaselineFailed(f"the baseline {c.entry.name} failed: {c.stages[-1].message}", c.verdict)
        return [c for c in self.contenders if c.open]

    def _start(self) -> None:
        settings = [c.entry.setting for c in self.contenders]
        most = max((s.ranks * s.threads for s in settings), default=1)
        cpus, idle = machine.idlest_cpus(most) if self._timed else (sorted(os.sched_getaffinity(0)), False)
        if not idle:  # a thread must be able to leave a CPU on which something else runs
            settings = [replace(s, binding="free") for s in settings]
        free = machine.memory_available() // 2
        for c, setting in zip(self.contenders, settings, strict=True):
            assert c.program is not None
            self._arms[c.label] = WorkerArm(
                c.label, c.program, self._ready.memory(setting), setting,
                Limits(cpus, free // setting.ranks, c.entry.wall(c.program)),
                self._scratch / str(next(_numbers)), self._rng, self.index,
                (c.tally, self.contenders[0].tally) if self._timed else None,
            )  # fmt: skip
        for c in self.contenders:
            try:
                self._arms[c.label].connect()
            except ArmFailure as failure:
                c.fail("load", failure.code, str(failure))
            except LaunchError as error:
                if c.label in (ANCHOR, TWIN):
                    raise
                c.unavailable, c.racing = str(error), False

    def _close(self) -> None:
        for arm in self._arms.values():
            arm.close()

    def warm(self) -> None:
        """Verify one call per input set on poisoned memory; the first calls are the warm-up, too."""
        for c in self.active:
            self._ready.memory(c.entry.setting).poison()
            for k in range(self._ready.verified):
                self._ready.restore(c.entry.setting, k)
                if taken := self._guarded(c, k, 1):
                    self._warm_s[c.label] = taken.wall_s
                    self._compare(c, k, counts=not k)
                if not c.racing:
                    c.locate(self._ready.case.titles[k] if self._ready.case.titles else "")
                    break
            if self._ready.changing and c.racing:  # what a sample reaches is met before any is timed
                reached = SETS + max(c.batch, self._batch(c, self._warm_s[c.label]))
                self._guarded(c, 0, min(len(self._ready.sets), reached))
            if c.racing and c.screening_s is None:
                c.passed("verify", 0.0)

    def screen(self) -> None:
        """Preset the batch of every contender, and screen out what is hopelessly slow.

        Contenders take turns, so that a hiccup of the machine does not fall on all samples of one. An arm
        about as fast as the baseline gets the baseline's batch: with samples of another length, identical
        code would meet the rest of the machine's work differently.
        """
        anchor = self.active[0]
        calls: dict[str, list[float]] = {c.label: [] for c in self.active}
        for c in self.active:
            c.batch = self._batch(c, self._warm_s[c.label])
        for i in range(SCREEN_SAMPLES):
            for c in self.active:
                if i and min(calls[c.label]) > max(HOPELESS_RATIO * calls[anchor.label][0], HOPELESS_S):
                    continue
                self._renew(c, i % SETS, c.batch, check=False)
                if taken := self._guarded(c, i % SETS, c.batch, seed=self._seed()):
                    calls[c.label].append(taken.wall_s / taken.batch)
        reference = statistics.median(calls[anchor.label])
        for c in self.active:
            c.screening_s = statistics.median(calls[c.label])
            c.screened = min(calls[c.label]) > SCREEN_RATIO * reference
            c.batch = self._batch(c, min(calls[c.label]))
            if max(c.batch, anchor.batch) < ALIKE * min(c.batch, anchor.batch):
                c.batch = anchor.batch
            self._arms[c.label].limit_s = MORE_TIME_S + 200 * reference * c.batch

    def _batch(self, c: Contender, call_s: float) -> int:
        wanted = max(1, round(MIN_SAMPLE_S / call_s + 0.5))
        arena = self._ready.memory(c.entry.setting).arenas[0]
        return min(wanted, len(arena.layout)) if arena.cold or self._ready.changing else wanted

    def sample(self, c: Contender, round_: int, check: bool) -> None:
        """One paired sample; in a round that only the parent knows, its outputs are verified as well."""
        changing, python = self._ready.changing, c.entry.candidate.language == "python"
        first = self._rng.randrange(SETS) if changing else round_ % SETS
        calls = c.batch
        if (
            check and python and not c.entry.trusted
        ):  # only the last result is there, and nobody knows which it is
            calls = self._rng.randint(1, c.batch)
        self._renew(c, first, calls, check)
        seed = self._seed()
        taken = self._guarded(c, first, calls, round_=round_, seed=seed)
        if taken is None:
            return
        c.samples.append(taken)
        if not check:
            return
        # where the sets change, every call of a sample has a slot of its own, and any of them may be looked at
        most = 1 if c.entry.trusted else LOOKS
        seen = self._rng.sample(range(calls), min(calls, most)) if changing and not python else [calls - 1]
        for call in seen:
            if c.racing:
                self._compare(c, first, call, seed)
                c.looks += 1

    def _seed(self) -> int:
        """Of the chain by which a sample's calls get their vectors; 0 where they have vectors of their own."""
        return self._rng.randrange(1, 2**48) if self._ready.stream else 0

    def _renew(self, c: Contender, first: int, calls: int, check: bool) -> None:
        """New contents where they change, and outputs that hold no answer where that is wanted."""
        memory = self._ready.memory(c.entry.setting)
        self._ready.change(c.entry.setting, first, calls)
        if check or memory.arenas[0].cold or self._ready.changing:
            memory.poison()
            try:
                self._arms[c.label].poison()
            except ArmFailure as failure:
                c.fail("measure", failure.code, str(failure))

    def time_phases(self) -> None:
        """A few samples of setup and of run alone, for variants that have a setup."""
        phases: tuple[Phase, ...] = ("setup", "run")
        for c in (c for c in self.active if self._arms[c.label].has_setup):
            memory = self._ready.memory(c.entry.setting)
            for phase in phases:
                # a batch holds as many runs as make a sample, and a setup may take as long as a thousand of them
                calls = 1 if (phase, self._phase) == ("setup", "run") else c.batch
                for _ in range(PHASE_SAMPLES):
                    if memory.arenas[0].cold:
                        memory.poison()
                    if taken := self._guarded(c, 0, calls, phase):
                        c.phases.setdefault(phase, []).append(taken.wall_s / taken.batch)

    def _guarded(
        self,
        c: Contender,
        first: int,
        batch: int,
        phase: Phase | None = None,
        round_: int = -1,
        seed: int = 0,
    ) -> Measurement | None:
        try:
            arm = self._arms[c.label]
            return arm.sample(first, batch, phase or self._phase, round_, seed) if c.racing else None
        except ArmFailure as failure:
            c.fail("measure" if c.screening_s else "verify", failure.code, str(failure))
            return None

    def _compare(self, c: Contender, first: int, call: int = 0, seed: int = 0, counts: bool = False) -> None:
        """Whether the ``call``-th call after ``first`` was right; the first one ever ``counts`` its traffic."""
        slot = (first + call) % len(self._ready.memory(c.entry.setting).arenas[0].layout)
        try:
            told = self._arms[c.label].fetch(slot)
            if counts:
                c.traffic = self._arms[c.label].traffic()
        except ArmFailure as failure:
            c.fail("verify", failure.code, str(failure))
            return
        self._ready.follow(c.entry.setting, first, call, seed, told)
        if problem := self._ready.wrong(c.entry.setting, slot):
            c.fail("verify", "correctness", problem)
        elif counts:
            c.told, c.history = self._ready.told(c.entry.setting, slot)
