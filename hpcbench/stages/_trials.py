"""Runs a candidate on the kernel's hidden inputs, under several settings, plainly or under an instrument."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

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
    """Stage ``name``: verify on every hidden input under all ``settings``; ends at the first that fails."""
    bench, kernel = subject.bench, subject.kernel
    start = time.perf_counter()
    inputs = kernel.module().hidden(bench.case.contract, np.random.default_rng(subject.seed))
    entries = [Entry(subject.candidate, s, "candidate", bench.trust, watch) for s in settings]
    tool = watch.tool if watch else ""
    for title, one in inputs.items():
        if watch and title == LARGE:
            continue
        case = Case(title, kernel, bench.case.contract, partial(_given, one))
        with open_race(
            case, bench.anchor, seed=secrets.randbits(32), on_event=lambda *_: None, journal=None,
            machine_id=bench.machine_id,
        ) as race:  # fmt: skip
            results = race.evaluate(entries, Budget(), upto="verify")
        spent = time.perf_counter() - start
        if race.skips:
            return Stage(name, "not_checked", race.skips[0].reason, spent, tool)
        for result in results:
            last = result.stages[-1]
            if result.verdict == "correct":
                continue
            if watch and last.name == "compile":
                return Stage(name, "not_checked", f"{tool} does not build it: {last.message}", spent, tool)
            where = f"on a hidden input ({title}), {result.setting.label}: {last.message}"
            return Stage(name, result.verdict, where, spent, tool)
    return Stage(name, "correct", "", time.perf_counter() - start, tool)


def watched(
    subject: Subject, name: str, instrument: Callable[[], Instrument], settings: Sequence[Setting]
) -> Stage:
    """The same under an instrument; ``not_checked`` where there is none."""
    try:
        return trials(subject, name, settings, instrument())
    except (Absent, BuildError) as absent:  # of the worker: a candidate's own is its verdict
        return Stage(name, "not_checked", str(absent))


def _given(inputs: Any, _: np.random.Generator) -> Any:
    return inputs
