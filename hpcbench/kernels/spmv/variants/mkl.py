# /// hpcbench
# model = "openmp"
# summary = "oneMKL mkl_sparse_d_mv; setup: mkl_sparse_optimize for very many products"
# source = "Intel oneAPI Math Kernel Library, Inspector-executor Sparse BLAS"
# requires = ["mkl"]
# ///
"""MKL's product through ctypes, inspected beforehand; 32-bit row pointers (LP64)."""

import ctypes

import numpy as np

from hpcbench import machine


class Description(ctypes.Structure):
    """struct matrix_descr, by value."""

    _fields_ = [("type", ctypes.c_int), ("mode", ctypes.c_int), ("diag", ctypes.c_int)]


MKL = ctypes.CDLL(machine.packaged("mkl", "libmkl_rt.so"), mode=ctypes.RTLD_GLOBAL)
NON_TRANSPOSE, ZERO_BASED, CALLS = 10, 0, 1000
GENERAL = Description(20, 0, 0)
ONE, ZERO = ctypes.c_double(1.0), ctypes.c_double(0.0)
INT32_MAX = 2**31 - 1
POINTERS = {}  # 32-bit row pointers by where the others lie: all inputs of a race share theirs


def _check(status, call):
    if status:
        raise RuntimeError(f"{call} returned status {status}")


def _pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


class Matrix:
    """A handle of MKL's, given back with the object."""

    def __init__(self, rows, cols, indptr, indices, data):
        self.handle = ctypes.c_void_p()
        start = _pointer(indptr)
        _check(
            MKL.mkl_sparse_d_create_csr(
                ctypes.byref(self.handle), ZERO_BASED, rows, cols, start, ctypes.c_void_p(start.value + 4),
                _pointer(indices), _pointer(data),
            ),
            "mkl_sparse_d_create_csr",
        )  # fmt: skip
        _check(
            MKL.mkl_sparse_set_mv_hint(self.handle, NON_TRANSPOSE, GENERAL, CALLS), "mkl_sparse_set_mv_hint"
        )
        _check(MKL.mkl_sparse_optimize(self.handle), "mkl_sparse_optimize")

    def __del__(self):
        MKL.mkl_sparse_destroy(self.handle)


def bind(inputs, params):
    indptr = inputs["indptr"]
    if indptr[-1] > INT32_MAX:
        raise OverflowError("more non-zeros than MKL's 32-bit row pointers can count")
    narrow = POINTERS.setdefault(indptr.ctypes.data, indptr.astype(np.int32))
    y = np.zeros(inputs["nrows"])
    matrix = inputs["nrows"], inputs["ncols"], narrow, inputs["indices"], inputs["data"]
    return matrix, _pointer(inputs["x"]), _pointer(y), y


def setup(inputs, params):
    rows, cols, *_ = inputs[0]
    return Matrix(*inputs[0]) if rows and cols else None  # MKL refuses a matrix of nothing; y is zero then


def run(matrix, inputs, params):
    _, x, at, y = inputs
    if matrix:
        status = MKL.mkl_sparse_d_mv(NON_TRANSPOSE, ONE, matrix.handle, GENERAL, x, ZERO, at)
        _check(status, "mkl_sparse_d_mv")
    return (y,)
