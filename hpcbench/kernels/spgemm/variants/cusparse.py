# /// hpcbench
# model = "cuda"
# summary = "cuSPARSE SpGEMM, its algorithm by a parameter; columns come sorted"
# source = "NVIDIA cuSPARSE, generic interface, cusparseSpGEMM; through cupy"
# requires = ["cupy"]
# [params.algorithm]
# when = "run"
# default = 0
# values = [0, 1, 2, 3]
# ///
"""cuSPARSE through cupy's thin layer over it, with working memory from cupy's pool; 32-bit row pointers.

0 is the library's default and, where that fails, its second algorithm, as cupy's ``A @ B`` has it; 1 to 3 are
CUSPARSE_SPGEMM_ALG1 to ALG3, of which the last two ask for an estimate of their memory first.
"""

import ctypes

import cupy
import numpy as np
from cupy_backends.cuda.libs import cusparse

INT32_MAX = 2**31 - 1
PLAIN, FLOAT64 = cusparse.CUSPARSE_OPERATION_NON_TRANSPOSE, 1  # CUDA_R_64F
ALGORITHMS = [getattr(cusparse, f"CUSPARSE_SPGEMM_{a}") for a in ("DEFAULT", "ALG1", "ALG2", "ALG3")]
PORTION = 0.2  # of the products that ALG3 works on at a time, as NVIDIA's example has it
ONE, ZERO = np.ones(1), np.zeros(1)
LIBRARY = ctypes.CDLL("libcusparse.so.12")  # cupy has loaded it


class Matrix:
    """A CSR matrix in the device's memory, and cuSPARSE's descriptor of it."""

    def __init__(self, rows, cols, *arrays):
        self.arrays = [cupy.asarray(array) for array in arrays]
        self.nnz = arrays[1].size
        index = cusparse.CUSPARSE_INDEX_32I
        self.desc = cusparse.createCsr(
            rows, cols, self.nnz, *(a.data.ptr for a in self.arrays), index, index, 0, FLOAT64
        )

    def __del__(self):
        cusparse.destroySpMat(self.desc)


def bind(inputs, params):
    def parts(which):
        rows, cols, indptr, *rest = (
            inputs[f"{which}_{f}"] for f in ("nrows", "ncols", "indptr", "indices", "data")
        )
        if indptr[-1] > INT32_MAX:
            raise OverflowError("more non-zeros than 32-bit row pointers can count")
        return rows, cols, indptr.astype(np.int32), *rest

    a, b = parts("a"), parts("b")
    shape, resident = (a[0], b[1]), bool(inputs["device"])
    if not np.diff(b[2])[a[3]].any():  # no products: the library would be asked for nothing
        return None, None, shape, resident
    return (Matrix(*a), Matrix(*b), shape, True) if resident else (a, b, shape, False)


def run(handle, inputs, params):
    a, b, shape, resident = inputs
    if a is None:
        c = nothing(shape[0])
    else:
        c = multiply(*((a, b) if resident else (Matrix(*a), Matrix(*b))), shape, params["algorithm"])
    if not resident:
        return collect(c)
    cupy.cuda.get_current_stream().synchronize()
    return c


def collect(result):
    return tuple(cupy.asnumpy(array) for array in result)


def nothing(rows):
    return cupy.zeros(rows + 1, np.int32), cupy.zeros(0, np.int32), cupy.zeros(0)


def multiply(a, b, shape, algorithm):
    try:
        return product(a, b, shape, algorithm)
    except cusparse.CuSparseError:
        if algorithm:
            raise
        return product(a, b, shape, 2)


def product(a, b, shape, algorithm):
    indptr = cupy.empty(shape[0] + 1, np.int32)
    c = Matrix(*shape, indptr, *nothing(0)[1:])
    plan = cusparse.spGEMM_createDescr()
    what = (
        cupy.cuda.device.get_cusparse_handle(), PLAIN, PLAIN, ONE.ctypes.data, a.desc, b.desc, ZERO.ctypes.data,
        c.desc, FLOAT64, ALGORITHMS[algorithm], plan,
    )  # fmt: skip
    try:
        first = work(cusparse.spGEMM_workEstimation, what)  # noqa: F841 (until the product is copied)
        if algorithm > 1:
            size = estimate(what)
            second = cupy.empty(max(size, 1), np.int8)
            cusparse.spGEMM_compute(*what, size, second.data.ptr)
        else:
            second = work(cusparse.spGEMM_compute, what)
        rows, cols, nnz = (np.zeros(1, np.int64) for _ in range(3))
        cusparse.spMatGetSize(c.desc, *(n.ctypes.data for n in (rows, cols, nnz)))
        indices, data = cupy.empty(int(nnz[0]), np.int32), cupy.empty(int(nnz[0]))
        cusparse.csrSetPointers(c.desc, indptr.data.ptr, indices.data.ptr, data.data.ptr)
        cusparse.spGEMM_copy(*what)
        return indptr, indices, data
    finally:
        cusparse.spGEMM_destroyDescr(plan)


def work(step, what):
    """Ask a step for the size of its working memory, and have it done there."""
    size = step(*what, 0, 0)
    memory = cupy.empty(max(size, 1), np.int8)
    step(*what, size, memory.data.ptr)
    return memory


def estimate(what):
    """Bytes that the product takes; cupy has no name for this call."""
    call, third, second = LIBRARY.cusparseSpGEMM_estimateMemory, ctypes.c_size_t(), ctypes.c_size_t()
    kinds = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int, *[ctypes.c_void_p] * 5, *[ctypes.c_int] * 2]
    call.argtypes = [*kinds, ctypes.c_void_p, ctypes.c_float, *[ctypes.c_void_p] * 3]
    memory = None
    for _ in range(2):  # at first it tells what it needs itself
        at = memory.data.ptr if memory is not None else None
        if status := call(*what, PORTION, ctypes.byref(third), at, ctypes.byref(second)):
            raise RuntimeError(f"cusparseSpGEMM_estimateMemory returned status {status}")
        memory = cupy.empty(max(third.value, 1), np.int8)
    return second.value
