"""Regenerates the tables of docs/spgemm.md: all of them, or the blocks named on the command line.

    python docs/spgemm.py [BLOCK ...]    (call sorted-1 sorted-1-large sorted-2 …)

Each table is one `hpcbench run`, printed above it. HPCBENCH_MATRICES names a folder of .mtx files that are
raced as well. The machine must do nothing else.
"""

from __future__ import annotations

import ctypes
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from blocks import cell, race, regenerate
from measuring import ceiling
from scipy.sparse import random_array

import hpcbench
from hpcbench import codec, machine, registry
from hpcbench.kernels.spgemm import call
from hpcbench.spec import Setting

PAGE = Path(__file__).with_name("spgemm.md")
KERNEL = registry.kernel("spgemm")
PEERS = ["scipy_csr", "mkl", "sparse_dot_mkl", "graphblas", "eigen", "petsc"]
ENTRY = 12  # bytes of a column and a value


def real() -> list[Path]:
    """The matrices of the folder that the environment names."""
    folder = os.environ.get("HPCBENCH_MATRICES", "")
    return sorted(Path(folder).glob("*.mtx")) if folder else []


def no_reuse_s(name: str) -> float:
    """Seconds to read A, a row of B for every entry of A, and to write C, at one core's bandwidth of where A, B, C fit."""
    module, rng = KERNEL.module(), np.random.default_rng(0)
    path = {p.name: p for p in real()}.get(name)
    p = module.load([path], "sorted", rng) if path else module.make(name, "sorted", rng)
    facts = module.features(p)
    bandwidth, _ = machine.limits(ENTRY * (p.a.nnz + p.b.nnz + (c := (p.a @ p.b).nnz)))
    one_core = bandwidth / len(os.sched_getaffinity(0))
    return float((ENTRY * (p.a.nnz + facts["flops"] + c) + 8 * (2 * p.a.shape[0] + 2 * p.a.nnz)) / one_core)


def table(contract: str, threads: int, peers: list[str], *words: str) -> str:
    """Ours against every peer, in the same rounds; ours is the baseline of the race."""
    ours = "gustavson" if threads == 1 else "gustavson_omp"
    command = ["--anchor", "gustavson", "--variant", ",".join(sorted({ours, *peers} - {"gustavson"}))]
    command += ["--contract", contract, "--threads", str(threads), *words]
    frame = race(f"spgemm-{codec.digest(command)}", *command)
    rows = [
        "| case | ours, ms | over the best peer | which | times the no-reuse traffic | others |",
        "|---|---|---|---|---|---|",
    ]
    ratios: list[float] = []
    for case, group in frame.groupby("case", sort=False):
        arms = {row.variant: row for row in group.itertuples() if row.verdict == "correct"}
        mine = arms[ours]
        share = mine.speedup if threads > 1 else 1.0
        found = {n: r for n, r in arms.items() if n in peers and r.speedup > 0}
        name = max(found, key=lambda n: found[n].speedup)
        ratios.append(share / found[name].speedup)
        others = ", ".join(f"{n} {share / r.speedup:.2f}" for n, r in found.items() if n != name)
        spread = cell(found[name]) if threads == 1 else ""
        over = f"**{ratios[-1]:.2f}**" + (f" ({spread} of ours)" if spread else "")
        rows.append(
            f"| {case} | {1e3 * mine.call_s:.3g} | {over} | {name} | {mine.call_s * threads / no_reuse_s(case):.1f} | {others} |"
        )
    mean = math.exp(np.mean(np.log(ratios)))
    rows.append(f"| geometric mean of {len(ratios)} | | **{mean:.2f}** (least {min(ratios):.2f}) | | | |")
    return _told(command) + "\n".join(rows)


def _told(command: list[str]) -> str:
    """The command as a reader would type it."""
    words = " ".join(command)
    for path in real():
        words = words.replace(f" --input {path}", "")
    files = " and `--input FILE` for every real matrix" if words != " ".join(command) else ""
    return f"`hpcbench run {words}`{files}\n\n"


def everything(*sizes: str) -> list[str]:
    """The words that select all cases of these sizes, and with the medium ones the matrices of the folder."""
    named = [name for name, facts in KERNEL.cases.items() if facts["size"] in sizes]
    files = real() if "medium" in sizes else []
    return ["--case", ",".join(named), *(word for path in files for word in ("--input", str(path)))]


