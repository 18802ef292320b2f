"""Regenerates the tables of docs/solvers.md: all of them, or the blocks named on the command line.

    python docs/solvers.py [BLOCK ...]    (spmv-1 spmv-1-large spmv-2 …)

Each table is one `hpcbench run`, printed above it. HPCBENCH_MATRICES names a folder of .mtx files that are
raced as well. The machine must do nothing else.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from blocks import race, regenerate
from measuring import ceiling
from spgemm import real

from hpcbench import codec, registry
from hpcbench.spec import Setting

PAGE = Path(__file__).with_name("solvers.md")
READ = """
import time, numpy as np
a, b = np.ones(2**25), np.ones(2**25)
best = 0.0
for _ in range(20):
    start = time.perf_counter()
    a @ b
    best = max(best, 2**29 / (time.perf_counter() - start))
print(best)
"""


def bandwidth(threads: int) -> float:
    """Bytes per second that so many threads read from memory: the best of twenty dot products of 512 MB."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run([sys.executable, "-c", READ], env=environment, capture_output=True, text=True)
    return float(done.stdout)


@dataclass(frozen=True)
class Products:
    """What stands in a table of one kernel of :func:`products`: with one thread, and with more.

    ``anchor`` is the arm of ours with one thread, ``ours`` that with more, ``others`` more arms of ours;
    ``files``: which of the real matrices it takes, all if none are named.
    """

    kernel: str
    anchor: str
    ours: str
    others: Mapping[int, Sequence[str]]
    peers: Mapping[int, Sequence[str]]
    files: Sequence[str] = ()


SPMV = Products(
    "spmv", "mosaic", "mosaic_omp", {1: ("csr", "sell"), 2: ("csr_omp", "sell")},
    {1: ("mkl", "graphblas", "petsc", "scipy_csr"), 2: ("mkl", "graphblas")},
)  # fmt: skip
SPMM = Products(
    "spmm", "csr", "csr_omp", {1: (), 2: ()},
    {1: ("mkl", "graphblas", "scipy_csr", "numba_csr"), 2: ("mkl", "graphblas")},
)  # fmt: skip
SPTRSV = Products(
    "sptrsv", "levels", "waits_omp", {1: ("csr",), 2: ("levels_omp",)},
    {1: ("mkl", "petsc", "numba_csr"), 2: ("mkl",)},
    ("1138_bus", "494_bus", "bcsstk13", "cryg2500", "mcfe"),
)  # fmt: skip


def products(
    what: Products, threads: int, *sizes: str, budget: str = "5", contract: str = "", read: float = 0.0
) -> str:
    """Ours against every peer, in the same rounds; ours with one thread is the baseline of the race.

    Where ``read`` bytes per second can be read from memory, CSR's bytes at that pace over our time are shown.
    """
    known = registry.kernel(what.kernel)
    ours, others, peers = (
        (what.anchor if threads == 1 else what.ours), what.others[threads], what.peers[threads]
    )  # fmt: skip
    cases = [name for name, facts in known.cases.items() if facts["size"] in sizes]
    arms = [*([] if threads == 1 else [ours]), *others, *peers]
    command = ["--kernel", what.kernel, *(["--contract", contract] if contract else [])]
    command += ["--anchor", what.anchor, "--variant", ",".join(arms), "--threads", str(threads)]
    command += ["--case", ",".join(cases), "--budget", budget]
    files = [f for f in real() if not what.files or f.stem in what.files] if "medium" in sizes else []
    words = [word for path in files for word in ("--input", str(path))]
    frame = race(f"{what.kernel}-{codec.digest(command)}", *command, *words)
    head = ["case", "ours, µs", "over MKL", "over the best peer", "which"]
    head += [*(["over one thread"] if threads > 1 else []), *(f"over {name}" for name in others)]
    head += ["CSR's bytes at bandwidth / time"] if read else []
    rows = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    ratios: dict[str, list[float]] = {"mkl": [], "best": []}
    for case, group in frame.groupby("case", sort=False):
        found = {r.variant.partition("[")[0]: r for r in group.itertuples() if r.verdict == "correct"}
        mine = found[ours]
        own = 1.0 if threads == 1 else mine.speedup
        over = {
            n: own / r.speedup for n, r in found.items() if n not in (ours, what.anchor) and r.speedup > 0
        }
        name = min((n for n in over if n in peers), key=lambda n: over[n])
        ratios["mkl"].append(over["mkl"])
        ratios["best"].append(over[name])
        cells = [case, f"{float(f'{1e6 * mine.call_s:.3g}'):,g}", f"**{over['mkl']:.2f}**"]
        cells += [f"{over[name]:.2f}", name, *([f"{own:.2f}"] if threads > 1 else [])]
        cells += [f"{over[n]:.2f}" if n in over else "" for n in others]
        if read:
            a = known.module().make(case, "product", np.random.default_rng(0)).a.csr
            cells.append(f"{(12 * a.nnz + 16 * a.shape[0] + 8 * a.shape[1]) / read / mine.call_s:.2f}")
        rows.append("| " + " | ".join(cells) + " |")
    means = [f"**{math.exp(np.mean(np.log(v))):.2f}** (least {min(v):.2f})" for v in ratios.values()]
    last = [f"geometric mean of {len(ratios['mkl'])}", "", *means]
    rows.append("| " + " | ".join(last + [""] * (len(head) - len(last))) + " |")
    files_told = f" and `--input FILE` for {len(files)} real matrices" if files else ""
    tail = f"\n\n{threads} thread{'s' * (threads > 1)} read {read / 1e9:.1f} GB/s here." if read else ""
    return f"`hpcbench run {' '.join(command)}`{files_told}\n\n" + "\n".join(rows) + tail


