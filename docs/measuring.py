"""Regenerates the figures of docs/measuring.md: all of them, or the blocks named on the command line.

    python docs/measuring.py [BLOCK ...]    (aa-serial … planted-ranks overhead store spgemm-large …)

Each block stands between two marks in the page and is replaced whole. The machine must do nothing else.
"""

from __future__ import annotations

import math
import random
import resource
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from unittest import mock

import numpy as np
from blocks import HPCBENCH, RUNS, cell, race, regenerate

from hpcbench import calibrate, registry
from hpcbench.case import Case, Prepared
from hpcbench.contender import Entry
from hpcbench.evaluate import PARALLEL_ROUNDS, open_race
from hpcbench.inputs import generate
from hpcbench.measure import WorkerArm
from hpcbench.report import collect, frames
from hpcbench.spec import Budget, Measurement, Setting
from hpcbench.store import Journal
from hpcbench.wire import Limits

PAGE = Path(__file__).with_name("measuring.md")
# (slowdown, races, rounds at most, busy processes beside); threads and ranks take eight times the rounds
SERIES = {
    "aa-serial": ((0.0, 300, 64, 1),),
    "aa-threads": ((0.0, 300, 4, 1),),
    "aa-ranks": ((0.0, 300, 8, 1),),
    "planted-serial": ((0.1, 50, 128, 1), (0.05, 50, 128, 1)),
    "planted-threads": ((0.1, 50, 128, 1), (0.05, 10, 128, 1)),
    "planted-ranks": ((0.1, 50, 128, 0), (0.05, 10, 128, 0)),
}


def noise(name: str) -> str:
    rows = [
        "| races of | beside | rounds at most | result | smallest visible slowdown (median) | rounds (median) | s per race |",
        "|---|---|---|---|---|---|---|",
    ]
    setting = name.partition("-")[2]
    for share, count, rounds, load in SERIES[name]:
        found = calibrate.races(count, share, setting, load=load, runs=RUNS / name, rounds=rounds)
        print(found.sentence(), flush=True)
        told = ", ".join(f"{n} {relation}" for relation, n in sorted(found.relations.items()))
        what, result = "identical code (A/A)", f"**{found.false_wins} false wins of {count}**"
        if share:
            what, result = f"planted {share:.0%} slowdown", f"found in **{found.detected} of {count}**"
        most = rounds * (1 if setting == "serial" else PARALLEL_ROUNDS)
        rows.append(
            f"| {what} | {load} busy | {most} | {result} ({told}) | {found.detectable - 1:.1%} | {found.rounds} "
            f"| {found.seconds / count:.1f} |"
        )
    return "\n".join(rows)


def overhead() -> str:
    kernel = registry.kernel("spgemm")
    module = kernel.module()
    a = generate.er(2000, 8, np.random.default_rng(1))
    case = Case("er2000x8", kernel, "sorted", lambda rng: module.product(a, a, "sorted", rng))
    variant = kernel.variant("gustavson")
    ways = [{"ACCUMULATOR": w} for w in ("auto", "dense", "hash", "merge")]
    entries = [Entry(variant.candidate(p), Setting(), f"g{p}") for p in ways for _ in (0,)]
    marks: dict[str, float] = {}
    windows: list[float] = []
    sample = WorkerArm.sample

    def note(kind: str, _body: object) -> None:
        marks.setdefault(kind, time.perf_counter())

    def counted(*args: object, **named: object) -> Measurement:
        windows.append(0.0)  # a window that ends in a failure counts as overhead
        windows[-1] = (taken := sample(*args, **named)).wall_s
        return taken

    rows, paired = [], []
    for _ in range(9):
        marks.clear()
        windows.clear()
        journal = Journal.create(RUNS / "overhead")
        with (
            mock.patch.object(WorkerArm, "sample", counted),
            open_race(case, Entry(variant.candidate(), Setting(), "gustavson"), seed=1, on_event=note,
                      journal=journal, machine_id="") as race,
        ):  # fmt: skip
            race.evaluate(entries, Budget(deadline=60))
            spent = time.perf_counter() - marks["verify"]
            in_rounds = sum(m.wall_s for taken in race.samples.values() for m in taken)
        journal.close()
        arms = len(entries) + 2
        rows.append(1e3 * (spent - sum(windows)) / arms)
        paired.append(1e3 * (spent - in_rounds) / arms)
    return (
        f"Median of {len(rows)} races of {arms} arms: **{median(rows):.0f} ms** per arm "
        f"({min(rows):.0f} to {max(rows):.0f}); with the candidates' own warm-up and screening calls "
        f"{median(paired):.0f} ms."
    )


