"""The contract of ``spmv``: y = A x, y_i = sum_j A_ij x_j, A in CSR; its cases and its baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from hpcbench.inputs import examples, generate
from hpcbench.inputs.read import read_matrix
from hpcbench.kernels.spmv.answer import check, cost, gather, oracle, sizes
from hpcbench.kernels.spmv.hidden import hidden
from hpcbench.kernels.spmv.matvec import (
    Matvec,
    features,
    fingerprint,
    matvec,
    outputs,
    pack,
    partition,
    redraw,
    streamed,
)
from hpcbench.spec import HpcbenchError

__all__ = [
    "BASELINE", "DEVICE_BASELINE", "check", "cost", "features", "fingerprint", "gather", "hidden", "load", "make",
    "matvec", "oracle", "outputs", "pack", "partition", "redraw", "sizes", "streamed", "vary",
]  # fmt: skip

BASELINE = "scipy_csr"
DEVICE_BASELINE = "cusparse"

CASES: dict[str, Callable[[np.random.Generator], csr_array]] = {
    "er60k": lambda g: generate.er(60_000, 4, g),
    "er12k": lambda g: generate.er(12_000, 16, g),
    "hypersparse": lambda g: generate.hypersparse(1_000_000, 250_000, g),
    "road": lambda g: generate.road(250, g),
    "blockdiag": lambda g: generate.block_diagonal(60, 48, g),
    "tall": lambda g: generate.tall(30_000, 5_000, 6, g),
    "wide": lambda g: csr_array(generate.tall(30_000, 5_000, 6, g).T.tocsr()),
    "fem27": lambda g: generate.fem27(11, 3, g),
    "rmat14": lambda g: generate.rmat(14, 8, g),
    "poisson2d": lambda g: generate.poisson2d(500, g),
    "poisson3d": lambda g: generate.poisson3d(48, g),
    "er2m": lambda g: generate.er(2_000_000, 6, g),
    "hypersparse10m": lambda g: generate.hypersparse(10_000_000, 2_500_000, g),
    "road2000": lambda g: generate.road(2000, g),
    "blockdiag6000": lambda g: generate.block_diagonal(6000, 48, g),
    "fem27_36": lambda g: generate.fem27(36, 3, g),
    "rmat20": lambda g: generate.rmat(20, 8, g),
    "poisson2d1600": lambda g: generate.poisson2d(1600, g),
    "poisson3d128": lambda g: generate.poisson3d(128, g),
    **{
        name: (lambda g, name=name: examples.example(name, min_flops=4_000_000))  # type: ignore[misc]
        for name in ("airfoil", "bar", "knot", "unit_cube")
    },
}


def make(case: str, contract: str, rng: np.random.Generator) -> Matvec:
    """The input of a named case, new values at every call."""
    return matvec(CASES[case](rng), rng, contract)


def vary(inputs: Matvec, rng: np.random.Generator, ranks: int) -> Matvec:
    """Another x: the matrix is constant."""
    return redraw(inputs, rng)


def load(paths: Sequence[Path], contract: str, rng: np.random.Generator) -> Matvec:
    """A from a file, its values times factors in [0.5, 1.5), and a random x.

    Raises
    ------
    HpcbenchError
        When there is more than one file.
    """
    if len(paths) > 1:
        raise HpcbenchError(
            f"{paths[1]}: spmv multiplies one matrix with a random vector; give --input once per matrix"
        )
    return matvec(read_matrix(paths[0]), rng, contract)
