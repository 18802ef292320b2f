# /// hpcbench
# model = "serial"
# summary = "PETSc's MatMatMult on sequential AIJ matrices, symbolic and numeric; its columns ascend"
# source = "PETSc, MatMatMultSymbolic_SeqAIJ_SeqAIJ_Sorted (its default)"
# requires = ["libpetsc_real.so"]
# ///
"""PETSc through ctypes: matrices on the arrays that are there, the result read where it lies."""

import ctypes

import numpy as np

from hpcbench.kernels.shared.petsc import PETSC, POINTER, Matrix, check

INITIAL_MATRIX, DEFAULT_FILL = 0, ctypes.c_double(-2.0)


def bind(inputs, params):
    def matrix(which):
        shape = inputs[f"{which}_nrows"], inputs[f"{which}_ncols"]
        return Matrix(shape, *(inputs[f"{which}_{field}"] for field in ("indptr", "indices", "data")))

    return matrix("a"), matrix("b"), inputs["a_nrows"], []


def run(handle, inputs, params):
    a, b, rows, held = inputs
    while held:
        check(PETSC.MatDestroy(ctypes.byref(held.pop())), "MatDestroy")
    c = POINTER()
    check(PETSC.MatMatMult(a.handle, b.handle, INITIAL_MATRIX, DEFAULT_FILL, ctypes.byref(c)), "MatMatMult")
    held.append(c)
    arrays = POINTER(), POINTER(), POINTER()
    check(PETSC.MatSeqAIJGetCSRAndMemType(c, *map(ctypes.byref, arrays), None), "MatSeqAIJGetCSRAndMemType")
    indptr = _view(arrays[0], np.int32, rows + 1)
    nnz = int(indptr[-1])
    return indptr, _view(arrays[1], np.int32, nnz), _view(arrays[2], np.float64, nnz)


def _view(pointer, dtype, length):
    if length == 0:
        return np.zeros(0, dtype)
    raw = (ctypes.c_char * (length * np.dtype(dtype).itemsize)).from_address(pointer.value)
    return np.frombuffer(raw, dtype)
