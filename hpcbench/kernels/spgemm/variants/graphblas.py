# /// hpcbench
# model = "openmp"
# summary = "SuiteSparse:GraphBLAS, plus-times over FP64; finished (columns sorted) where sorted columns are asked"
# source = "Davis, ACM TOMS 45(4), 2019, and 49(3), 2023; its saxpy methods choose Gustavson or hash per thread"
# requires = ["suitesparse_graphblas"]
# ///
"""GraphBLAS through its C interface: matrices made beforehand, the result unloaded as CSR without copies.

A product is left "jumbled" by GraphBLAS until somebody asks for its order, so sorting is a step of its own
here as in a user's program.
"""

import ctypes

import numpy as np
from suitesparse_graphblas import ffi, lib

from hpcbench.kernels.shared.graphblas import check, matrix

FREE = ctypes.CDLL(None).free
FREE.argtypes = [ctypes.c_void_p]
TYPES = {
    lib.GrB_INT32: np.int32, lib.GrB_UINT32: np.uint32, lib.GrB_INT64: np.int64, lib.GrB_UINT64: np.uint64,
    lib.GrB_FP64: np.float64,
}  # fmt: skip
FIELDS = ("nrows", "ncols", "indptr", "indices", "data")


def bind(inputs, params):
    a, b = (matrix(*(inputs[f"{which}_{field}"] for field in FIELDS)) for which in "ab")
    shape = inputs["a_nrows"], inputs["b_ncols"]
    return a, b, shape, inputs["sorted"], []


def run(handle, inputs, params):
    a, b, shape, in_order, held = inputs
    while held:
        FREE(held.pop())
    made = ffi.new("GrB_Matrix *")
    check(lib.GrB_Matrix_new(made, lib.GrB_FP64, *shape), "GrB_Matrix_new")
    c, nil = made[0], ffi.NULL
    check(lib.GrB_Matrix_set_INT32(c, lib.GxB_SPARSE, lib.GxB_SPARSITY_CONTROL), "GrB_Matrix_set")
    check(lib.GrB_mxm(c, nil, nil, lib.GrB_PLUS_TIMES_SEMIRING_FP64, a, b, nil), "GrB_mxm")
    if in_order:
        check(lib.GrB_Matrix_wait(c, lib.GrB_MATERIALIZE), "GrB_Matrix_wait")
    box = ffi.new("GxB_Container *")
    check(lib.GxB_Container_new(box), "GxB_Container_new")
    check(lib.GxB_unload_Matrix_into_Container(c, box[0], nil), "GxB_unload_Matrix_into_Container")
    indptr, columns, values = (_taken(vector, held) for vector in (box[0].p, box[0].i, box[0].x))
    if box[0].iso:
        values = np.broadcast_to(values[:1], len(columns)).copy()
    check(lib.GxB_Container_free(box), "GxB_Container_free")
    check(lib.GrB_Matrix_free(made), "GrB_Matrix_free")
    return indptr, columns, values


def _taken(vector, held):
    """The array of a vector of the container, without a copy; to be freed by us."""
    at, kind, n, size, handling = (
        ffi.new(t) for t in ("void **", "GrB_Type *", "uint64_t *", "uint64_t *", "int *")
    )
    check(lib.GxB_Vector_unload(vector, at, kind, n, size, handling, ffi.NULL), "GxB_Vector_unload")
    dtype = TYPES[kind[0]]
    if at[0] == ffi.NULL or n[0] == 0:
        return np.zeros(0, dtype)
    held.append(int(ffi.cast("uintptr_t", at[0])))
    return np.frombuffer(ffi.buffer(at[0], n[0] * np.dtype(dtype).itemsize), dtype)
