"""The input of ``spmm``: a matrix and some dense columns; but for how many they are, that of ``spmv``."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from hpcbench.inputs.features import structure
from hpcbench.kernels.shared.rows import Matrix
from hpcbench.kernels.spmv import matvec
from hpcbench.kernels.spmv.matvec import Matvec


def columns(contract: str) -> int:
    """k of the contract."""
    return int(contract.removeprefix("k").removesuffix("-device"))


def matmat(a: csr_array, contract: str, rng: np.random.Generator) -> Matvec:
    """The input A X with the values of A times factors in [0.5, 1.5), and X of the contract's columns drawn."""
    data = a.data * rng.uniform(0.5, 1.5, a.nnz)
    matrix = Matrix(csr_array((data, a.indices, a.indptr), shape=a.shape))
    zeros = np.zeros((a.shape[1], columns(contract)))
    return matvec.redraw(Matvec(matrix, zeros, contract.endswith("-device")), rng)


def features(inputs: Matvec) -> dict[str, int | float]:
    """Structural features of the matrix, and the multiply-adds of a product."""
    return structure(inputs.a.csr) | {"flops": int(inputs.a.csr.nnz) * inputs.x.shape[1]}


def pack(inputs: Matvec) -> dict[str, int | np.ndarray]:
    """The fields of ``struct spmm_in``, in its order."""
    fields = matvec.pack(inputs)
    first = {"nrows": fields.pop("nrows"), "ncols": fields.pop("ncols"), "k": inputs.x.shape[1]}
    return first | fields | {"x": inputs.x.ravel()}


def outputs(inputs: Matvec) -> dict[str, int | tuple[str, int]]:
    """The field of ``struct spmm_out``: (dtype, length)."""
    return {"y": ("float64", inputs.a.csr.shape[0] * inputs.x.shape[1])}
