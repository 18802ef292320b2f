# /// hpcbench
# model = "openmp"
# summary = "SuiteSparse:GraphBLAS, plus-times over FP64; finished (columns sorted) where sorted columns are asked"
# source = "Davis, ACM TOMS 45(4), 2019, and 49(3), 2023; its saxpy methods choose Gustavson or hash per thread"
# requires = ["suitesparse_graphblas"]
# ///
"""GraphBLAS through its C interface: matrices made beforehand, the result unloaded as CSR without copies.

A product is left "jumbled" by GraphBLAS until somebody asks for its order, so sorting is a step of its own
here as in a user's program. Kernels are those compiled into the library: nothing is compiled or cached.
"""

import ctypes

import numpy as np
from suitesparse_graphblas import ffi, initialize, lib

initialize(blocking=False, memory_manager="c")
GLOBAL = lib.GrB_GLOBAL
FREE = ctypes.CDLL(None).free
FREE.argtypes = [ctypes.c_void_p]


def _check(status, call):
    if status:
        raise RuntimeError(f"{call} returned {status}")


_check(lib.GrB_Global_set_INT32(GLOBAL, lib.GxB_JIT_OFF, lib.GxB_JIT_C_CONTROL), "GrB_Global_set")
TYPES = {
    lib.GrB_INT32: np.int32, lib.GrB_UINT32: np.uint32, lib.GrB_INT64: np.int64, lib.GrB_UINT64: np.uint64,
    lib.GrB_FP64: np.float64,
}  # fmt: skip
WORDS = ("uint64_t *", "uint64_t *", "double *")


def bind(inputs, params):
    def matrix(which):
        parts = [
            np.ascontiguousarray(inputs[f"{which}_{part}"], dtype)
            for part, dtype in (("indptr", np.uint64), ("indices", np.uint64), ("data", np.float64))
        ]
        pointer, index, value = (ffi.cast(t, p.ctypes.data) for t, p in zip(WORDS, parts, strict=True))
        rows, cols, nnz = inputs[f"{which}_nrows"], inputs[f"{which}_ncols"], len(parts[2])
        made = ffi.new("GrB_Matrix *")
        imported = lib.GrB_Matrix_import_FP64(
            made, lib.GrB_FP64, rows, cols, pointer, index, value, rows + 1, nnz, nnz, lib.GrB_CSR_FORMAT
        )
        _check(imported, "GrB_Matrix_import")
        _check(lib.GrB_Matrix_wait(made[0], lib.GrB_MATERIALIZE), "GrB_Matrix_wait")
        return made[0]

    shape = inputs["a_nrows"], inputs["b_ncols"]
    return matrix("a"), matrix("b"), shape, inputs["sorted"], []


def run(handle, inputs, params):
    a, b, shape, in_order, held = inputs
    while held:
        FREE(held.pop())
    made = ffi.new("GrB_Matrix *")
    _check(lib.GrB_Matrix_new(made, lib.GrB_FP64, *shape), "GrB_Matrix_new")
    c, nil = made[0], ffi.NULL
    _check(lib.GrB_Matrix_set_INT32(c, lib.GxB_SPARSE, lib.GxB_SPARSITY_CONTROL), "GrB_Matrix_set")
    _check(lib.GrB_mxm(c, nil, nil, lib.GrB_PLUS_TIMES_SEMIRING_FP64, a, b, nil), "GrB_mxm")
    if in_order:
        _check(lib.GrB_Matrix_wait(c, lib.GrB_MATERIALIZE), "GrB_Matrix_wait")
    box = ffi.new("GxB_Container *")
    _check(lib.GxB_Container_new(box), "GxB_Container_new")
    _check(lib.GxB_unload_Matrix_into_Container(c, box[0], nil), "GxB_unload_Matrix_into_Container")
    indptr, columns, values = (_taken(vector, held) for vector in (box[0].p, box[0].i, box[0].x))
    if box[0].iso:
        values = np.broadcast_to(values[:1], len(columns)).copy()
    _check(lib.GxB_Container_free(box), "GxB_Container_free")
    _check(lib.GrB_Matrix_free(made), "GrB_Matrix_free")
    return indptr, columns, values


def _taken(vector, held):
    """The array of a vector of the container, without a copy; to be freed by us."""
    at, kind, n, size, handling = (
        ffi.new(t) for t in ("void **", "GrB_Type *", "uint64_t *", "uint64_t *", "int *")
    )
    _check(lib.GxB_Vector_unload(vector, at, kind, n, size, handling, ffi.NULL), "GxB_Vector_unload")
    dtype = TYPES[kind[0]]
    if at[0] == ffi.NULL or n[0] == 0:
        return np.zeros(0, dtype)
    held.append(int(ffi.cast("uintptr_t", at[0])))
    return np.frombuffer(ffi.buffer(at[0], n[0] * np.dtype(dtype).itemsize), dtype)
