"""Runs a candidate on the kernel's hidden inputs, under several settings, plainly or under an instrument."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np

from hpcbench import instrument, launch
from hpcbench.build import BuildError
from hpcbench.case import Case
from hpcbench.contender import Entry
from hpcbench.evaluate import open_race
from hpcbench.instrument import Absent, Instrument
from hpcbench.processes import LaunchError
from hpcbench.spec import Budget, Code, Setting, Stage
from hpcbench.stages import Subject


def trials(
    subject: Subject, name: str, settings: Sequence[Setting], watch: Instrument | None = None
) -> Stage:
    """Stage ``name``: verify on every hidden input, in one process for each of the ``settings``."""
    bench, kernel = subject.bench, subject.kernel
    start = time.perf_counter()
    inputs = kernel.module().hidden(bench.case.contract, np.random.default_rng(subject.seed))
    case = Case(name, kernel, bench.case.contract, lambda _: list(inputs.values()), tuple(inputs))
    tool = watch.tool if watch else ""

    def found(code: Code | Literal["not_checked"], message: str = "") -> Stage:
        return Stage(name, code, message, time.perf_counter() - start, tool)

    with open_race(
        case, bench.anchor, seed=secrets.randbits(32), on_event=lambda *_: None, journal=None,
        machine_id=bench.machine_id,
    ) as race:  # fmt: skip
        for setting in settings:
            entry = Entry(subject.candidate, setting, "candidate", bench.trust, watch)
            results = race.evaluate([entry], Budget(), upto="verify")
            if race.skips:
                raise LaunchError(race.skips[0].reason)
            last = results[0].stages[-1]
            if (
                watch and watch.code == "race" and last.code == "compile"
            ):  # another compiler than the usual one
                return found("not_checked", f"{tool} does not build it: {last.message}")
            if (
                watch
                and watch.code == results[0].verdict == "race"
                and "SEGV" in last.message.partition("\n")[0]
            ):
                return found(
                    "not_checked", f"what {tool} makes of it crashes, which the usual compiler's does not"
                )
            if results[0].verdict != "correct":
                return found(results[0].verdict, f"{setting.label}: {last.message}")
    return found("correct")


def watched(
    subject: Subject, name: str, find: Callable[[], Instrument], settings: Sequence[Setting]
) -> Stage:
    """The same under an instrument; ``not_checked`` where there is none, or none that starts."""
    try:
        watch = find()
        launch.native_worker(watch)
        return trials(subject, name, settings, watch)
    except (Absent, BuildError, LaunchError) as absent:  # of the worker: a candidate's own is its verdict
        return Stage(name, "not_checked", str(absent))


def on_device(subject: Subject, name: str, checks: Sequence[str]) -> Stage:
    """The same under one after the other of compute-sanitizer's ``checks``, until one finds something."""
    start, done = time.perf_counter(), []
    for check in checks:
        done.append(watched(subject, name, partial(instrument.device, check), [subject.bench.setting]))
        if done[-1].code != "correct":
            break
    tools = ", ".join(stage.tool for stage in done if stage.tool)
    return replace(done[-1], seconds=time.perf_counter() - start, tool=tools)
