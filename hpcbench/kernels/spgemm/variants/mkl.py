# /// hpcbench
# model = "openmp"
# summary = "oneMKL mkl_sparse_spmm, then mkl_sparse_order where sorted columns are asked"
# source = "Intel oneAPI Math Kernel Library, Inspector-executor Sparse BLAS"
# requires = ["mkl"]
# ///
"""MKL's product through ctypes, without the copies of a wrapper package; 32-bit row pointers (LP64)."""

import ctypes

import numpy as np

from hpcbench.kernels.shared.mkl import MKL, NON_TRANSPOSE, Matrix, check, narrow


def bind(inputs, params):
    def matrix(which):
        rows, cols, *arrays = (
            inputs[f"{which}_{f}"] for f in ("nrows", "ncols", "indptr", "indices", "data")
        )
        return Matrix(rows, cols, narrow(arrays[0]), *arrays[1:])

    return matrix("a"), matrix("b"), inputs["sorted"], []


def run(handle, inputs, params):
    a, b, in_order, held = inputs
    while held:
        MKL.mkl_sparse_destroy(held.pop())
    c = ctypes.c_void_p()
    check(MKL.mkl_sparse_spmm(NON_TRANSPOSE, a.handle, b.handle, ctypes.byref(c)), "mkl_sparse_spmm")
    held.append(c)
    if in_order:
        check(MKL.mkl_sparse_order(c), "mkl_sparse_order")
    base, rows, cols = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    start, end, columns, values = (ctypes.c_void_p() for _ in range(4))
    fields = (base, rows, cols, start, end, columns, values)
    check(MKL.mkl_sparse_d_export_csr(c, *map(ctypes.byref, fields)), "mkl_sparse_d_export_csr")
    indptr = _view(start, np.int32, rows.value + 1)
    nnz = int(indptr[-1])
    return indptr, _view(columns, np.int32, nnz), _view(values, np.float64, nnz)


def _view(pointer, dtype, length):
    if length == 0:
        return np.zeros(0, dtype)
    raw = (ctypes.c_char * (length * np.dtype(dtype).itemsize)).from_address(pointer.value)
    return np.frombuffer(raw, dtype)
