"""The input of ``spgemm``: two sparse matrices, how a worker sees them, and how ranks share them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from hpcbench.inputs.features import features as product_features
from hpcbench.inputs.features import row_flops
from hpcbench.inputs.odd import cuts

MOVES = 32


@dataclass(frozen=True)
class Product:
    """One input: A (n x k), B (k x m), what is asked of C; for MPI the block that a rank holds.

    ``resident`` tells that it lies in a device's memory. ``row0`` is the first row of C in this block; ``bound``
    the sum over its rows of min(multiply-adds of the row, columns of B), which nnz(C) cannot pass.
    """

    a: csr_array
    b: csr_array
    sorted: bool = True
    resident: bool = False
    rank: int = 0
    ranks: int = 1
    b_offsets: tuple[int, ...] = ()
    row0: int = 0
    bound: int = 0


def product(a: csr_array, b: csr_array, contract: str, rng: np.random.Generator) -> Product:
    """The input A B with values re-drawn and ascending columns, and the bound of its output."""
    alike = b is a
    a = _ordered(a)
    b = a if alike else _ordered(b)
    bound = int(np.minimum(row_flops(a, b), b.shape[1]).sum())
    asked = contract.split("-")
    return redraw(Product(a, b, sorted=asked[0] == "sorted", resident="device" in asked, bound=bound), rng)


def _ordered(m: csr_array) -> csr_array:
    """The same with the columns of every row ascending, none of them twice."""
    if not m.has_canonical_format:
        m = m.copy()
        m.sum_duplicates()
    return m


def redraw(inputs: Product, rng: np.random.Generator) -> Product:
    """The same pattern with every value multiplied by a fresh factor in [0.5, 1.5)."""

    def scaled(m: csr_array) -> csr_array:
        factor = rng.uniform(0.5, 1.5, m.nnz)
        return csr_array((m.data * factor, m.indices, m.indptr), shape=m.shape)

    a = scaled(inputs.a)
    return replace(inputs, a=a, b=a if inputs.b is inputs.a else scaled(inputs.b))


def vary(inputs: Product, rng: np.random.Generator, ranks: int) -> Product:
    """Fresh values, and some entries one column further on, where that changes no row's work.

    It fits the memory of ``inputs``: the lengths of all rows, the multiply-adds of each and the bound stay.
    """
    fresh = redraw(inputs, rng)
    a = _moved(fresh.a, rng, np.diff(inputs.b.indptr))
    return replace(fresh, a=a, b=a if fresh.b is fresh.a else _moved(fresh.b, rng, None))


def _moved(m: csr_array, rng: np.random.Generator, lengths: np.ndarray | None) -> csr_array:
    """At most one entry of ``MOVES``, and one at least where it can, in the next column, if that is free.

    With ``lengths``, of the rows of the other factor, only from one column to another of the same length.
    """
    if not m.nnz:
        return m
    place = np.unique(rng.integers(0, m.nnz, max(64, m.nnz // MOVES)))
    column = m.indices[place]
    follower = m.indices[np.minimum(place + 1, m.nnz - 1)]
    last = m.indptr[np.searchsorted(m.indptr, place, side="right")] == place + 1
    free = (column + 1 < m.shape[1]) & (last | (follower > column + 1))
    place, column = place[free], column[free]
    if lengths is not None:
        place = place[lengths[column] == lengths[column + 1]]
    indices = m.indices.copy()
    indices[place] += 1
    return csr_array((m.data, indices, m.indptr), shape=m.shape)


def features(inputs: Product) -> dict[str, int | float]:
    """Structural features of the product, for reports and for choosing a variant."""
    return product_features(inputs.a, inputs.b)


def fingerprint(inputs: Product) -> str:
    """Hash of all arrays of the input."""
    state = hashlib.sha256()
    for m in (inputs.a, inputs.b):
        for part in (m.indptr, m.indices, m.data):
            state.update(np.ascontiguousarray(part).data)
    return state.hexdigest()[:16]


def pack(inputs: Product) -> dict[str, int | np.ndarray]:
    """The fields of ``struct spgemm_in``, in its order."""
    a, b = inputs.a, inputs.b
    return {
        "a_nrows": a.shape[0], "a_ncols": a.shape[1],
        "a_indptr": a.indptr.astype(np.int64), "a_indices": a.indices.astype(np.int32), "a_data": a.data,
        "b_nrows": b.shape[0], "b_ncols": b.shape[1],
        "b_indptr": b.indptr.astype(np.int64), "b_indices": b.indices.astype(np.int32), "b_data": b.data,
        "sorted": int(inputs.sorted), "rank": inputs.rank, "ranks": inputs.ranks,
        "b_offsets": np.array(inputs.b_offsets or (0, b.shape[0]), dtype=np.int64), "device": int(inputs.resident),
    }  # fmt: skip


def outputs(inputs: Product) -> dict[str, int | tuple[str, int]]:
    """The fields of ``struct spgemm_out``: (dtype, length) of a buffer, or a number."""
    return {
        "indptr": ("int64", inputs.a.shape[0] + 1),
        "indices": ("int32", inputs.bound),
        "data": ("float64", inputs.bound),
        "capacity": inputs.bound,
    }


def partition(inputs: Product, ranks: int) -> list[Product]:
    """Row blocks of A with equal multiply-adds and of B with equal non-zeros; blocks may be empty."""
    flops = row_flops(inputs.a, inputs.b)
    a_cut = cuts(flops + 1, ranks)
    b_cut = cuts(np.diff(inputs.b.indptr) + 1, ranks)
    return [
        replace(
            inputs,
            a=inputs.a[a_cut[r] : a_cut[r + 1]],
            b=inputs.b[b_cut[r] : b_cut[r + 1]],
            rank=r,
            ranks=ranks,
            b_offsets=tuple(int(x) for x in b_cut),
            row0=int(a_cut[r]),
            bound=int(np.minimum(flops[a_cut[r] : a_cut[r + 1]], inputs.b.shape[1]).sum()),
        )
        for r in range(ranks)
    ]
