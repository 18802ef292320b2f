"""SuiteSparse:GraphBLAS through its C interface, initialised when this is imported."""

from __future__ import annotations

from typing import Any

import numpy as np
from suitesparse_graphblas import ffi, initialize, lib

initialize(blocking=False, memory_manager="c")
WORDS = ("uint64_t *", "uint64_t *", "double *")


def check(status: int, call: str) -> None:
    """Raise when GraphBLAS's ``call`` did not return 0."""
    if status:
        raise RuntimeError(f"{call} returned {status}")


# nothing is compiled or cached while it runs
check(lib.GrB_Global_set_INT32(lib.GrB_GLOBAL, lib.GxB_JIT_OFF, lib.GxB_JIT_C_CONTROL), "GrB_Global_set")


def matrix(rows: int, cols: int, indptr: np.ndarray, indices: np.ndarray, data: np.ndarray) -> Any:
    """A finished GrB_Matrix of a copy of CSR arrays."""
    dtypes = np.uint64, np.uint64, np.float64
    parts = [np.ascontiguousarray(a, t) for a, t in zip((indptr, indices, data), dtypes, strict=True)]
    pointer, index, value = (ffi.cast(t, p.ctypes.data) for t, p in zip(WORDS, parts, strict=True))
    made, nnz = ffi.new("GrB_Matrix *"), len(parts[2])
    imported = lib.GrB_Matrix_import_FP64(
        made, lib.GrB_FP64, rows, cols, pointer, index, value, rows + 1, nnz, nnz, lib.GrB_CSR_FORMAT
    )
    check(imported, "GrB_Matrix_import")
    check(lib.GrB_Matrix_wait(made[0], lib.GrB_MATERIALIZE), "GrB_Matrix_wait")
    return made[0]
