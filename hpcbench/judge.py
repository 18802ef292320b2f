"""Judges one candidate from outside: stage by stage, on inputs it cannot know, and only then by its speed."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import cast

from hpcbench import launch, sandbox
from hpcbench.contender import Entry
from hpcbench.evaluate import Race, open_race
from hpcbench.generation import BaselineFailed
from hpcbench.processes import LaunchError
from hpcbench.spec import Budget, Candidate, Code, HpcbenchError, Result, Stage
from hpcbench.stages import Bench, Subject, examine
from hpcbench.store import Journal


def judge(candidate: Candidate, name: str, bench: Bench, budget: Budget) -> Result:
    """The Result of one candidate: its stages, its verdict, its speedup if it got that far.

    Raises
    ------
    HpcbenchError
        When the baseline cannot run, nor a launcher, the machine cannot hold the case, or there is no wall.
    """
    subject = Subject(candidate, bench, secrets.randbits(32), stages=[_wall(bench.trust)])
    for stage in examine(subject):
        bench.on_event("stage", {"case": bench.case.name, "name": stage.name, "code": stage.code})
    return _race(subject, name, budget) if subject.passed else _failed(subject, name)


def _race(subject: Subject, name: str, budget: Budget) -> Result:
    """The race against the baseline; one that fails only beside the candidate, twice, is its doing.

    A baseline that is late is nobody's: the machine may have been busy.
    """
    for last in (False, True):
        try:
            return _raced(subject, name, budget)
        except BaselineFailed as failure:
            if subject.bench.trust or failure.code == "timeout" or not _alone(subject.bench):
                raise
            if last:
                subject.stages.append(Stage("measure", "forbidden", f"{failure}; alone it is right"))
    return _failed(subject, name)


def _raced(subject: Subject, name: str, budget: Budget) -> Result:
    with _open(subject.bench, subject.bench.journal) as race:
        entry = Entry(subject.candidate, subject.bench.setting, name, trusted=subject.bench.trust)
        results = race.evaluate([entry], budget)
    if len(results) < 2:
        raise LaunchError(race.skips[-1].reason)
    raced = tuple(
        s for s in results[1].stages if s.name != "compile" or s.code != "correct"
    )  # once is enough
    return replace(results[1], stages=(*subject.stages, *raced), trusted=subject.bench.trust)


def _alone(bench: Bench) -> bool:
    """Whether the baseline is right when nobody is beside it."""
    with _open(bench, None) as race:
        results = race.evaluate([bench.anchor], Budget(), upto="verify")
    return not race.interrupted and [r.verdict for r in results] == ["correct"]


def _open(bench: Bench, journal: Journal | None) -> Race:
    return open_race(
        bench.case, bench.anchor, seed=secrets.randbits(32), on_event=bench.on_event, journal=journal,
        machine_id=bench.machine_id,
    )  # fmt: skip


def _failed(subject: Subject, name: str) -> Result:
    """The Result of what did not pass: its verdict is the last stage's."""
    bench = subject.bench
    result = Result(
        subject.candidate.id, name, subject.kernel.name, bench.case.contract, bench.case.name, "", bench.setting,
        bench.machine_id, cast("Code", subject.stages[-1].code), stages=tuple(subject.stages), trusted=bench.trust,
        anchor=bench.anchor.name,
    )  # fmt: skip
    bench.journal.append([("result", subject.candidate.id, result)])
    return result


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
