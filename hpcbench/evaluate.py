"""Opens a Race and judges candidates in it: the only way anything is verified or timed.

A race builds all candidates, verifies each against the oracle, then times them in paired rounds beside
the anchor and the anchor's twin, in generations of fresh processes, until every question is settled.
"""

from __future__ import annotations

import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hpcbench import build, launch, machine, outcome, stats
from hpcbench.case import SETS, Case, Prepared
from hpcbench.contender import ANCHOR, TWIN, Contender, Entry
from hpcbench.measure import ArmFailure, LaunchError, Program, WorkerArm
from hpcbench.spec import Budget, Event, HpcbenchError, Measurement, Phase, Result, Skip, Stage
from hpcbench.store import Journal

MIN_SAMPLE_S = 8e-3  # at 2 ms the spread of paired ratios was three times as large: docs/measuring.md
SCREEN_SAMPLES = 3
SCREEN_RATIO = 3.0
CONFIRM_ROUNDS = 16
CONFIRM_FROM = 10_000  # round numbers of the confirmation, apart from the race's
PHASE_SAMPLES = 5
PARALLEL_ROUNDS = 4  # threads and ranks are noisier: so many times the rounds of a serial race
GENERATIONS = (8, 16, 64, 256)  # fresh processes begin after these rounds


