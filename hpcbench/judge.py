"""Judges one candidate from outside: stage by stage, on inputs it cannot know, and only then by its speed."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import cast

from hpcbench import launch, sandbox
from hpcbench.contender import Entry
from hpcbench.evaluate import open_race
from hpcbench.spec import Budget, Candidate, Code, HpcbenchError, Result, Stage
from hpcbench.stages import Bench, Subject, examine


def judge(candidate: Candidate, name: str, bench: Bench, budget: Budget) -> Result:
    """The Result of one candidate: its stages, its verdict, its speedup if it got that far.

    Raises
    ------
    HpcbenchError
        When the baseline cannot run, the machine cannot hold the case, or there is no wall to run it behind.
    """
    kernel, wall = bench.case.kernel, _wall(bench.trust)
    subject = Subject(candidate, bench, secrets.randbits(32), stages=[wall])
    for stage in examine(subject):
        bench.on_event("stage", {"name": stage.name, "code": stage.code})
    if not subject.passed:
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
        entry = Entry(candidate, bench.setting, name, trusted=bench.trust)
        result = race.evaluate([entry], budget)[1]
    raced = tuple(s for s in result.stages if s.name != "compile" or s.code != "correct")  # once is enough
    return replace(result, stages=(*subject.stages, *raced), trusted=bench.trust)


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
