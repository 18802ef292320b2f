# /// hpcbench
# model = "openmp"
# summary = "oneMKL mkl_sparse_d_trsv; setup: mkl_sparse_optimize for very many solves"
# source = "Intel oneAPI Math Kernel Library, Inspector-executor Sparse BLAS"
# requires = ["mkl"]
# ///
"""MKL's triangular solve through ctypes, inspected beforehand; 32-bit row pointers (LP64)."""

import ctypes

import numpy as np

from hpcbench.kernels.shared.mkl import LOWER, MKL, NON_TRANSPOSE, Matrix, check, narrow_kept, pointer

CALLS = 1000


def bind(inputs, params):
    x = np.zeros(inputs["nrows"])
    arrays = narrow_kept(inputs["indptr"]), inputs["indices"], inputs["data"]
    return inputs["nrows"], arrays, pointer(inputs["b"]), pointer(x), x


def setup(inputs, params):
    rows, arrays, *_ = inputs
    if not rows:
        return None  # MKL refuses a matrix of nothing
    matrix = Matrix(rows, rows, *arrays)
    check(MKL.mkl_sparse_set_sv_hint(matrix.handle, NON_TRANSPOSE, LOWER, CALLS), "mkl_sparse_set_sv_hint")
    matrix.optimize()
    return matrix


def run(matrix, inputs, params):
    _, _, b, into, x = inputs
    if matrix:
        one = ctypes.c_double(1.0)
        status = MKL.mkl_sparse_d_trsv(NON_TRANSPOSE, one, matrix.handle, LOWER, b, into)
        check(status, "mkl_sparse_d_trsv")
    return (x,)