class Race:
    """A race on one case; made by :func:`open_race`, used as a context manager.

    Attributes
    ----------
    interrupted : whether Ctrl-C ended the rounds.
    samples : raw samples of all contenders by the key in ``Result.samples``.
    skips : contenders that this machine could not launch.
    """

    def __init__(
        self, case: Case, anchor: Entry, seed: int, on_event: Event, journal: Journal, machine_id: str
    ) -> None:
        self.case, self.anchor, self.machine_id = case, anchor, machine_id
        self.interrupted = False
        self.samples: dict[str, list[Measurement]] = {}
        self.skips: list[Skip] = []
        self._emit, self._journal = on_event, journal
        self._rng, self._np_rng = random.Random(seed), np.random.default_rng(seed)
        self._phase: Phase = "run" if case.kernel.ranked == "run" else "total"
        self._ready: Prepared | None = None
        self._scratch = Path(tempfile.mkdtemp(prefix="hb-"))
        self._arms_made = 0
        self._alpha = stats.ALPHA

    def __enter__(self) -> Race:
        return self

    def __exit__(self, *_: object) -> None:
        if self._ready:
            self._ready.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    @property
    def ready(self) -> Prepared:
        """The inputs, made at the first use: after the build, so that no source can have known them."""
        if self._ready is None:
            self._emit("inputs", {"case": self.case.name})
            self._ready = Prepared(self.case, self._np_rng)
        return self._ready

    def evaluate(
        self, entries: Sequence[Entry], budget: Budget, *, upto: Literal["verify", "measure"] = "measure"
    ) -> list[Result]:
        """Build, verify and race ``entries`` against the anchor; one Result each, the anchor's first.

        A candidate's failure is its verdict. Ctrl-C ends the rounds and keeps what was measured.
        ``upto="verify"`` leaves the anchor out and stops before anything is timed.

        Raises
        ------
        HpcbenchError
            When the anchor itself cannot run, or the machine cannot hold the case.
        """
        anchor, twin = Contender(self.anchor, ANCHOR), Contender(self.anchor, TWIN)
        contenders = [] if upto == "verify" else [anchor, twin]
        contenders += [Contender(e, e.label) for e in entries]
        self._build(contenders)
        floor_s = self.ready.floor_s
        self._emit("verify", {"case": self.case.name, "arms": sum(c.racing for c in contenders)})
        try:
            if upto == "measure":
                self._race(contenders, budget)
            else:
                self._verify(contenders)
        except KeyboardInterrupt:
            self.interrupted = True
        if upto == "measure":
            outcome.look(contenders, self._alpha)
        self.samples.update({f"{self.case.name}|{c.label}": c.samples for c in contenders})
        self.skips += [
            Skip(c.entry.name, self.case.kernel.name, c.entry.setting, c.unavailable)
            for c in contenders if c.unavailable
        ]  # fmt: skip
        blank = Result(
            "", "", self.case.kernel.name, self.case.contract, self.case.name, self.ready.input_hash,
            self.anchor.setting, self.machine_id, "correct", anchor=self.anchor.name,
            clock=outcome.clock(contenders),
        )  # fmt: skip
        results = [
            outcome.conclude(c, anchor, twin, blank, floor_s)
            for c in contenders if c is not twin and not c.unavailable
        ]  # fmt: skip
        self._journal.append(
            [("event", "skip", s) for s in self.skips] + [("result", r.candidate, r) for r in results]
        )
        return results

    def _build(self, contenders: Sequence[Contender]) -> None:
        def one(c: Contender) -> None:
            start = time.perf_counter()
            try:
                c.program = self._program(c)
                c.passed("compile", time.perf_counter() - start)
            except build.BuildError as error:
                c.fail("compile", "compile", str(error), time.perf_counter() - start)

        with ThreadPoolExecutor(max_workers=2) as pool:
            for done, _ in enumerate(pool.map(one, contenders), 1):
                self._emit("build", {"case": self.case.name, "done": done, "of": len(contenders)})
        self._anchor_alive(contenders)

    def _program(self, c: Contender) -> Program:
        candidate = c.entry.candidate
        under_mpi = "mpi" in candidate.model
        if candidate.language == "python":
            path = build.place(candidate.source, salt=TWIN if c.label == TWIN else "")
        else:
            wrapper = launch.mpi().cxx if under_mpi else None
            path = build.build(candidate, mpi=wrapper, salt=TWIN if c.label == TWIN else "").path
        run = tuple(v for k, v in candidate.params.items() if not build.is_build_param(candidate, k))
        return Program(candidate.kernel, candidate.language, path, run, candidate.params, under_mpi)

    def _race(self, contenders: list[Contender], budget: Budget) -> None:
        wide = any(c.entry.setting.ranks * c.entry.setting.threads > 1 for c in contenders)
        rounds = budget.rounds * (PARALLEL_ROUNDS if wide else 1)
        looks = stats.looks(rounds)
        self._alpha = stats.ALPHA / len(looks) / max(1, len(contenders) - 2)
        self._deadline = time.monotonic() + budget.deadline
        round_, generation = 0, 0
        while round_ < rounds and any(c.open for c in contenders[2:]):
            until = min([rounds, *(g for g in GENERATIONS if g > round_)])
            round_ = self._generation(contenders, generation, round_, until, rounds)
            generation += 1
            if round_ < until:
                break
            if round_ in looks:
                outcome.look(contenders, self._alpha)
        self._confirm(contenders, generation)

    def _verify(self, contenders: list[Contender]) -> None:
        arms = self._start([c for c in contenders if c.open], 0)
        try:
            self._warm([c for c in contenders if c.open], arms)
        finally:
            _close(arms)

    def _start(self, contenders: Sequence[Contender], generation: int) -> dict[str, WorkerArm]:
        """Fresh processes for every contender, all on the same idlest CPUs; failures become verdicts."""
        cpus = machine.idlest_cpus(max(c.entry.setting.ranks * c.entry.setting.threads for c in contenders))
        free = machine.memory_available() // 2
        arms: dict[str, WorkerArm] = {}
        try:
            for c in contenders:
                assert c.program is not None
                setting = c.entry.setting
                self._arms_made += 1
                arms[c.label] = WorkerArm(
                    c.label, c.program, self.ready.memory(setting), setting, cpus,
                    self._scratch / str(self._arms_made), self._rng, generation, free // setting.ranks,
                )  # fmt: skip
            for c in contenders:
                try:
                    arms[c.label].connect()
                except ArmFailure as failure:
                    c.fail("load", failure.code, str(failure))
                except LaunchError as error:
                    if c.label in (ANCHOR, TWIN):
                        raise
                    c.unavailable, c.racing = str(error), False
        except BaseException:
            _close(arms)
            raise
        return arms

    def _generation(
        self, contenders: list[Contender], generation: int, start: int, until: int, rounds: int
    ) -> int:
        """Rounds ``start`` to ``until`` in fresh processes; returns the round it came to."""
        arms = self._start([c for c in contenders if c.open], generation)
        try:
            self._warm([c for c in contenders if c.open], arms)
            if generation == 0:
                self._screen([c for c in contenders if c.open], arms)
            checks = {c.label: self._rng.randrange(start, until) for c in contenders}
            for round_ in range(start, until):
                self._anchor_alive(contenders)
                active = [c for c in contenders if c.open]
                shift = self._rng.randrange(len(active))
                for c in active[shift:] + active[:shift]:
                    self._sample(c, arms[c.label], round_, checks[c.label] == round_)
                self._flush(active, round_)
                self._emit(
                    "round", {"case": self.case.name, "round": round_ + 1, "of": rounds, "arms": len(active)}
                )
                if time.monotonic() > self._deadline:
                    return round_ + 1
            self._time_phases([c for c in contenders if c.open], arms)
            return until
        finally:
            _close(arms)

    def _warm(self, active: Sequence[Contender], arms: Mapping[str, WorkerArm]) -> None:
        """Verify one call per input set on poisoned memory; the first calls are the warm-up, too."""
        for c in active:
            start = time.perf_counter()
            for k in range(SETS):
                self.ready.memory(c.entry.setting).poison()
                if self._guarded(c, arms[c.label], k, 1):
                    self._compare(c, arms[c.label], k)
            if c.racing and c.screening_s is None:
                c.passed("verify", time.perf_counter() - start)
        self._anchor_alive(active)

    def _screen(self, active: Sequence[Contender], arms: Mapping[str, WorkerArm]) -> None:
        """Preset the batch and screen out what is hopelessly slow, from a few samples."""
        for c in (c for c in active if c.racing):
            arm = arms[c.label]
            for _ in range(2):  # the second look at a larger batch is the truer one
                quick = self._guarded(c, arm, 0, c.batch)
                if quick:
                    c.batch = max(1, round(MIN_SAMPLE_S / (quick.wall_s / quick.batch) + 0.5))
                    if self.ready.memory(c.entry.setting).arenas[0].cold:
                        c.batch = min(c.batch, len(self.ready.memory(c.entry.setting).arenas[0].layout))
            taken = [self._guarded(c, arm, i % SETS, c.batch) for i in range(SCREEN_SAMPLES)]
            if c.racing:
                c.screening_s = statistics.median(s.wall_s / s.batch for s in taken if s)
        self._anchor_alive(active)
        reference = active[0].screening_s or 0.0
        for c in (c for c in active if c.racing and c.screening_s):
            assert c.screening_s is not None
            c.screened = c.screening_s > SCREEN_RATIO * reference
            arms[c.label].limit_s = 20 + 200 * reference * c.batch

    def _guarded(
        self,
        c: Contender,
        arm: WorkerArm,
        first: int,
        batch: int,
        phase: Phase | None = None,
        round_: int = -1,
    ) -> Measurement | None:
        try:
            return arm.sample(first, batch, phase or self._phase, round_) if c.racing else None
        except ArmFailure as failure:
            c.fail("measure" if c.screening_s else "verify", failure.code, str(failure))
            return None

    def _sample(self, c: Contender, arm: WorkerArm, round_: int, check: bool) -> None:
        """One paired sample; in a round that only the parent knows, its output is verified as well."""
        arena = self.ready.memory(c.entry.setting).arenas[0]
        if check or arena.cold:
            self.ready.memory(c.entry.setting).poison()
        sample = self._guarded(c, arm, round_ % SETS, c.batch, round_=round_)
        if sample is None:
            return
        c.samples.append(sample)
        if check:
            self._compare(c, arm, (round_ % SETS + c.batch - 1) % len(arena.layout))

    def _compare(self, c: Contender, arm: WorkerArm, slot: int) -> None:
        try:
            arm.fetch(slot)
        except ArmFailure as failure:
            c.fail("verify", failure.code, str(failure))
            return
        if problem := self.ready.wrong(c.entry.setting, slot):
            c.fail("verify", "correctness", problem)

    def _flush(self, active: Sequence[Contender], round_: int) -> None:
        fresh = [c.samples[-1] for c in active if c.samples and c.samples[-1].round == round_]
        self._journal.append([("sample", f"{self.case.name}|{s.arm}", s) for s in fresh], sync=False)

    def _time_phases(self, active: Sequence[Contender], arms: Mapping[str, WorkerArm]) -> None:
        """A few samples of setup and of run alone, for variants that have a setup."""
        phases: tuple[Phase, ...] = ("setup", "run")
        for c in (c for c in active if arms[c.label].has_setup):
            for phase in phases:
                taken = [self._guarded(c, arms[c.label], 0, c.batch, phase) for _ in range(PHASE_SAMPLES)]
                c.phases.setdefault(phase, []).extend(s.wall_s / s.batch for s in taken if s)

    def _confirm(self, contenders: list[Contender], generation: int) -> None:
        """Measure the winner again in new processes before it is called one."""
        outcome.look(contenders, self._alpha)
        won = [c for c in contenders[2:] if c.decision and c.decision.relation == "faster"]
        winner = outcome.best([c for c in won if c.verdict == "correct"])
        if winner is None:
            return
        self._emit("confirm", {"case": self.case.name, "arm": winner.label})
        winner.confirmed = False
        anchor = contenders[0]
        pair, kept = [anchor, winner], {c.label: len(c.samples) for c in (anchor, winner)}
        for c in pair:
            c.racing = True
        arms = self._start(pair, generation)
        try:
            self._warm(pair, arms)
            for i in range(CONFIRM_ROUNDS):
                for c in pair if i % 2 else pair[::-1]:
                    self._sample(c, arms[c.label], CONFIRM_FROM + i, i == CONFIRM_ROUNDS - 1)
                self._flush(pair, CONFIRM_FROM + i)
            self._anchor_alive(pair)
        finally:
            _close(arms)
            fresh = {c.label: c.samples[kept[c.label] :] for c in pair}
            for c in pair:
                del c.samples[kept[c.label] :]
        again = outcome.log_ratios(fresh[ANCHOR], fresh[winner.label], outcome.clock(contenders))
        _, low, _ = stats.sign_interval([v for group in again for v in group], stats.ALPHA)
        winner.confirmed = low > 0
        if winner.confirmed:
            winner.passed("confirm", 0.0)
        elif winner.verdict == "correct":
            message = "measured again in new processes, it was not clearly ahead"
            winner.stages.append(Stage("confirm", "not_checked", message))

    def _anchor_alive(self, contenders: Sequence[Contender]) -> None:
        for c in contenders:
            if c.label in (ANCHOR, TWIN) and not c.racing and c.verdict != "correct":
                raise HpcbenchError(f"the baseline {self.anchor.name} failed: {c.stages[-1].message}")

    def facts(self) -> dict[str, Any]:
        """Features of the case, for the report."""
        return {"structure": self.case.kernel.cases.get(self.case.name, {}).get("structure", ""),
                **self.ready.features}  # fmt: skip


def _close(arms: Mapping[str, WorkerArm]) -> None:
    for arm in arms.values():
        arm.close()


def open_race(
    case: Case, anchor: Entry, *, seed: int, on_event: Event, journal: Journal, machine_id: str
) -> Race:
    """A race on ``case`` against ``anchor``; the machine's scratch space is given back when it closes."""
    return Race(case, anchor, seed, on_event, journal, machine_id)
