"""Cheap structural features of a matrix or a product: what a selector may look at before it picks a kernel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hpcbench.inputs.errors import InputError

SYMMETRY_LIMIT = 2_000_000


def row_flops(a: csr_array, b: csr_array) -> NDArray[np.int64]:
    """Multiply-adds that each row of A B takes.

    Parameters
    ----------
    a, b : csr_array
        (rows, inner) and (inner, cols).

    Returns
    -------
    (rows,) int64 array
        Sum of nnz(B[k, :]) over the non-zeros A[i, k] of row i.

    Raises
    ------
    InputError
        The inner dimensions differ.
    """
    if a.shape[1] != b.shape[0]:
        raise InputError(
            f"A is {a.shape[0]} x {a.shape[1]} and B is {b.shape[0]} x {b.shape[1]}:"
            " the inner dimensions differ; transpose one, or use A Aᵀ"
        )
    partial = np.zeros(a.nnz + 1, np.int64)
    np.cumsum(np.diff(b.indptr).astype(np.int64)[a.indices], out=partial[1:])
    flops: NDArray[np.int64] = np.diff(partial[a.indptr])
    return flops


def features(a: csr_array, b: csr_array) -> dict[str, int | float]:
    """Describe the product A B in time O(nnz(A) + nnz(B) + rows).

    Parameters
    ----------
    a, b : csr_array
        (rows, inner) and (inner, cols), without duplicates.

    Returns
    -------
    dict
        ==================  =====================================================================
        rows, inner, cols   dimensions
        nnz_a, nnz_b        stored entries
        density             nnz_a / (rows inner)
        row_mean, row_max   stored entries per row of A
        row_cv              standard deviation / mean of the same; 0 for a matrix without entries
        empty_rows          rows of A without entries
        flops               multiply-adds of the product
        row_flops_max       the most that one row of the product takes
        bound_nnz_c         sum over rows of min(row flops, cols): an upper bound of nnz(A B)
        span_mean           last - first column + 1, mean over the non-empty rows of B, in columns
        pattern_symmetry    share of A's off-diagonal entries (i, j) with (j, i) stored; 1 without
                            any. Only if A is square and nnz_a <= 2 000 000
        ==================  =====================================================================

    Raises
    ------
    InputError
        The inner dimensions differ.
    """
    flops = row_flops(a, b)
    return structure(a) | {
        "inner": int(a.shape[1]),
        "cols": int(b.shape[1]),
        "nnz_b": int(b.nnz),
        "flops": int(flops.sum()),
        "row_flops_max": int(flops.max(initial=0)),
        "bound_nnz_c": int(np.minimum(flops, b.shape[1]).sum()),
        "span_mean": _span_mean(b),
    }


def structure(a: csr_array) -> dict[str, int | float]:
    """Describe one matrix as :func:`features` does: ``rows, cols`` to ``empty_rows``, ``span_mean``, symmetry."""
    per_row = np.diff(a.indptr)
    mean = float(per_row.mean()) if per_row.size else 0.0
    found: dict[str, int | float] = {
        "rows": int(a.shape[0]),
        "cols": int(a.shape[1]),
        "nnz_a": int(a.nnz),
        "density": a.nnz / max(1, int(a.shape[0]) * int(a.shape[1])),
        "row_mean": mean,
        "row_max": int(per_row.max(initial=0)),
        "row_cv": float(per_row.std()) / mean if mean else 0.0,
        "empty_rows": int(np.count_nonzero(per_row == 0)),
        "span_mean": _span_mean(a),
    }
    if a.shape[0] == a.shape[1] and a.nnz <= SYMMETRY_LIMIT:
        found["pattern_symmetry"] = _pattern_symmetry(a)
    return found


def _span_mean(b: csr_array) -> float:
    if b.nnz == 0:
        return 0.0
    starts = b.indptr[:-1][np.diff(b.indptr) > 0]
    columns = b.indices.astype(np.int64)
    return float(np.mean(np.maximum.reduceat(columns, starts) - np.minimum.reduceat(columns, starts) + 1))


def _pattern_symmetry(a: csr_array) -> float:
    pattern = csr_array((np.ones(a.nnz, np.int8), a.indices, a.indptr), shape=a.shape)
    both = pattern.multiply(pattern.T.tocsr()).nnz
    diagonal = np.count_nonzero(np.repeat(np.arange(a.shape[0]), np.diff(a.indptr)) == a.indices)
    return float((both - diagonal) / (a.nnz - diagonal)) if a.nnz > diagonal else 1.0
