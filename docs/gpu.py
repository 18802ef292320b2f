"""Regenerates the tables of docs/gpu.md: all of them, or the blocks named on the command line.

    python docs/gpu.py [BLOCK ...]    (spgemm spgemm-large spgemm-transfers spmv spmm sptrsv solve)

Each row is a `hpcbench run`, printed above the table. Inputs and answers of several are made at a time; the races take
turns on the device. Needs a CUDA device, nvcc and CuPy; the machine must do nothing else.
"""

from __future__ import annotations

import math
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import numpy as np
from blocks import HPCBENCH, cell, regenerate

from hpcbench import build, machine, registry
from hpcbench.report import collect, frames
from hpcbench.store import journals

PAGE = Path(__file__).with_name("gpu.md")
RUNS = Path("runs/gpu")
AT_A_TIME = 4
SMALL = [c for c, facts in registry.kernel("spgemm").cases.items() if facts["size"] == "small"]


def raced(block: str, cases: list[str], words: list[str], at_a_time: int = AT_A_TIME) -> list[object]:
    """Every case of a block in a race of its own: the frames' rows. What a race that failed says is printed."""
    for old in (RUNS / block).glob("*.jsonl"):
        old.unlink()

    def one(case: str) -> None:
        command = [*HPCBENCH, "run", "--runs", str(RUNS / block), *words, "--case", case]
        done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            print(f"{case}: {done.stderr.strip().splitlines()[-1]}", flush=True)

    with ThreadPoolExecutor(at_a_time) as pool:
        list(pool.map(one, cases))
    return list(frames.results_frame(collect.evidence(journals(RUNS / block))).itertuples())


def table(block: str, kernel: str, contract: str, ours: str, cases: list[str], words: list[str]) -> str:
    """Ours against the library, in the same rounds, with data in the device's memory."""
    anchor = registry.kernel(kernel).baseline(contract)
    words = ["--kernel", kernel, "--contract", contract, *words]
    found = [row for row in raced(block, cases, words) if row.verdict == "correct"]
    rows = [
        f"| case | {ours}, us | over {anchor} | over its best | others over it | of the floor |",
        "|---|---|---|---|---|---|",
    ]
    ratios = []
    for case in cases:
        arms = {row.variant: row for row in found if row.case == case}
        if ours not in arms:
            rows.append(f"| {case} | | failed | | | |")
            continue
        mine = arms.pop(ours)
        others = {name: row.speedup for name, row in arms.items() if row.speedup > 0 and name != anchor}
        ratios.append(mine.speedup / max([1.0, *others.values()]))
        words_of = ", ".join(
            f"{name.removeprefix(f'{anchor}[').removesuffix(']' * name.startswith(anchor))} {s:.2f}"
            for name, s in others.items()
        )
        share = "" if math.isnan(mine.floor_share) else f"{100 * mine.floor_share:.0f} %"
        rows.append(
            f"| {case} | {1e6 * mine.call_s:.3g} | {cell(mine)} | **{ratios[-1]:.2f}** | {words_of} | {share} |"
        )
    mean = math.exp(np.mean(np.log(ratios))) if ratios else math.nan
    rows.append(
        f"| geometric mean of {len(ratios)} | | | **{mean:.2f}** (least {min(ratios, default=math.nan):.2f}) | | |"
    )
    return told(words, cases) + "\n".join(rows)


def transfers(block: str, cases: list[str], threads: int) -> str:
    """The device with its transfers against the host's cores."""
    words = ["--contract", "sorted", "--anchor", "gustavson_omp", "--variant", "gustavson_omp,gustavson_cuda,cusparse",
             "--threads", str(threads), *BUDGET]  # fmt: skip
    found = [row for row in raced(block, cases, words, 1) if row.verdict == "correct"]
    rows = [
        f"| case | gustavson_omp, {threads} threads, ms | gustavson_cuda, transfers included, ms | cusparse, the same, ms |",
        "|---|---|---|---|",
    ]
    for case in cases:
        arms = {(row.variant, row.threads): row for row in found if row.case == case}
        times = [
            arms.get(key) for key in (("gustavson_omp", threads), ("gustavson_cuda", 1), ("cusparse", 1))
        ]
        rows.append(f"| {case} | " + " | ".join(f"{1e3 * t.call_s:.3g}" if t else "" for t in times) + " |")
    return told(words, cases) + "\n".join(rows)


def told(words: list[str], cases: list[str]) -> str:
    device = machine.gpu()
    where = f"{device.name}, {device.driver}, {build.version(build.compiler('cuda'))}" if device else ""
    return f"`hpcbench run {' '.join(words)} --case {','.join(cases)}`\n\n{where}, {date.today().isoformat()}.\n\n"


BUDGET = ["--budget", "4", "--rounds", "64"]
BLOCKS = {
    "spgemm": lambda: table(
        "spgemm", "spgemm", "sorted-device", "gustavson_cuda", SMALL,
        ["--variant", "gustavson_cuda,cusparse", "--param", "algorithm=2", *BUDGET],
    ),
    "spgemm-large": lambda: table(
        "spgemm-large", "spgemm", "sorted-device", "gustavson_cuda", ["er600k", "amg_ap52"],
        ["--variant", "gustavson_cuda,cusparse", "--param", "algorithm=2", *BUDGET],
    ),
    "spgemm-transfers": lambda: transfers("spgemm-transfers", ["er12k", "fem27"], 16),
    "spmv": lambda: table(
        "spmv", "spmv", "product-device", "csr_cuda",
        ["rmat14", "poisson2d1600", "poisson3d128", "fem27_36"],
        ["--variant", "csr_cuda,cusparse", "--param", "algorithm=2", *BUDGET],
    ),
    "spmm": lambda: table(
        "spmm", "spmm", "k32-device", "csr_cuda", ["er60k", "rmat14", "poisson2d1000", "fem27_24"],
        ["--variant", "csr_cuda,cusparse", "--param", "algorithm=2,3", *BUDGET],
    ),
    "sptrsv": lambda: table(
        "sptrsv", "sptrsv", "lower-device", "waits_cuda", ["poisson2d", "poisson3d", "rmat14", "fem27_36"],
        ["--variant", "waits_cuda,cusparse", "--param", "NAP=0,20,500", *BUDGET],
    ),
    "solve": lambda: table(
        "solve", "solve", "residual-device", "cg_cuda", ["poisson2d", "poisson3d", "jumps", "poisson2d1000"],
        ["--variant", "cg_cuda,ssor_cg_cuda,bicgstab_cuda,gmres_cuda,cupyx_cg", "--param", "omega=1", *BUDGET],
    ),
}  # fmt: skip


if __name__ == "__main__":
    regenerate(PAGE, BLOCKS)
