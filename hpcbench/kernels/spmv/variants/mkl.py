# /// hpcbench
# model = "openmp"
# summary = "oneMKL mkl_sparse_d_mv; setup: mkl_sparse_optimize for very many products"
# source = "Intel oneAPI Math Kernel Library, Inspector-executor Sparse BLAS"
# requires = ["mkl"]
# ///
"""MKL's product through ctypes, inspected beforehand."""

import ctypes

import numpy as np

from hpcbench.kernels.shared.mkl import GENERAL, MKL, NON_TRANSPOSE, Matrix, check, narrow_kept, pointer

CALLS = 1000
ONE, ZERO = ctypes.c_double(1.0), ctypes.c_double(0.0)


def bind(inputs, params):
    y = np.zeros(inputs["nrows"])
    matrix = (
        inputs["nrows"],
        inputs["ncols"],
        narrow_kept(inputs["indptr"]),
        inputs["indices"],
        inputs["data"],
    )
    return matrix, pointer(inputs["x"]), pointer(y), y


def setup(inputs, params):
    rows, cols, *_ = inputs[0]
    if not rows or not cols:
        return None  # MKL refuses a matrix of nothing; y is zero then
    matrix = Matrix(*inputs[0])
    check(MKL.mkl_sparse_set_mv_hint(matrix.handle, NON_TRANSPOSE, GENERAL, CALLS), "mkl_sparse_set_mv_hint")
    matrix.optimize()
    return matrix


def run(matrix, inputs, params):
    _, x, into, y = inputs
    if matrix:
        status = MKL.mkl_sparse_d_mv(NON_TRANSPOSE, ONE, matrix.handle, GENERAL, x, ZERO, into)
        check(status, "mkl_sparse_d_mv")
    return (y,)
