"""The contract of ``spgemm``: C = A B, C_ij = sum_k A_ik B_kj, in CSR; its cases and its baseline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from hpcbench.inputs import examples, generate
from hpcbench.inputs.read import read_matrix
from hpcbench.kernels.spgemm.answer import check, cost, gather, oracle, sizes
from hpcbench.kernels.spgemm.hidden import hidden
from hpcbench.kernels.spgemm.product import (
    Product,
    features,
    fingerprint,
    outputs,
    pack,
    partition,
    product,
    redraw,
    vary,
)
from hpcbench.spec import HpcbenchError

__all__ = [
    "BASELINE", "DEVICE_BASELINE", "check", "cost", "features", "fingerprint", "gather", "hidden", "load", "make",
    "oracle", "outputs", "pack", "partition", "product", "redraw", "sizes", "vary",
]  # fmt: skip

BASELINE = "scipy_csr"
DEVICE_BASELINE = "cusparse"


def _square(a: csr_array) -> tuple[csr_array, csr_array]:
    return a, a


def _ata(rows: int, cols: int, rng: np.random.Generator) -> tuple[csr_array, csr_array]:
    a = generate.tall(rows, cols, 6, rng)
    return csr_array(a.T.tocsr()), a


def _ap(n: int, rng: np.random.Generator) -> tuple[csr_array, csr_array]:
    a, p, _ = generate.amg(n, rng)
    return a, p


def _rap(n: int, rng: np.random.Generator) -> tuple[csr_array, csr_array]:
    a, p, r = generate.amg(n, rng)
    return r, generate.redraw(a @ p, rng)


CASES: dict[str, Any] = {
    "er60k": lambda g: _square(generate.er(60_000, 4, g)),
    "er12k": lambda g: _square(generate.er(12_000, 16, g)),
    "hypersparse": lambda g: _square(generate.hypersparse(1_000_000, 250_000, g)),
    "road": lambda g: _square(generate.road(250, g)),
    "blockdiag": lambda g: _square(generate.block_diagonal(60, 48, g)),
    "ata": lambda g: _ata(30_000, 5_000, g),
    "amg_ap": lambda g: _ap(24, g),
    "amg_rap": lambda g: _rap(24, g),
    "fem27": lambda g: _square(generate.fem27(11, 3, g)),
    "rmat12": lambda g: _square(generate.rmat(12, 8, g)),
    "rmat14": lambda g: _square(generate.rmat(14, 8, g)),
    "poisson2d": lambda g: _square(generate.poisson2d(500, g)),
    "poisson3d": lambda g: _square(generate.poisson3d(48, g)),
    "er600k": lambda g: _square(generate.er(600_000, 4, g)),
    "er120k": lambda g: _square(generate.er(120_000, 16, g)),
    "hypersparse10m": lambda g: _square(generate.hypersparse(10_000_000, 2_500_000, g)),
    "road800": lambda g: _square(generate.road(800, g)),
    "blockdiag600": lambda g: _square(generate.block_diagonal(600, 48, g)),
    "ata300k": lambda g: _ata(300_000, 50_000, g),
    "amg_ap52": lambda g: _ap(52, g),
    "amg_rap52": lambda g: _rap(52, g),
    "fem27_24": lambda g: _square(generate.fem27(24, 3, g)),
    "rmat16": lambda g: _square(generate.rmat(16, 8, g)),
    "poisson2d1600": lambda g: _square(generate.poisson2d(1600, g)),
    "poisson3d104": lambda g: _square(generate.poisson3d(104, g)),
    **{
        name: (lambda g, name=name: _square(examples.example(name, min_flops=1_000_000)))
        for name in ("airfoil", "bar", "knot", "unit_cube")
    },
}


def make(case: str, contract: str, rng: np.random.Generator) -> Product:
    """The input of a named case, new values at every call."""
    a, b = CASES[case](rng)
    return product(a, b, contract, rng)


def load(paths: Sequence[Path], contract: str, rng: np.random.Generator) -> Product:
    """A B from one or two files: A A for one square matrix, A A^T for one that is not.

    Raises
    ------
    HpcbenchError
        When the shapes do not fit.
    """
    a = read_matrix(paths[0])
    if len(paths) > 1:
        b = read_matrix(paths[1])
        if a.shape[1] != b.shape[0]:
            raise HpcbenchError(
                f"{paths[0]} x {paths[1]}: shapes {a.shape[0]} x {a.shape[1]} and {b.shape[0]} x "
                f"{b.shape[1]} do not multiply; the columns of the first must equal the rows of the second"
            )
    else:
        b = a if a.shape[0] == a.shape[1] else csr_array(a.T.tocsr())
    return product(a, b, contract, rng)
