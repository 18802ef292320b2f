"""Opens a Race and judges candidates in it: the only way anything is verified or timed.

A race builds all candidates, verifies each against the oracle, then times them in paired rounds beside
the anchor and the anchor's twin, in generations of fresh processes, until every question is settled.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any, Literal

import numpy as np

from hpcbench import build, device, outcome, scratch, stats
from hpcbench.case import Case, Prepared
from hpcbench.conduct import Tally
from hpcbench.contender import ANCHOR, TWIN, Contender, Entry
from hpcbench.generation import Generation
from hpcbench.protocols import Event
from hpcbench.spec import Budget, HpcbenchError, Measurement, Result, Skip, Stage
from hpcbench.store import Journal

CONFIRM_ROUNDS = 16
CONFIRM_FROM = 10_000  # round numbers of the confirmation, apart from the race's
PARALLEL_ROUNDS = 8  # threads and ranks are noisier: so many times the rounds of a serial race


class Race:
    """A race on one case; made by :func:`open_race`, used as a context manager.

    Attributes
    ----------
    interrupted : whether Ctrl-C ended the rounds.
    samples : raw samples of all contenders by the key in ``Result.samples``.
    skips : contenders that this machine could not launch.
    """

    def __init__(
        self, case: Case, anchor: Entry, seed: int, on_event: Event, journal: Journal | None, machine_id: str
    ) -> None:
        self.case, self.anchor, self.machine_id, self.interrupted = case, anchor, machine_id, False
        self.samples: dict[str, list[Measurement]] = {}
        self.skips: list[Skip] = []
        self._emit, self._journal = on_event, journal
        self._rng, self._np_rng = random.Random(seed), np.random.default_rng(seed)
        self._ready: Prepared | None = None
        self._changing = False
        self._scratch = scratch.make(journal.path if journal else None)
        self._alpha, self._looks, self._size = stats.ALPHA, stats.LOOKS, stats.WHOLE

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
            self._ready = Prepared(self.case, self._np_rng, self._changing)
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
        self._changing = upto == "measure" and not all(e.trusted for e in entries)
        anchor = Contender(self.anchor, ANCHOR)
        twin = Contender(self.anchor, TWIN, tally=anchor.tally)
        contenders = [] if upto == "verify" else [anchor, twin]
        contenders += [Contender(e, e.label, tally=anchor.tally if e.trusted else Tally()) for e in entries]
        self._build(contenders)
        floor_s = self.ready.floor_s if upto == "measure" else 0.0
        self._emit("verify", {"case": self.case.name, "arms": sum(c.racing for c in contenders)})
        try:
            if upto == "measure":
                on_device = any(c.entry.setting.device != "cpu" for c in contenders)
                with device.alone() if on_device else nullcontext():
                    self._race(contenders, budget)
            else:
                with self._fresh(contenders, 0, timed=False) as generation:
                    generation.warm()
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
        if self._journal:
            self._journal.append(
                [("event", "skip", s) for s in self.skips] + [("result", r.candidate, r) for r in results]
            )
        return results

    def _build(self, contenders: Sequence[Contender]) -> None:
        def one(c: Contender) -> None:
            start = time.perf_counter()
            try:
                c.program = c.entry.program(salt=TWIN if c.label == TWIN else "")
                c.passed("compile", time.perf_counter() - start)
            except build.BuildError as error:
                c.fail("compile", error.code, str(error), time.perf_counter() - start)

        with ThreadPoolExecutor(max_workers=2) as pool:
            for done, _ in enumerate(pool.map(one, contenders), 1):
                self._emit("build", {"case": self.case.name, "done": done, "of": len(contenders)})
        if failed := next((c for c in contenders if c.entry is self.anchor and not c.racing), None):
            raise HpcbenchError(
                f"the baseline {self.anchor.name} does not build: {failed.stages[-1].message}"
            )

    def _race(self, contenders: list[Contender], budget: Budget) -> None:
        wide = any(c.entry.setting.ranks * c.entry.setting.threads > 1 for c in contenders)
        self._limit = budget.rounds * (PARALLEL_ROUNDS if wide else 1)
        self._deadline = time.monotonic() + budget.deadline
        round_, index = 0, 0
        while round_ < self._limit and any(c.open for c in contenders[2:]):
            round_, whole = self._rounds(contenders, index, round_)
            index += 1
            if not whole:
                break
            if round_ in self._looks:
                outcome.look(contenders, self._alpha)
        self._confirm(contenders, index)

    def _plan(self, contenders: Sequence[Contender], start_s: float) -> None:
        """After screening: the rounds that the budget affords, the looks, the size of generations."""
        round_s = sum(c.batch * (c.screening_s or 0.0) for c in contenders if c.open)
        affords = int(max(0.0, self._deadline - time.monotonic()) / round_s)
        self._limit = min(self._limit, max(stats.LOOKS[0], affords))
        self._size = stats.generation_size(self._limit, start_s / round_s)
        self._looks = stats.looks(self._limit)
        self._alpha = stats.ALPHA / len(self._looks) / max(1, len(contenders) - 2)

    def _fresh(self, contenders: Sequence[Contender], index: int, timed: bool = True) -> Generation:
        alive = [c for c in contenders if c.open]
        return Generation(alive, self.ready, index, self._rng, self._scratch, timed)

    def _rounds(self, contenders: list[Contender], index: int, start: int) -> tuple[int, bool]:
        """The rounds of one generation from round ``start``; where it came to, and whether to its end."""
        begun = time.monotonic()
        with self._fresh(contenders, index) as generation:
            generation.warm()
            if index == 0:
                started = time.monotonic()
                generation.screen()
                self._plan(contenders, started - begun)
            until = stats.generation_end(start, self._size, self._limit)
            checks = {c.label: c.checks(range(start, until), self._rng) for c in generation.active}
            least = {c.label: c.looks_after(c.looks) for c in contenders}
            late = False  # time is up: in more rounds all are looked at, until that was often enough
            for round_ in range(start, until):
                active = generation.active
                shift = self._rng.randrange(len(active))
                for c in active[shift:] + active[:shift]:
                    generation.sample(c, round_, late or round_ in checks[c.label])
                self._flush(active, round_)
                told = {"case": self.case.name, "round": round_ + 1, "of": self._limit, "arms": len(active)}
                self._emit("round", told)
                late = time.monotonic() > self._deadline
                # in two rounds at least: what meets an output for the first time may compute it, and never again
                if late and round_ > start and all(c.looks >= least[c.label] for c in generation.active):
                    return round_ + 1, False
            generation.time_phases()
            return until, True

    def _flush(self, active: Sequence[Contender], round_: int) -> None:
        fresh = [c.samples[-1] for c in active if c.samples and c.samples[-1].round == round_]
        if self._journal:
            self._journal.append([("sample", f"{self.case.name}|{s.arm}", s) for s in fresh], sync=False)

    def _confirm(self, contenders: list[Contender], index: int) -> None:
        """Measure the winner again in new processes before it is called one."""
        outcome.look(contenders, self._alpha)
        won = [c for c in contenders[2:] if c.decision and c.decision.relation == "faster"]
        winner = outcome.best([c for c in won if c.verdict == "correct"])
        if winner is None:
            return
        self._emit("confirm", {"case": self.case.name, "arm": winner.label})
        anchor, winner.confirmed = contenders[0], False
        pair, kept = [anchor, winner], {c.label: len(c.samples) for c in (anchor, winner)}
        for c in pair:
            c.racing = True
        try:
            with self._fresh(pair, index) as generation:
                generation.warm()
                anchor.looks = winner.looks = 0
                checks = {c.label: c.checks(range(CONFIRM_ROUNDS), self._rng) for c in pair}
                for i in range(CONFIRM_ROUNDS):
                    for c in pair if i % 2 else pair[::-1]:
                        generation.sample(c, CONFIRM_FROM + i, i in checks[c.label])
                    self._flush(generation.active, CONFIRM_FROM + i)
            which = outcome.clock(contenders)  # while these samples are among them
        finally:
            fresh = {c.label: c.samples[kept[c.label] :] for c in pair}
            for c in pair:
                del c.samples[kept[c.label] :]
        again = outcome.log_ratios(fresh[ANCHOR], fresh[winner.label], which)
        _, low, _ = stats.sign_interval([v for group in again for v in group], stats.ALPHA)
        winner.confirmed = low > 0
        if winner.confirmed:
            winner.passed("confirm", 0.0)
        elif winner.verdict == "correct":
            words = "measured again in new processes, it was not clearly ahead"
            winner.stages.append(Stage("confirm", "not_checked", words))

    def facts(self) -> dict[str, Any]:
        """Features of the case, for the report."""
        return {"structure": self.case.kernel.cases.get(self.case.name, {}).get("structure", ""),
                **self.ready.features, **self.ready.physics}  # fmt: skip


def open_race(
    case: Case, anchor: Entry, *, seed: int, on_event: Event, journal: Journal | None, machine_id: str
) -> Race:
    """A race on ``case`` against ``anchor``; the machine's scratch space is given back when it closes.

    Without a journal nothing is kept: for inputs that are verified only.
    """
    return Race(case, anchor, seed, on_event, journal, machine_id)
