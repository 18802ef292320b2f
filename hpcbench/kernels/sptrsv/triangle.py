"""The input of ``sptrsv``: a triangle and a right-hand side, how a worker sees them, how ranks share them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, diags_array, tril

from hpcbench.inputs.features import structure
from hpcbench.kernels.shared.rows import Matrix, draw


@dataclass(frozen=True)
class Triangle:
    """One input: L (n x n) and b (n,), made from ``x``; for MPI the rows of L, b and x that a rank holds.

    ``resident`` tells that it lies in a device's memory.
    """

    a: Matrix
    b: np.ndarray
    x: np.ndarray
    resident: bool = False
    rank: int = 0
    ranks: int = 1
    offsets: tuple[int, ...] = ()


def triangle(given: csr_array, rng: np.random.Generator, contract: str = "lower") -> Triangle:
    """The input L x = b of a lower triangle without zeros on its diagonal, b that of a drawn x."""
    found = csr_array(given)
    found.sort_indices()
    nothing = np.zeros(found.shape[0])
    return redraw(Triangle(Matrix(found), nothing, nothing, contract.endswith("-device")), rng)


def lower(pattern: csr_array, rng: np.random.Generator) -> csr_array:
    """The lower triangle of a square pattern, values of either sign, the diagonal within 3 % of the sum of its row.

    What a row is given by the ones before it neither fades nor grows on its way down.
    """
    strict = csr_array(tril(pattern, -1))
    values = rng.uniform(0.5, 1.5, strict.nnz) * rng.choice((-1, 1), strict.nnz)
    strict = csr_array((values, strict.indices, strict.indptr), shape=strict.shape)
    sums, n = abs(strict).sum(axis=1), strict.shape[0]
    diagonal = np.where(sums > 0, sums, 1) * rng.uniform(0.97, 1.03, n)
    return csr_array(strict + diags_array(diagonal * rng.choice((-1, 1), n)))


def redraw(inputs: Triangle, rng: np.random.Generator) -> Triangle:
    """The same triangle with the b of another x."""
    x = draw(inputs.a.csr.shape[0], rng)
    x[x == 0] = 1  # a bound made of zeros alone would allow no rounding
    return replace(inputs, b=inputs.a.csr @ x, x=x)


def streamed(inputs: Triangle, values: np.ndarray) -> Triangle:
    """The same triangle with this b; its x is not known."""
    return replace(inputs, b=values, x=np.full_like(values, np.nan))


def features(inputs: Triangle) -> dict[str, int | float]:
    """Structural features of the triangle, and the multiply-adds of a solve."""
    return structure(inputs.a.csr) | {"flops": int(inputs.a.csr.nnz)}


def fingerprint(inputs: Triangle) -> str:
    """Hash of all arrays of the input."""
    state = hashlib.sha256()
    for part in (inputs.a.indptr, inputs.a.indices, inputs.a.csr.data, inputs.b):
        state.update(np.ascontiguousarray(part).data)
    return state.hexdigest()[:16]


def pack(inputs: Triangle) -> dict[str, int | np.ndarray]:
    """The fields of ``struct sptrsv_in``, in its order."""
    a, order = inputs.a, inputs.a.csr.shape[1]
    return {
        "nrows": a.csr.shape[0], "order": order, "indptr": a.indptr, "indices": a.indices, "data": a.csr.data,
        "b": inputs.b, "rank": inputs.rank, "ranks": inputs.ranks,
        "offsets": np.array(inputs.offsets or (0, order), dtype=np.int64), "device": int(inputs.resident),
    }  # fmt: skip


def outputs(inputs: Triangle) -> dict[str, int | tuple[str, int]]:
    """The field of ``struct sptrsv_out``: (dtype, length)."""
    return {"x": ("float64", inputs.a.csr.shape[0])}


def partition(inputs: Triangle, ranks: int) -> list[Triangle]:
    """Row blocks of L with equal non-zeros; b and x are cut as the rows are."""
    cut, blocks = inputs.a.blocks(ranks)
    offsets = tuple(int(c) for c in cut)
    return [
        Triangle(block, inputs.b[low:high], inputs.x[low:high], inputs.resident, r, ranks, offsets)
        for r, (block, low, high) in enumerate(zip(blocks, offsets[:-1], offsets[1:], strict=True))
    ]