SMALL = "poisson2d,poisson3d,anisotropic,jumps,elasticity,road,power_law"
LARGE, MILLION = "poisson2d566,poisson3d64,anisotropic566", "poisson2d1000,poisson3d100"
OMEGAS = "1.3,1.6,1.8,1.9,1.95"
AGAINST = {"ssor_cg": "petsc_ssor_cg", "ic0_cg": "petsc_icc_cg", "amg_cg": "petsc_hypre_cg"}
GENERAL = {"gmres": "petsc_gmres", "bicgstab": "petsc_bicgstab"}
LESS = (*AGAINST.values(), "petsc_gamg_cg")
ALL = (*LESS, "pyamg_cg", "scipy_cg")


def solve(
    threads: int,
    cases: str,
    budget: str,
    omegas: str,
    peers: Sequence[str],
    against: Mapping[str, str] = AGAINST,
    files: Sequence[str] = (),
) -> str:
    """Ours against peers in one race per case, SSOR with the best omega of each; peers have one thread.

    Where ``files`` names real matrices, they are the cases.
    """
    tail, anchor = "" if threads == 1 else "_omp", list(against)[1]
    ours = [f"{name}{tail}" for name in (*(["cg"] if against is AGAINST else []), *against)]
    arms = [name for name in (*ours, *peers) if name != anchor]
    command = ["--kernel", "solve", *(["--case", cases] if cases else [])]
    command += ["--anchor", anchor, "--variant", ",".join(arms)]
    command += ["--threads", str(threads), "--param", f"omega={omegas}", "--budget", budget]
    inputs = [word for path in real() if path.stem in files for word in ("--input", str(path))]
    frame = race(f"solve-{codec.digest([*command, *files])}", *command, *inputs)
    rows = [
        "| case | ours, ms | which | setup | iterations | over the best peer | which | "
        + " | ".join(f"{mine}{tail} over {peer}" for mine, peer in against.items()) + " |",
        "|---" * (7 + len(against)) + "|",
    ]  # fmt: skip
    ratios: dict[str, list[float]] = {}
    for case, group in frame.groupby("case", sort=False):
        best: dict[str, Any] = {}
        for r in group[group.verdict == "correct"].itertuples():
            name, pace = r.variant.partition("[")[0], 1.0 if r.speedup != r.speedup else r.speedup
            if name not in best or pace > best[name][0]:
                best[name] = pace, r
        mine = max((n for n in ours if n in best), key=lambda n: best[n][0])
        peer = max((n for n in best if n not in ours and n != anchor), key=lambda n: best[n][0])
        found = {"best": best[mine][0] / best[peer][0]}
        for name, other in against.items():
            if other in best and f"{name}{tail}" in best:
                found[name] = best[f"{name}{tail}"][0] / best[other][0]
        for name, ratio in found.items():
            ratios.setdefault(name, []).append(ratio)
        top = best[mine][1]
        setup = top.setup_s and top.setup_s / (top.setup_s + top.run_s)
        cells = [
            case,
            f"{float(f'{1e3 * top.call_s:.3g}'):,g}",
            _short(top.variant),
            f"{setup:.0%}" if setup and setup == setup else "",
            f"{top.iterations:.0f}",
        ]
        cells += [f"**{found['best']:.2f}**", _short(best[peer][1].variant)]
        cells += [f"{found[name]:.2f}" if name in found else "" for name in against]
        rows.append("| " + " | ".join(cells) + " |")
    means = {n: f"**{math.exp(np.mean(np.log(v))):.2f}** (least {min(v):.2f})" for n, v in ratios.items()}
    count = len(ratios["best"])
    rows.append(
        f"| geometric mean of {count} | | | | | {means['best']} | | "
        + " | ".join(means.get(name, "") for name in against)
        + " |"
    )
    told = f" and `--input FILE` for {', '.join(files)}" if files else ""
    return f"`hpcbench run {' '.join(command)}`{told}\n\n" + "\n".join(rows)


