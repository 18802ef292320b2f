# /// hpcbench
# model = "serial"
# summary = "PETSc's MatSOR on a sequential AIJ matrix: one forward sweep from zero, inverted diagonal"
# source = "PETSc, MatSOR_SeqAIJ and MatSOR_SeqAIJ_Inode"
# requires = ["libpetsc_real.so"]
# ///
"""PETSc through ctypes, on the arrays that are there."""

import ctypes

import numpy as np

from hpcbench.kernels.shared.petsc import PETSC, Matrix, check, vector

ARRAYS = ("indptr", "indices", "data")
FORWARD_FROM_ZERO = 1 | 16
MATRICES = {}  # by where they lie: all inputs of a race share theirs


def bind(inputs, params):
    at, n = inputs["indptr"].ctypes.data, inputs["nrows"]
    if at not in MATRICES:
        MATRICES[at] = Matrix((n, n), *(inputs[f] for f in ARRAYS))
    x = np.zeros(n)
    return MATRICES[at].handle, vector(inputs["b"]), vector(x), x


def setup(inputs, params):
    return run(None, inputs, params)  # inverts the diagonal and looks for rows of equal columns


def run(handle, inputs, params):
    a, b, into, x = inputs
    one = ctypes.c_double(1.0)
    status = PETSC.MatSOR(a, b, one, FORWARD_FROM_ZERO, ctypes.c_double(0.0), 1, 1, into)
    check(status, "MatSOR")
    return (x,)
