# /// hpcbench
# model = "openmp"
# summary = "oneMKL mkl_sparse_spmm, then mkl_sparse_order where sorted columns are asked"
# source = "Intel oneAPI Math Kernel Library, Inspector-executor Sparse BLAS"
# requires = ["mkl"]
# ///
"""MKL's product through ctypes, without the copies of a wrapper package; 32-bit row pointers (LP64)."""

import ctypes

import numpy as np

from hpcbench import machine

MKL = ctypes.CDLL(machine.packaged("mkl", "libmkl_rt.so"), mode=ctypes.RTLD_GLOBAL)
NON_TRANSPOSE, ZERO_BASED = 10, 0
INT32_MAX = 2**31 - 1


def _check(status, call):
    if status:
        raise RuntimeError(f"{call} returned status {status}")


def _pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def bind(inputs, params):
    def matrix(which):
        indptr = inputs[f"{which}_indptr"]
        if indptr[-1] > INT32_MAX:
            raise OverflowError("more non-zeros than MKL's 32-bit row pointers can count")
        arrays = indptr.astype(np.int32), inputs[f"{which}_indices"], inputs[f"{which}_data"]
        handle = ctypes.c_void_p()
        rows, cols = inputs[f"{which}_nrows"], inputs[f"{which}_ncols"]
        start, columns, values = (_pointer(array) for array in arrays)
        end = ctypes.c_void_p(start.value + 4)
        created = MKL.mkl_sparse_d_create_csr(
            ctypes.byref(handle), ZERO_BASED, rows, cols, start, end, columns, values
        )
        _check(created, "mkl_sparse_d_create_csr")
        return handle, arrays

    return matrix("a"), matrix("b"), inputs["sorted"], []


def run(handle, inputs, params):
    (a, _), (b, _), in_order, held = inputs
    while held:
        MKL.mkl_sparse_destroy(held.pop())
    c = ctypes.c_void_p()
    _check(MKL.mkl_sparse_spmm(NON_TRANSPOSE, a, b, ctypes.byref(c)), "mkl_sparse_spmm")
    held.append(c)
    if in_order:
        _check(MKL.mkl_sparse_order(c), "mkl_sparse_order")
    base, rows, cols = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    start, end, columns, values = (ctypes.c_void_p() for _ in range(4))
    fields = (base, rows, cols, start, end, columns, values)
    _check(MKL.mkl_sparse_d_export_csr(c, *map(ctypes.byref, fields)), "mkl_sparse_d_export_csr")
    indptr = _view(start, np.int32, rows.value + 1)
    nnz = int(indptr[-1])
    return indptr, _view(columns, np.int32, nnz), _view(values, np.float64, nnz)


def _view(pointer, dtype, length):
    if length == 0:
        return np.zeros(0, dtype)
    raw = (ctypes.c_char * (length * np.dtype(dtype).itemsize)).from_address(pointer.value)
    return np.frombuffer(raw, dtype)
