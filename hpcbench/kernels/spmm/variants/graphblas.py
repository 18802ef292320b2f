# /// hpcbench
# model = "openmp"
# summary = "SuiteSparse:GraphBLAS, plus-times over FP64, full matrices, added to one of zeros"
# source = "Davis, ACM TOMS 45(4), 2019, and 49(3), 2023; GrB_mxm"
# requires = ["suitesparse_graphblas"]
# ///
"""GraphBLAS through its C interface: matrices made beforehand, the result read where it lies."""

import ctypes

import numpy as np
from suitesparse_graphblas import ffi, lib

from hpcbench.kernels.shared.graphblas import check, matrix

FIELDS = ("nrows", "ncols", "indptr", "indices", "data")
MATRICES = {}  # by where they lie: all inputs of a race share theirs
NIL = ffi.NULL
MALLOC = ctypes.CDLL(None).malloc
MALLOC.argtypes, MALLOC.restype = [ctypes.c_size_t], ctypes.c_void_p


def _full(values, rows, k):
    """A matrix in which every entry is present, of a copy of ``values``."""
    made, size = ffi.new("GrB_Matrix *"), values.nbytes
    check(lib.GrB_Matrix_new(made, lib.GrB_FP64, rows, k), "GrB_Matrix_new")
    if size:
        at = MALLOC(size)
        if not at:
            raise MemoryError(f"{size} bytes for a copy of a dense matrix")
        ctypes.memmove(at, values.ctypes.data, size)
        held = ffi.new("void **", ffi.cast("void *", at))
        check(lib.GxB_Matrix_pack_FullR(made[0], held, size, False, NIL), "GxB_Matrix_pack_FullR")
    return made[0]


def bind(inputs, params):
    at = inputs["indptr"].ctypes.data
    if at not in MATRICES:
        MATRICES[at] = matrix(*(inputs[f] for f in FIELDS))
    rows, k = inputs["nrows"], int(inputs["k"])
    y = _full(np.zeros(rows * k), rows, k)
    return MATRICES[at], _full(inputs["x"], inputs["ncols"], k), y, rows, k


def run(handle, inputs, params):
    a, x, y, rows, k = inputs
    everything = lib.GrB_ALL
    check(lib.GrB_Matrix_assign_FP64(y, NIL, NIL, 0.0, everything, rows, everything, k, NIL), "GrB_assign")
    check(lib.GrB_mxm(y, NIL, lib.GrB_PLUS_FP64, lib.GrB_PLUS_TIMES_SEMIRING_FP64, a, x, NIL), "GrB_mxm")
    check(lib.GrB_Matrix_wait(y, lib.GrB_MATERIALIZE), "GrB_Matrix_wait")
    return (_values(y, rows * k),)


def _values(y, n):
    """The entries of a full matrix: its array is taken out, looked at, and put back without a copy."""
    if not n:
        return np.zeros(0)
    at, size, same = (ffi.new(t) for t in ("void **", "uint64_t *", "bool *"))
    check(lib.GxB_Matrix_unpack_FullR(y, at, size, same, NIL), "GxB_Matrix_unpack_FullR")
    values = np.frombuffer(ffi.buffer(at[0], n * 8), np.float64)
    if same[0]:
        values = np.full(n, values[0])  # GraphBLAS keeps one number where all are known to be equal
    check(lib.GxB_Matrix_pack_FullR(y, at, size[0], same[0], NIL), "GxB_Matrix_pack_FullR")
    return values