def latency() -> str:
    """What `hpcbench.best` adds to the kernel, on a 39-row matrix."""
    a = random_array((39, 39), density=0.1, format="csr", rng=np.random.default_rng(1))
    spent: list[float] = []
    seen: list[float] = []
    inner = call.caller

    def timed(pick: Callable[[int], object], helper: ctypes.CDLL, contract: str) -> object:
        def choose(flops: int) -> Callable[[int, int], None]:
            native = pick(flops)

            def go(inputs: int, outputs: int) -> None:
                begun = time.perf_counter()
                native(inputs, outputs)  # type: ignore[operator]
                seen.append(time.perf_counter() - begun)

            return go

        return inner(choose, helper, contract)

    call.caller = timed  # type: ignore[assignment]
    multiply = hpcbench.best("spgemm")
    call.caller = inner
    for _ in range(20_000):
        begun = time.perf_counter()
        multiply(a, a)
        spent.append(time.perf_counter() - begun)
    plain: list[float] = []
    for _ in range(20_000):
        begun = time.perf_counter()
        c = a @ a
        c.sort_indices()
        plain.append(time.perf_counter() - begun)
    each, kernel, scipy = (1e6 * median(values) for values in (spent, seen, plain))
    told = f"A product of a 39-row matrix ({a.nnz} entries) with itself: {each:.1f} us, of which the kernel {kernel:.1f} us: "
    return f"{told}**{each - kernel:.1f} us** on top. SciPy with sorted columns: {scipy:.1f} us. Medians of 20,000 calls."


def automatic(budget: str, *sizes: str) -> str:
    """One accumulator for all rows against the choice per row, on every case of these sizes."""
    command = ["--anchor", "gustavson", "--variant", "gustavson", *everything(*sizes), "--budget", budget]
    command += ["--param", "ACCUMULATOR=dense,hash,merge"]
    frame = race(f"automatic-{codec.digest(command)}", *command)
    rows = ["| case | best of one for all | its speed over auto | auto over it |", "|---|---|---|---|"]
    ratios = []
    for case, group in frame.groupby("case", sort=False):
        arms = {r.variant.partition("=")[2].rstrip("]"): r for r in group.itertuples() if r.speedup > 0}
        arms.pop("", None)  # auto
        name = max(arms, key=lambda n: arms[n].speedup)
        ratios.append(1 / arms[name].speedup)
        rows.append(f"| {case} | {name} | {cell(arms[name])} | **{ratios[-1]:.2f}** |")
    mean = math.exp(np.mean(np.log(ratios)))
    rows.append(f"| geometric mean of {len(ratios)} | | | **{mean:.2f}** (least {min(ratios):.2f}) |")
    return _told(command) + "\n".join(rows)


def threads_in_ranks() -> str:
    """The same two processors as threads, as ranks and as threads in a rank; and what the ranks send."""
    command = ["--anchor", "gustavson", "--variant", "gustavson_omp,gustavson_mpi,gustavson_mpi_omp"]
    command += ["--threads", "1,2", "--ranks", "1,2", *everything("large"), "--budget", "20"]
    frame = race(f"threads-in-ranks-{codec.digest(command)}", *command)
    arms = [
        ("gustavson_omp", 1, 2),
        ("gustavson_mpi", 2, 1),
        ("gustavson_mpi_omp", 1, 2),
        ("gustavson_mpi_omp", 2, 1),
    ]
    titles = " | ".join(f"{name} {ranks}r x {threads}t" for name, ranks, threads in arms)
    rows = [f"| case | {titles} | the busier rank of two sends |", "|---" * (len(arms) + 2) + "|"]
    for case, group in frame.groupby("case", sort=False):
        found = {(r.variant, r.ranks, r.threads): r for r in group.itertuples() if r.verdict == "correct"}
        told = found["gustavson_mpi", 2, 1]
        cells = " | ".join(f"{found[arm].speedup:.2f}x" for arm in arms)
        rows.append(f"| {case} | {cells} | {told.sent_bytes / 1e6:.2f} MB in {told.messages} messages |")
    return _told(command) + "\n".join(rows)


