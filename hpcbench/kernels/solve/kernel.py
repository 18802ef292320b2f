"""The contract of ``solve``: x with ||b - A x|| <= 1e-8 ||b||, A square, in CSR; its cases and its baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from hpcbench.inputs import equations
from hpcbench.inputs.read import read_matrix
from hpcbench.kernels.solve.answer import check, cost, gather, oracle, sizes, tell
from hpcbench.kernels.solve.hidden import hidden
from hpcbench.kernels.solve.system import (
    System,
    features,
    fingerprint,
    outputs,
    pack,
    partition,
    redraw,
    system,
    vary,
)
from hpcbench.spec import HpcbenchError

__all__ = [
    "BASELINE", "DEVICE_BASELINE", "check", "cost", "features", "fingerprint", "gather", "hidden", "load", "make",
    "oracle", "outputs", "pack", "partition", "redraw", "sizes", "system", "tell", "vary",
]  # fmt: skip

BASELINE = "scipy_cg"
DEVICE_BASELINE = "cupyx_cg"

CASES: dict[str, Callable[[np.random.Generator], csr_array]] = {
    "poisson2d": lambda g: equations.poisson(200, 2),
    "poisson3d": lambda g: equations.poisson(32, 3),
    "anisotropic": lambda g: equations.poisson(200, 2, 0.01),
    "jumps": lambda g: equations.jumps(200, 20, g),
    "elasticity": lambda g: equations.elasticity(100),
    "road": lambda g: equations.road(200, g),
    "power_law": lambda g: equations.power_law(13, g),
    "convection": lambda g: equations.convection(200, 0.5),
    "poisson2d566": lambda g: equations.poisson(566, 2),
    "poisson3d64": lambda g: equations.poisson(64, 3),
    "anisotropic566": lambda g: equations.poisson(566, 2, 0.01),
    "poisson2d1000": lambda g: equations.poisson(1000, 2),
    "poisson3d100": lambda g: equations.poisson(100, 3),
}


def make(case: str, contract: str, rng: np.random.Generator) -> System:
    """The input of a named case, another right-hand side at every call."""
    return system(CASES[case](rng), rng, contract)


def load(paths: Sequence[Path], contract: str, rng: np.random.Generator) -> System:
    """A from a file, and the right-hand side of a drawn solution.

    Raises
    ------
    HpcbenchError
        When there is more than one file, or the matrix is not square.
    """
    if len(paths) > 1:
        raise HpcbenchError(
            f"{paths[1]}: solve takes one matrix, b is made of it; give --input once per matrix"
        )
    matrix = read_matrix(paths[0])
    if matrix.shape[0] != matrix.shape[1]:
        rows, columns = matrix.shape
        raise HpcbenchError(f"{paths[0]}: {rows} x {columns}, but a system needs as many rows as columns")
    return system(matrix, rng, contract)
