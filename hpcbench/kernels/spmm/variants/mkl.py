# /// hpcbench
# model = "openmp"
# summary = "oneMKL mkl_sparse_d_mm; setup: mkl_sparse_optimize for very many products"
# source = "Intel oneAPI Math Kernel Library, Inspector-executor Sparse BLAS"
# requires = ["mkl"]
# ///
"""MKL's product through ctypes, inspected beforehand."""

import ctypes

import numpy as np

from hpcbench.kernels.shared.mkl import (
    GENERAL,
    MKL,
    NON_TRANSPOSE,
    ROW_MAJOR,
    Matrix,
    check,
    narrow_kept,
    pointer,
)

CALLS = 1000
ONE, ZERO = ctypes.c_double(1.0), ctypes.c_double(0.0)


def bind(inputs, params):
    k, y = int(inputs["k"]), np.zeros(inputs["nrows"] * inputs["k"])
    matrix = (
        inputs["nrows"],
        inputs["ncols"],
        narrow_kept(inputs["indptr"]),
        inputs["indices"],
        inputs["data"],
    )
    return matrix, k, pointer(inputs["x"]), pointer(y), y


def setup(inputs, params):
    (rows, cols, *_), k, *_ = inputs
    if not rows or not cols:
        return None  # MKL refuses a matrix of nothing; Y is zero then
    matrix = Matrix(*inputs[0])
    hint = MKL.mkl_sparse_set_mm_hint(matrix.handle, NON_TRANSPOSE, GENERAL, ROW_MAJOR, k, CALLS)
    check(hint, "mkl_sparse_set_mm_hint")
    matrix.optimize()
    return matrix


def run(matrix, inputs, params):
    _, k, x, into, y = inputs
    if matrix:
        status = MKL.mkl_sparse_d_mm(
            NON_TRANSPOSE, ONE, matrix.handle, GENERAL, ROW_MAJOR, x, k, k, ZERO, into, k
        )
        check(status, "mkl_sparse_d_mm")
    return (y,)
