"""The contract of ``sptrsv``: x with L x = b, L lower triangular in CSR; its cases and its baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array, diags_array, tril
from scipy.sparse.linalg import spsolve_triangular

from hpcbench.inputs import examples, generate
from hpcbench.inputs.read import read_matrix
from hpcbench.kernels.sptrsv.answer import check, cost, gather, oracle, sizes
from hpcbench.kernels.sptrsv.hidden import hidden
from hpcbench.kernels.sptrsv.triangle import (
    Triangle,
    features,
    fingerprint,
    lower,
    outputs,
    pack,
    partition,
    redraw,
    streamed,
    triangle,
)
from hpcbench.spec import HpcbenchError

__all__ = [
    "BASELINE", "DEVICE_BASELINE", "check", "cost", "features", "fingerprint", "gather", "hidden", "load", "make",
    "oracle", "outputs", "pack", "partition", "redraw", "sizes", "streamed", "triangle", "vary",
]  # fmt: skip

BASELINE = "scipy_csr"
DEVICE_BASELINE = "cusparse"
LOST = 1e-4  # relative error of a solution beyond which a residual says little of it

CASES: dict[str, Callable[[np.random.Generator], csr_array]] = {
    "poisson2d": lambda g: generate.poisson2d(500, g),
    "poisson3d": lambda g: generate.poisson3d(48, g),
    "fem27": lambda g: generate.fem27(11, 3, g),
    "road": lambda g: generate.road(250, g),
    "er60k": lambda g: generate.er(60_000, 4, g),
    "rmat14": lambda g: generate.rmat(14, 8, g),
    "blockdiag": lambda g: generate.block_diagonal(60, 48, g),
    "tridiagonal": lambda g: csr_array(diags_array(np.ones(99_999), offsets=-1)),
    "poisson2d1600": lambda g: generate.poisson2d(1600, g),
    "poisson3d128": lambda g: generate.poisson3d(128, g),
    "fem27_36": lambda g: generate.fem27(36, 3, g),
    "road2000": lambda g: generate.road(2000, g),
    "er2m": lambda g: generate.er(2_000_000, 6, g),
    "rmat20": lambda g: generate.rmat(20, 8, g),
    **{
        name: (lambda g, name=name: examples.example(name, min_flops=4_000_000))  # type: ignore[misc]
        for name in ("airfoil", "bar", "knot", "unit_cube")
    },
}


def make(case: str, contract: str, rng: np.random.Generator) -> Triangle:
    """The input of a named case, new values at every call."""
    return triangle(lower(CASES[case](rng), rng), rng, contract)


def vary(inputs: Triangle, rng: np.random.Generator, ranks: int) -> Triangle:
    """Another b: the triangle is constant."""
    return redraw(inputs, rng)


def load(paths: Sequence[Path], contract: str, rng: np.random.Generator) -> Triangle:
    """The lower triangle of a square matrix from a file, its values as they are, and b of a random x.

    Raises
    ------
    HpcbenchError
        When there is more than one file, the matrix is not square, its diagonal has a zero, or rounding
        errors grow so much in its triangle that a solution cannot be told from a wrong one.
    """
    if len(paths) > 1:
        raise HpcbenchError(f"{paths[1]}: sptrsv takes one matrix; give --input once per matrix")
    matrix = read_matrix(paths[0])
    rows, columns = matrix.shape
    if rows != columns:
        raise HpcbenchError(f"{paths[0]}: {rows} x {columns}, but a triangle needs as many rows as columns")
    zeros = np.flatnonzero(matrix.diagonal() == 0)
    if len(zeros):
        raise HpcbenchError(
            f"{paths[0]}: row {zeros[0] + 1} has no diagonal entry, or a zero: its triangle is singular"
        )
    found = triangle(csr_array(tril(matrix)), rng, contract)
    solved = spsolve_triangular(found.a.csr, found.b, lower=True)
    if not np.linalg.norm(solved - found.x) <= LOST * np.linalg.norm(found.x):
        raise HpcbenchError(
            f"{paths[0]}: errors grow too much in its lower triangle for any answer to be right"
        )
    return found
