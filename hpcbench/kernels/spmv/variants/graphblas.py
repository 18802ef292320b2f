# /// hpcbench
# model = "openmp"
# summary = "SuiteSparse:GraphBLAS, plus-times over FP64, added to a full vector of zeros"
# source = "Davis, ACM TOMS 45(4), 2019, and 49(3), 2023; GrB_mxv"
# requires = ["suitesparse_graphblas"]
# ///
"""GraphBLAS through its C interface: matrix and vectors made beforehand, the result read where it lies.

y starts as zeros in every call, so that rows without entries have one.
"""

import numpy as np
from suitesparse_graphblas import ffi, lib

from hpcbench.kernels.shared.graphblas import check, matrix

FIELDS = ("nrows", "ncols", "indptr", "indices", "data")
MATRICES = {}  # by where they lie: all inputs of a race share theirs
NIL = ffi.NULL


def _full(values):
    """A vector in which every entry is present."""
    made, n = ffi.new("GrB_Vector *"), len(values)
    check(lib.GrB_Vector_new(made, lib.GrB_FP64, n), "GrB_Vector_new")
    places = np.arange(n, dtype=np.uint64)
    index, value = ffi.cast("uint64_t *", places.ctypes.data), ffi.cast("double *", values.ctypes.data)
    check(lib.GrB_Vector_build_FP64(made[0], index, value, n, NIL), "GrB_Vector_build")
    check(lib.GrB_Vector_set_INT32(made[0], lib.GxB_FULL, lib.GxB_SPARSITY_CONTROL), "GrB_Vector_set")
    check(lib.GrB_Vector_wait(made[0], lib.GrB_MATERIALIZE), "GrB_Vector_wait")
    return made[0]


def bind(inputs, params):
    at = inputs["indptr"].ctypes.data
    if at not in MATRICES:
        MATRICES[at] = matrix(*(inputs[f] for f in FIELDS))
    y = np.zeros(inputs["nrows"])
    return MATRICES[at], _full(inputs["x"]), _full(y), len(y)


def run(handle, inputs, params):
    a, x, y, rows = inputs
    check(lib.GrB_Vector_assign_FP64(y, NIL, NIL, 0.0, lib.GrB_ALL, rows, NIL), "GrB_Vector_assign")
    check(lib.GrB_mxv(y, NIL, lib.GrB_PLUS_FP64, lib.GrB_PLUS_TIMES_SEMIRING_FP64, a, x, NIL), "GrB_mxv")
    check(lib.GrB_Vector_wait(y, lib.GrB_MATERIALIZE), "GrB_Vector_wait")
    return (_values(y, rows),)


def _values(y, rows):
    """The entries of a full vector: its array is taken out, looked at, and put back without a copy."""
    if not rows:
        return np.zeros(0)
    at, kind, n, size, handling = (
        ffi.new(t) for t in ("void **", "GrB_Type *", "uint64_t *", "uint64_t *", "int *")
    )
    check(lib.GxB_Vector_unload(y, at, kind, n, size, handling, NIL), "GxB_Vector_unload")
    values = np.frombuffer(ffi.buffer(at[0], n[0] * 8), np.float64)
    check(lib.GxB_Vector_load(y, at, kind[0], n[0], size[0], handling[0], NIL), "GxB_Vector_load")
    return values
