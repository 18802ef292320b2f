"""Regenerates the tables of docs/structures.md: all of them, or the blocks named on the command line.

    python docs/structures.py [BLOCK ...]    (spgemm products solvers)

The matrices are drawn by docs/drawn.py; none of them is a case of the registry.
Takes about twenty minutes; the machine must do nothing else.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from blocks import race, regenerate
from drawn import MATRICES, SYSTEMS, drawn
from scipy.io import mmwrite
from scipy.sparse import csr_array, diags_array, tril

PAGE = Path(__file__).with_name("structures.md")
KERNELS = {
    "spmv": (("mosaic", "mosaic_omp", "sell", "csr_omp"), ("mkl", "graphblas", "petsc", "scipy_csr")),
    "spmm": (("csr", "csr_omp"), ("mkl", "graphblas", "scipy_csr")),
    "sptrsv": (("levels", "levels_omp", "waits_omp"), ("mkl", "petsc", "numba_csr")),
}
SQUARES = {"spgemm": (("gustavson", "gustavson_omp"), ("mkl", "graphblas", "eigen", "petsc", "scipy_csr"))}
AGAINST = {"ssor_cg": "petsc_ssor_cg", "ic0_cg": "petsc_icc_cg"}


def _lower(a: csr_array) -> csr_array:
    below = csr_array(tril(a, -1))
    return csr_array(below + diags_array(4 + abs(below).sum(axis=1)))


def _raced(
    kernel: str, words: Sequence[str], ours: Sequence[str], peers: Sequence[str], threads: str, budget: str
) -> object:
    arms = ["--variant", ",".join([*ours, *peers]), "--threads", threads, "--budget", budget]
    frame = race(f"structures-{kernel}", "--kernel", kernel, *arms, *words)
    return frame[frame.verdict == "correct"].fillna({"speedup": 1.0})  # the baseline's own


def _best(group: object, names: Sequence[str]) -> object:
    mine = group[group.variant.str.partition("[")[0].isin(names)]
    return mine.loc[mine.speedup.idxmax()]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], ratios: Mapping[str, Sequence[float]]) -> str:
    means = [f"**{math.exp(np.mean(np.log(v))):.2f}** (least {min(v):.2f})" for v in ratios.values()]
    lines = [
        head,
        ["---"] * len(head),
        *rows,
        ["geometric mean", *[""] * (len(head) - 1 - len(means)), *means],
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def products(kernels: Mapping[str, tuple[Sequence[str], Sequence[str]]] = KERNELS) -> str:
    """Products and triangular solves: ours over the best peer of as many threads or fewer."""
    ratios: dict[str, list[float]] = {f"{kernel} {t}t": [] for kernel in kernels for t in (1, 2)}
    cells: dict[str, list[str]] = {}
    matrices, rng = drawn(MATRICES), np.random.default_rng(1)
    for a in matrices.values():
        a.data = rng.standard_normal(a.nnz)
    for kernel, (ours, peers) in kernels.items():
        with tempfile.TemporaryDirectory() as folder:
            words = _written({n: _lower(a) if kernel == "sptrsv" else a for n, a in matrices.items()}, folder)
            frame = _raced(kernel, words, ours, peers, "1,2", "1.5")
        for case, group in frame.groupby("case", sort=False):
            for t in (1, 2):
                among = group[group.threads <= t]
                mine, other = _best(among, ours), _best(among, peers)
                ratios[f"{kernel} {t}t"].append(mine.speedup / other.speedup)
                cells.setdefault(case, []).append(f"{mine.speedup / other.speedup:.2f} ({other.variant})")
    facts = {f"{name}.mtx": [f"{a.shape[0]:,}", f"{a.nnz:,}"] for name, a in matrices.items()}
    rows = [[case.removesuffix(".mtx"), *facts[case], *row] for case, row in cells.items()]
    return _table(["structure", "rows", "entries", *ratios], rows, ratios)


def solvers() -> str:
    """Solvers of symmetric positive definite systems, one thread."""
    matrices = drawn(SYSTEMS)
    with tempfile.TemporaryDirectory() as folder:
        ours, peers = ("cg", *AGAINST), (*AGAINST.values(), "scipy_cg")
        frame = _raced("solve", _written(matrices, folder), ours, peers, "1", "10")
    ratios: dict[str, list[float]] = {
        "over the best peer": [],
        **{f"{a} over {b}": [] for a, b in AGAINST.items()},
    }
    rows = []
    for case, group in frame.groupby("case", sort=False):
        mine, other = _best(group, ours), _best(group, peers)
        pairs = [(mine, other), *((_best(group, [a]), _best(group, [b])) for a, b in AGAINST.items())]
        found = [one.speedup / two.speedup for one, two in pairs]
        for kept, ratio in zip(ratios.values(), found, strict=True):
            kept.append(ratio)
        named = [f"{found[0]:.2f} ({mine.variant}, {other.variant})", *(f"{v:.2f}" for v in found[1:])]
        a = matrices[case.removesuffix(".mtx")]
        rows.append(
            [case.removesuffix(".mtx"), f"{a.shape[0]:,}", f"{a.nnz:,}", f"{1e3 * mine.call_s:.3g}", *named]
        )
    return _table(["structure", "rows", "entries", "ours, ms", *ratios], rows, ratios)


def _written(matrices: Mapping[str, csr_array], folder: str) -> list[str]:
    """Words of the command line that name them, as files."""
    words = []
    for name, a in matrices.items():
        path = Path(folder) / f"{name}.mtx"
        mmwrite(path, a)
        words += ["--input", str(path)]
    return words


if __name__ == "__main__":
    regenerate(PAGE, {"spgemm": lambda: products(SQUARES), "products": products, "solvers": solvers})
