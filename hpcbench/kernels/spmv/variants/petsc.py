# /// hpcbench
# model = "serial"
# summary = "PETSc's MatMult on a sequential AIJ matrix, which knows rows of equal columns"
# source = "PETSc, MatMult_SeqAIJ and MatMult_SeqAIJ_Inode"
# requires = ["libpetsc_real.so"]
# ///
"""PETSc through ctypes, on the arrays that are there."""

import numpy as np

from hpcbench.kernels.shared.petsc import PETSC, Matrix, check, vector

ARRAYS = ("indptr", "indices", "data")
MATRICES = {}  # by where they lie: all inputs of a race share theirs


def bind(inputs, params):
    at = inputs["indptr"].ctypes.data
    if at not in MATRICES:
        MATRICES[at] = Matrix((inputs["nrows"], inputs["ncols"]), *(inputs[f] for f in ARRAYS))
    y = np.zeros(inputs["nrows"])
    return MATRICES[at].handle, vector(inputs["x"]), vector(y), y


def run(handle, inputs, params):
    a, x, into, y = inputs
    check(PETSC.MatMult(a, x, into), "MatMult")
    return (y,)
