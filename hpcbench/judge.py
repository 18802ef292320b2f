"""Judges one candidate from outside: stage by stage, on inputs it cannot know, and only then by its speed."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np

from hpcbench import launch, sandbox
from hpcbench.case import Case
from hpcbench.contender import Entry
from hpcbench.evaluate import open_race
from hpcbench.spec import Budget, Candidate, Code, Event, HpcbenchError, Result, Setting, Stage
from hpcbench.stages import Subject, examine
from hpcbench.store import Journal

PASSED = ("correct", "not_checked")
THREADS, RANKS = (1, 2, 3), (1, 2, 3)


@dataclass(frozen=True)
class Bench:
    """What a candidate is judged on: the case of the race, the baseline, the setting, where to write."""

    case: Case
    anchor: Entry
    setting: Setting
    journal: Journal
    machine_id: str
    on_event: Event
    trust: bool = False


def judge(candidate: Candidate, name: str, bench: Bench, budget: Budget) -> Result:
    """The Result of one candidate: its stages, its verdict, its speedup if it got that far.

    Raises
    ------
    HpcbenchError
        When the baseline cannot run, the machine cannot hold the case, or there is no wall to run it behind.
    """
    kernel = bench.case.kernel
    wall = _wall(bench.trust)
    subject = Subject(
        candidate, kernel, bench.case.contract, bench.setting, secrets.randbits(32), bench.trust
    )
    subject.stages.append(wall)
    for stage in examine(subject):
        bench.on_event("stage", {"name": stage.name, "code": stage.code})
    entry = Entry(candidate, bench.setting, name, trusted=bench.trust)
    if _passed(subject):
        subject.stages.append(hidden(subject, bench))
        bench.on_event("stage", {"name": "hidden", "code": subject.stages[-1].code})
    if not _passed(subject):
        last = subject.stages[-1]
        blank = Result(
            candidate.id, name, kernel.name, bench.case.contract, bench.case.name, "", bench.setting,
            bench.machine_id, cast("Code", last.code), stages=tuple(subject.stages), trusted=bench.trust,
            anchor=bench.anchor.name,
        )  # fmt: skip
        bench.journal.append([("result", candidate.id, blank)])
        return blank
    with open_race(
        bench.case, bench.anchor, seed=secrets.randbits(32), on_event=bench.on_event, journal=bench.journal,
        machine_id=bench.machine_id,
    ) as race:  # fmt: skip
        result = race.evaluate([entry], budget)[1]
    return replace(result, stages=(*subject.stages, *result.stages), trusted=bench.trust)


def _wall(trust: bool) -> Stage:
    """Which layers stand; an error where too few do."""
    if trust:
        return Stage("wall", "not_checked", "trusted: it runs without one")
    layers = launch.layers()
    if layers & sandbox.REQUIRED != sandbox.REQUIRED:
        error = HpcbenchError(
            f"this system does not grant {' and '.join(sandbox.names(sandbox.REQUIRED & ~layers))}, without which "
            f"nothing untrusted runs; `--trust` goes on without a wall, for code that you would run yourself"
        )
        error.exit_code = 3
        raise error
    gone = sandbox.missing(layers)
    return Stage("wall", "correct", f"without {', '.join(gone)}" if gone else "", 0.0, "lockdown.c")


def _passed(subject: Subject) -> bool:
    return all(stage.code in PASSED for stage in subject.stages)


def hidden(subject: Subject, bench: Bench) -> Stage:
    """Verify on every hidden input, with several counts of threads and ranks."""
    kernel, entry = subject.kernel, Entry(subject.candidate, bench.setting, "candidate", bench.trust)
    start = time.perf_counter()
    inputs = kernel.module().hidden(subject.contract, np.random.default_rng(subject.seed))
    entries = [replace(entry, setting=setting) for setting in _settings(subject)]
    for name, one in inputs.items():
        case = Case(name, kernel, subject.contract, partial(_given, one))
        with open_race(
            case, bench.anchor, seed=secrets.randbits(32), on_event=lambda *_: None, journal=None,
            machine_id=bench.machine_id,
        ) as race:  # fmt: skip
            results = race.evaluate(entries, Budget(), upto="verify")
        if race.skips:
            return Stage("hidden", "not_checked", race.skips[0].reason, time.perf_counter() - start)
        for result in results:
            if result.verdict != "correct":
                where = f"on a hidden input ({name}), {result.setting.label}: {result.stages[-1].message}"
                return Stage("hidden", result.verdict, where, time.perf_counter() - start)
    return Stage("hidden", "correct", "", time.perf_counter() - start)


def _given(inputs: Any, _: np.random.Generator) -> Any:
    return inputs


def _settings(subject: Subject) -> list[Setting]:
    threads = THREADS if "openmp" in subject.candidate.model else (subject.setting.threads,)
    ranks = RANKS if "mpi" in subject.candidate.model else (subject.setting.ranks,)
    return [replace(subject.setting, ranks=r, threads=t) for r in ranks for t in threads]