def _short(variant: str) -> str:
    return variant.replace("omega=", "")


BLOCKS = {
    "spmv-1": lambda: products(SPMV, 1, "small", "medium"),
    "spmv-1-large": lambda: products(SPMV, 1, "large", budget="8", read=bandwidth(1)),
    "spmv-2": lambda: products(SPMV, 2, "small", "medium"),
    "spmv-2-large": lambda: products(SPMV, 2, "large", budget="8", read=bandwidth(2)),
    "spmm-1": lambda: products(SPMM, 1, "small", "medium"),
    "spmm-1-large": lambda: products(SPMM, 1, "large", budget="8"),
    "spmm-2": lambda: products(SPMM, 2, "small", "medium"),
    "spmm-2-large": lambda: products(SPMM, 2, "large", budget="8"),
    "spmm-1-k8": lambda: products(SPMM, 1, "small", contract="k8"),
    "spmm-1-k128": lambda: products(SPMM, 1, "small", contract="k128"),
    "sptrsv-1": lambda: products(SPTRSV, 1, "small", "medium"),
    "sptrsv-1-large": lambda: products(SPTRSV, 1, "large", budget="8"),
    "sptrsv-2": lambda: products(SPTRSV, 2, "small", "medium"),
    "sptrsv-2-large": lambda: products(SPTRSV, 2, "large", budget="8"),
    "solve-1": lambda: solve(1, SMALL, "30", OMEGAS, ALL),
    "solve-1-large": lambda: solve(1, LARGE, "120", "1.6,1.9", LESS),
    "solve-1-million": lambda: solve(1, MILLION, "100", "1.9", ("petsc_hypre_cg",)),
    "solve-2": lambda: solve(2, SMALL, "30", OMEGAS, ALL),
    "solve-2-large": lambda: solve(2, LARGE, "120", "1.6,1.9", LESS),
    "solve-2-million": lambda: solve(2, MILLION, "100", "1.9", ("petsc_hypre_cg",)),
    "solve-unsymmetric-1": lambda: solve(1, "convection", "30", "1", list(GENERAL.values()), GENERAL),
    "solve-unsymmetric-2": lambda: solve(2, "convection", "30", "1", list(GENERAL.values()), GENERAL),
    "solve-real": lambda: solve(1, "", "20", OMEGAS, ALL, files=("494_bus", "1138_bus", "bcsstk13")),
    "solve-real-unsymmetric": lambda: solve(
        1, "", "20", "1", list(GENERAL.values()), GENERAL, ("cryg2500", "mcfe")
    ),
    "solve-mpi": lambda: ceiling("solve", "ic0_cg", "ic0_cg_mpi", Setting(ranks=2)),
    "solve-mpi-amg": lambda: ceiling("solve", "amg_cg", "amg_cg_mpi", Setting(ranks=2)),
    "spmv-mpi": lambda: ceiling("spmv", "mosaic", "mosaic_mpi", Setting(ranks=2)),
    "spmm-mpi": lambda: ceiling("spmm", "csr", "csr_mpi", Setting(ranks=2)),
}


if __name__ == "__main__":
    regenerate(PAGE, BLOCKS)
