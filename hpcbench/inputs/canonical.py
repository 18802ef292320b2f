"""The one form in which matrices leave this package."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import coo_array, csr_array

from hpcbench.inputs.errors import InputError

INT32_MAX = 2**31 - 1


def canonical(name: str, matrix: Any) -> csr_array:
    """Bring a sparse matrix into canonical CSR form, or refuse it.

    Parameters
    ----------
    name : str
        The file, for messages.
    matrix : sparse array or matrix
        Any format and dtype. Duplicates are summed; explicit zeros stay, they are part of the pattern.

    Returns
    -------
    csr_array
        float64 data, int32 `indices` and `indptr`, indices sorted within rows, no duplicates.

    Raises
    ------
    InputError
        No rows or columns, more than 2^31 - 1 of them or of non-zeros, complex values, NaN or Inf
        (also where duplicates sum to one).
    """
    if min(matrix.shape) == 0:
        raise InputError(f"{name}: the matrix is {_shape(matrix)}, it has no entries to work on; use another")
    if max(*matrix.shape, matrix.nnz) > INT32_MAX:
        raise InputError(
            f"{name}: {_shape(matrix)} with {matrix.nnz} entries is beyond int32 column indices"
            f" (at most {INT32_MAX}); take a submatrix"
        )
    if np.iscomplexobj(matrix):
        raise InputError(f"{name}: complex values, but the kernels are real; store its real part or abs(A)")
    csr = csr_array(matrix.astype(np.float64))
    with np.errstate(over="ignore", invalid="ignore"):
        csr.sum_duplicates()
    if not np.isfinite(csr.data).all():
        at = int(np.argmin(np.isfinite(csr.data)))
        row = int(np.searchsorted(csr.indptr, at, side="right"))
        raise InputError(
            f"{name}: entry ({row}, {csr.indices[at] + 1}), counted from 1, is {csr.data[at]},"
            " not a finite float64; replace or drop it"
        )
    indices, indptr = csr.indices.astype(np.int32), csr.indptr.astype(np.int32)
    return csr_array((csr.data, indices, indptr), shape=csr.shape)


def from_entries(name: str, row: Any, col: Any, data: Any, shape: tuple[int, int]) -> csr_array:
    """Build the canonical CSR form of (row, col, value) triplets, 0-based; see :func:`canonical`."""
    return canonical(name, coo_array((data, (row, col)), shape=shape))


def _shape(matrix: Any) -> str:
    return f"{matrix.shape[0]} x {matrix.shape[1]}"
