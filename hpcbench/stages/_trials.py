"""Runs a candidate on the kernel's hidden inputs, under several settings, plainly or under an instrument."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence

import numpy as np

from hpcbench.build import BuildError
from hpcbench.case import Case
from hpcbench.contender import Entry
from hpcbench.evaluate import open_race
from hpcbench.instrument import Absent, Instrument
from hpcbench.spec import Budget, Setting, Stage
from hpcbench.stages import Subject

LARGE = "larger"  # the hidden input that is left out where an instrument makes everything slow


def trials(
    subject: Subject, name: str, settings: Sequence[Setting], watch: Instrument | None = None
) -> Stage:
    """Stage ``name``: verify on every hidden input, in one process for each of the ``settings``."""
    bench, kernel = subject.bench, subject.kernel
    start = time.perf_counter()
    inputs = kernel.module().hidden(bench.case.contract, np.random.default_rng(subject.seed))
    inputs = {title: one for title, one in inputs.items() if not watch or title != LARGE}
    case = Case(name, kernel, bench.case.contract, lambda _: list(inputs.values()), tuple(inputs))
    entries = [Entry(subject.candidate, s, "candidate", bench.trust, watch) for s in settings]
    tool = watch.tool if watch else ""
    with open_race(
        case, bench.anchor, seed=secrets.randbits(32), on_event=lambda *_: None, journal=None,
        machine_id=bench.machine_id,
    ) as race:  # fmt: skip
        results = race.evaluate(entries, Budget(), upto="verify")
    spent = time.perf_counter() - start
    if race.skips:
        return Stage(name, "not_checked", race.skips[0].reason, spent, tool)
    for result in (r for r in results if r.verdict != "correct"):
        last = result.stages[-1]
        if watch and last.name == "compile":
            return Stage(name, "not_checked", f"{tool} does not build it: {last.message}", spent, tool)
        return Stage(name, result.verdict, f"{result.setting.label}: {last.message}", spent, tool)
    return Stage(name, "correct", "", spent, tool)


def watched(
    subject: Subject, name: str, instrument: Callable[[], Instrument], settings: Sequence[Setting]
) -> Stage:
    """The same under an instrument; ``not_checked`` where there is none."""
    try:
        return trials(subject, name, settings, instrument())
    except (Absent, BuildError) as absent:  # of the worker: a candidate's own is its verdict
        return Stage(name, "not_checked", str(absent))