def plan() -> str:
    """A pattern multiplied again and again: what setup costs, what a run gains, and when that is paid back."""
    command = [
        "--anchor",
        "gustavson",
        "--variant",
        "gustavson_plan",
        "--threads",
        "1",
        *everything("small", "medium"),
    ]
    command += BUDGET
    frame = race(f"plan-{codec.digest(command)}", *command)
    rows = [
        "| case | gustavson, ms | plan: setup, ms | plan: run, ms | a run over gustavson | paid back after |",
        "|---|---|---|---|---|---|",
    ]
    gains = []
    for case, group in frame.groupby("case", sort=False):
        arms = {row.variant: row for row in group.itertuples() if row.verdict == "correct"}
        plain, planned = arms["gustavson"].call_s, arms["gustavson_plan"]
        if math.isnan(planned.run_s):  # screened out
            rows.append(
                f"| {case} | {1e3 * plain:.3g} | setup and run take more than 3 times as long; not timed apart | | | |"
            )
            continue
        gains.append(plain / planned.run_s)
        saved = plain - planned.run_s
        paid = f"{math.ceil(planned.setup_s / saved)} products" if saved > 0 else "never"
        times = " | ".join(f"{1e3 * t:.3g}" for t in (plain, planned.setup_s, planned.run_s))
        rows.append(f"| {case} | {times} | **{gains[-1]:.2f}** | {paid} |")
    mean = math.exp(np.mean(np.log(gains)))
    rows.append(f"| geometric mean of {len(gains)} | | | | **{mean:.2f}** (least {min(gains):.2f}) | |")
    return _told(command) + "\n".join(rows)


def grid() -> str:
    """Rows on demand against blocks in a grid: what the busiest rank sends, and the time where ranks have processors."""
    command = ["--anchor", "gustavson", "--variant", "gustavson_mpi,summa_mpi", "--ranks", "2,4,9,16"]
    command += ["--case", "er12k,rmat14,fem27,poisson2d", "--budget", "4"]
    frame = race(f"grid-{codec.digest(command)}", *command)
    rows = [
        "| case | ranks | rows on demand: the busiest rank sends | blocks in a grid | their time over rows on demand |",
        "|---|---|---|---|---|",
    ]
    for (case, ranks), group in frame[frame.ranks > 1].groupby(["case", "ranks"], sort=False):
        found = {row.variant: row for row in group.itertuples() if row.verdict == "correct"}
        both = [found["gustavson_mpi"], found["summa_mpi"]]
        cells = " | ".join(f"{r.sent_bytes / 1e6:.2f} MB in {r.messages} messages" for r in both)
        share = f"{both[0].speedup / both[1].speedup:.2f}" if ranks <= len(os.sched_getaffinity(0)) else ""
        rows.append(f"| {case} | {ranks} | {cells} | {share} |")
    return _told(command) + "\n".join(rows)


BUDGET = ("--budget", "8")
BLOCKS = {
    "call": latency,
    "sorted-1": lambda: table("sorted", 1, PEERS, *everything("small", "medium"), *BUDGET),
    "sorted-1-large": lambda: table("sorted", 1, ["mkl", "graphblas"], *everything("large"), *BUDGET),
    "sorted-2": lambda: table("sorted", 2, PEERS, *everything("small", "medium"), *BUDGET),
    "sorted-2-large": lambda: table("sorted", 2, ["mkl", "graphblas"], *everything("large"), *BUDGET),
    "unsorted-1": lambda: table("unsorted", 1, ["mkl", "graphblas"], *everything("small", "medium"), *BUDGET),
    "automatic": lambda: automatic("12", "small", "medium"),
    "automatic-large": lambda: automatic("20", "large"),
    "mpi": lambda: ceiling("spgemm", "gustavson", "gustavson_mpi", Setting(ranks=2)),
    "threads-in-ranks": threads_in_ranks,
    "grid": grid,
    "plan": plan,
    "sorted-1-cold": lambda: table(
        "sorted", 1, ["mkl", "graphblas", "eigen"], *everything("small", "medium"), "--pages", "cold", *BUDGET
    ),
}


if __name__ == "__main__":
    regenerate(PAGE, BLOCKS)
