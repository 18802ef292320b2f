"""Judges one candidate from outside: stage by stage, on inputs it cannot know, and only then by its speed."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import cast

from hpcbench import launch, sandbox
from hpcbench.contender import Entry
from hpcbench.evaluate import open_race
from hpcbench.generation import BaselineFailed
from hpcbench.spec import Budget, Candidate, Code, HpcbenchError, Result, Stage
from hpcbench.stages import Bench, Subject, examine


def judge(candidate: Candidate, name: str, bench: Bench, budget: Budget) -> Result:
    """The Result of one candidate: its stages, its verdict, its speedup if it got that far.

    Raises
    ------
    HpcbenchError
        When the baseline cannot run, the machine cannot hold the case, or there is no wall to run it behind.
    """
    subject = Subject(candidate, bench, secrets.randbits(32), stages=[_wall(bench.trust)])
    for stage in examine(subject):
        bench.on_event("stage", {"name": stage.name, "code": stage.code})
    return _race(subject, name, budget) if subject.passed else _failed(subject, name)


def _race(subject: Subject, name: str, budget: Budget) -> Result:
    """The race against the baseline; a baseline that fails only beside the candidate is the candidate's doing."""
    bench = subject.bench
    with open_race(
        bench.case, bench.anchor, seed=secrets.randbits(32), on_event=bench.on_event, journal=bench.journal,
        machine_id=bench.machine_id,
    ) as race:  # fmt: skip
        entry = Entry(subject.candidate, bench.setting, name, trusted=bench.trust)
        try:
            result = race.evaluate([entry], budget)[1]
        except BaselineFailed as failure:
            alone = race.evaluate([bench.anchor], Budget(), upto="verify")[0]
            if bench.trust or alone.verdict != "correct":
                raise
            subject.stages.append(Stage("measure", "forbidden", f"{failure}; alone it is right"))
            return _failed(subject, name)
    raced = tuple(s for s in result.stages if s.name != "compile" or s.code != "correct")  # once is enough
    return replace(result, stages=(*subject.stages, *raced), trusted=bench.trust)


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
