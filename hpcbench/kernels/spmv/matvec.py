"""The input of ``spmv``: a matrix and a vector, how a worker sees them, and how ranks share them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from hpcbench.inputs.features import structure
from hpcbench.kernels.shared.rows import Matrix, draw


@dataclass(frozen=True)
class Matvec:
    """One input: A (n x m) and x (m,), or more columns; for MPI the rows of A and the part of x that a rank holds.

    ``resident`` tells that it lies in a device's memory. ``row0`` is the first row of this block.
    """

    a: Matrix
    x: np.ndarray
    resident: bool = False
    rank: int = 0
    ranks: int = 1
    x_offsets: tuple[int, ...] = ()
    row0: int = 0


def matvec(a: csr_array, rng: np.random.Generator, contract: str = "product") -> Matvec:
    """The input A x with the values of A times factors in [0.5, 1.5), and x drawn."""
    data = a.data * rng.uniform(0.5, 1.5, a.nnz)
    matrix = Matrix(csr_array((data, a.indices, a.indptr), shape=a.shape))
    return redraw(Matvec(matrix, np.zeros(a.shape[1]), contract.endswith("-device")), rng)


def redraw(inputs: Matvec, rng: np.random.Generator) -> Matvec:
    """The same matrix with another x."""
    return replace(inputs, x=draw(inputs.x.shape, rng))


def streamed(inputs: Matvec, values: np.ndarray) -> Matvec:
    """The same matrix with this x, its columns row by row."""
    return replace(inputs, x=values.reshape(inputs.x.shape))


def features(inputs: Matvec) -> dict[str, int | float]:
    """Structural features of the matrix, and the multiply-adds of a product."""
    return structure(inputs.a.csr) | {"flops": int(inputs.a.csr.nnz)}


def fingerprint(inputs: Matvec) -> str:
    """Hash of all arrays of the input."""
    state = hashlib.sha256()
    for part in (inputs.a.indptr, inputs.a.indices, inputs.a.csr.data, inputs.x):
        state.update(np.ascontiguousarray(part).data)
    return state.hexdigest()[:16]


def pack(inputs: Matvec) -> dict[str, int | np.ndarray]:
    """The fields of ``struct spmv_in``, in its order."""
    a, cols = inputs.a, inputs.a.csr.shape[1]
    return {
        "nrows": a.csr.shape[0], "ncols": cols, "indptr": a.indptr, "indices": a.indices, "data": a.csr.data,
        "x": inputs.x, "rank": inputs.rank, "ranks": inputs.ranks,
        "x_offsets": np.array(inputs.x_offsets or (0, cols), dtype=np.int64), "device": int(inputs.resident),
    }  # fmt: skip


def outputs(inputs: Matvec) -> dict[str, int | tuple[str, int]]:
    """The field of ``struct spmv_out``: (dtype, length)."""
    return {"y": ("float64", inputs.a.csr.shape[0])}


def partition(inputs: Matvec, ranks: int) -> list[Matvec]:
    """Row blocks of A with equal non-zeros; x is cut as the rows are where A is square, else into equal parts."""
    rows, columns = inputs.a.csr.shape
    cut, blocks = inputs.a.blocks(ranks)
    x_cut = cut if rows == columns else np.arange(ranks + 1) * columns // ranks
    offsets = tuple(int(x) for x in x_cut)
    return [
        Matvec(block, inputs.x[offsets[r] : offsets[r + 1]], inputs.resident, r, ranks, offsets, int(cut[r]))
        for r, block in enumerate(blocks)
    ]
