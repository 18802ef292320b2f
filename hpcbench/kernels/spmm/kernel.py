"""The contract of ``spmm``: Y = A X, A in CSR, X of k dense columns; its cases and its baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from hpcbench.inputs import examples, generate
from hpcbench.inputs.read import read_matrix
from hpcbench.kernels.spmm.answer import check, cost, gather, oracle, sizes
from hpcbench.kernels.spmm.hidden import hidden
from hpcbench.kernels.spmm.matmat import features, matmat, outputs, pack
from hpcbench.kernels.spmv.matvec import Matvec, fingerprint, partition, redraw, streamed
from hpcbench.spec import HpcbenchError

__all__ = [
    "BASELINE", "DEVICE_BASELINE", "check", "cost", "features", "fingerprint", "gather", "hidden", "load", "make",
    "matmat", "oracle", "outputs", "pack", "partition", "redraw", "sizes", "streamed", "vary",
]  # fmt: skip

BASELINE = "scipy_csr"
DEVICE_BASELINE = "cusparse"

CASES: dict[str, Callable[[np.random.Generator], csr_array]] = {
    "er60k": lambda g: generate.er(60_000, 4, g),
    "er12k": lambda g: generate.er(12_000, 16, g),
    "road": lambda g: generate.road(250, g),
    "blockdiag": lambda g: generate.block_diagonal(60, 48, g),
    "fem27": lambda g: generate.fem27(11, 3, g),
    "rmat14": lambda g: generate.rmat(14, 8, g),
    "poisson2d": lambda g: generate.poisson2d(500, g),
    "poisson3d": lambda g: generate.poisson3d(48, g),
    "er500k": lambda g: generate.er(500_000, 6, g),
    "road1000": lambda g: generate.road(1000, g),
    "fem27_24": lambda g: generate.fem27(24, 3, g),
    "rmat18": lambda g: generate.rmat(18, 8, g),
    "poisson2d1000": lambda g: generate.poisson2d(1000, g),
    "poisson3d96": lambda g: generate.poisson3d(96, g),
    **{
        name: (lambda g, name=name: examples.example(name, min_flops=4_000_000))  # type: ignore[misc]
        for name in ("airfoil", "bar", "knot", "unit_cube")
    },
}


def make(case: str, contract: str, rng: np.random.Generator) -> Matvec:
    """The input of a named case, new values at every call."""
    return matmat(CASES[case](rng), contract, rng)


def vary(inputs: Matvec, rng: np.random.Generator, ranks: int) -> Matvec:
    """Another X: the matrix is constant."""
    return redraw(inputs, rng)


def load(paths: Sequence[Path], contract: str, rng: np.random.Generator) -> Matvec:
    """A from a file, its values times factors in [0.5, 1.5), and a random X.

    Raises
    ------
    HpcbenchError
        When there is more than one file.
    """
    if len(paths) > 1:
        raise HpcbenchError(
            f"{paths[1]}: spmm multiplies one matrix with random columns; give --input once per matrix"
        )
    return matmat(read_matrix(paths[0]), contract, rng)