def store() -> str:
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal.create(Path(folder))
        journal.append([("event", "case", {"case": "c"})])
        for start in range(0, 1_000_000, 10_000):
            samples = [
                ("sample", "c|anchor", Measurement("anchor", 0, i, 3, 2e-3 + 1e-9 * i, 2e-3, 0, (2e-3,)))
                for i in range(start, start + 10_000)
            ]
            journal.append(samples)
        size = journal.path.stat().st_size
        journal.close()
        begun = time.perf_counter()
        frame = frames.samples_frame(collect.evidence([journal.path]))
        spent = time.perf_counter() - begun
        assert len(frame) == 1_000_000
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(10):
        subprocess.run([*HPCBENCH, "list"], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 10
    return (
        f"- a journal of 10^6 samples ({size / 2**20:.0f} MiB) opens as a DataFrame in **{spent:.1f} s**\n"
        f"- `hpcbench list`: **{cpu * 1e3:.0f} ms** CPU (mean of 10)"
    )


def large() -> str:
    frame = race("large", "--size", "large", "--anchor", "gustavson", "--variant", "gustavson_omp",
                  "--threads", "1,2", "--budget", "32")  # fmt: skip
    rows = [
        "| case | gustavson 1 thread, ms | gustavson_omp 1 thread | gustavson_omp 2 threads |",
        "|---|---|---|---|",
    ]
    ratios = []
    for case, group in frame.groupby("case", sort=False):
        arms = {(row.variant, row.threads): row for row in group.itertuples()}
        two = arms["gustavson_omp", 2]
        ratios.append(two.speedup)
        rows.append(
            f"| {case} | {1e3 * arms['gustavson', 1].call_s:.1f} | {cell(arms['gustavson_omp', 1])} | {cell(two)} |"
        )
    mean = math.exp(np.mean(np.log(ratios)))
    rows.append(f"| geometric mean of {len(ratios)} | | | **{mean:.2f}** (least {min(ratios):.2f}) |")
    return "\n".join(rows)


def ceiling(name: str, serial: str, variant: str, both: Setting) -> str:
    """What two cores can give: two independent serial copies, and two threads or ranks, in the same rounds."""
    kernel = registry.kernel(name)
    module, contract, phase = kernel.module(), next(iter(kernel.contracts)), kernel.phase
    rows = [
        f"| case | 1 thread, ms | throughput of two copies | {variant} {both.label} | share of the ceiling |",
        "|---|---|---|---|---|",
    ]
    shares = []
    for case in (name for name, facts in kernel.cases.items() if facts["size"] == "large"):
        make = partial(module.make, case, contract)
        ready = [Prepared(Case(case, kernel, contract, make), np.random.default_rng(s)) for s in (1, 2)]
        arms = []
        for name, setting, inputs, cpus in (
            (serial, Setting(), ready[0], [0]), (serial, Setting(), ready[1], [1]),
            (variant, both, ready[0], [0, 1]),
        ):  # fmt: skip
            program = Entry(kernel.variant(name).candidate(), setting, name).program()
            arms.append(
                WorkerArm(name, program, inputs.memory(setting), setting, Limits(cpus, 2**33),
                          Path(tempfile.mkdtemp()) / "arm", random.Random(1), 0)
            )  # fmt: skip
            arms[-1].connect()
        once = [
            min(arm.sample(0, 1, phase).wall_s for _ in range(3)) for arm in arms
        ]  # with setups beforehand
        calls = max(1, round(0.05 / once[0]))
        found = []
        with ThreadPoolExecutor(2) as pool:
            for _ in range(16):
                alone = arms[0].sample(0, calls, phase).wall_s
                pair = pool.map(lambda arm: arm.sample(0, calls, phase).wall_s, arms[:2])  # noqa: B023
                copies, both_s = max(pair), arms[2].sample(0, calls, phase).wall_s
                found.append((1e3 * alone / calls, 2 * alone / copies, alone / both_s))
        for arm in arms:
            arm.close()
        for inputs in ready:
            inputs.close()
        each, copies, together = map(median, zip(*found, strict=True))
        shares.append(median(t / c for _, c, t in found))
        rows.append(f"| {case} | {each:.3g} | {copies:.2f}x | {together:.2f}x | {shares[-1]:.0%} |")
        print(rows[-1], flush=True)
    mean = math.exp(np.mean(np.log(shares)))
    return "\n".join(
        [*rows, f"| geometric mean of {len(shares)} | | | | **{mean:.0%}** (least {min(shares):.0%}) |"]
    )


BLOCKS = {
    **{name: (lambda name=name: noise(name)) for name in SERIES},
    "overhead": overhead,
    "store": store,
    "spgemm-large": large,
    "spgemm-ceiling": lambda: ceiling("spgemm", "gustavson", "gustavson_omp", Setting(threads=2)),
}


if __name__ == "__main__":
    regenerate(PAGE, BLOCKS)
