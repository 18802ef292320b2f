# /// hpcbench
# model = "serial"
# summary = "PETSc's MatMatMult on sequential AIJ matrices, symbolic and numeric; its columns ascend"
# source = "PETSc, MatMatMultSymbolic_SeqAIJ_SeqAIJ_Sorted (its default)"
# requires = ["libpetsc_real.so"]
# ///
"""PETSc through ctypes, without petsc4py: matrices on the arrays that are there, the result read where it lies.

It must have been built for doubles and 32-bit integers, as Debian's libpetsc-real3.18 was.
"""

import ctypes
import os

import numpy as np

from hpcbench import machine

os.environ["PETSC_OPTIONS"] = "-no_signal_handler -skip_petscrc"
os.environ.update(OMPI_MCA_ess_singleton_isolated="1")  # one process, and no daemon beside it
PETSC = ctypes.CDLL(machine.library("libpetsc_real.so"))
POINTER, INT32_MAX = ctypes.c_void_p, 2**31 - 1
INITIAL_MATRIX, DEFAULT_FILL = 0, ctypes.c_double(-2.0)


def _check(status, call):
    if status:
        raise RuntimeError(f"{call} returned {status}")


_check(PETSC.PetscInitializeNoArguments(), "PetscInitializeNoArguments")
ALONE = POINTER.in_dll(PETSC, "PETSC_COMM_WORLD")


def bind(inputs, params):
    def matrix(which):
        indptr = inputs[f"{which}_indptr"]
        if indptr[-1] > INT32_MAX:
            raise OverflowError("more non-zeros than PETSc's 32-bit row pointers can count")
        arrays = indptr.astype(np.int32), inputs[f"{which}_indices"], inputs[f"{which}_data"]
        made, shape = POINTER(), (inputs[f"{which}_nrows"], inputs[f"{which}_ncols"])
        at = (POINTER(array.ctypes.data) for array in arrays)
        _check(
            PETSC.MatCreateSeqAIJWithArrays(ALONE, *shape, *at, ctypes.byref(made)),
            "MatCreateSeqAIJWithArrays",
        )
        return made, arrays

    return matrix("a"), matrix("b"), inputs["a_nrows"], []


def run(handle, inputs, params):
    (a, _), (b, _), rows, held = inputs
    while held:
        _check(PETSC.MatDestroy(ctypes.byref(held.pop())), "MatDestroy")
    c = POINTER()
    _check(PETSC.MatMatMult(a, b, INITIAL_MATRIX, DEFAULT_FILL, ctypes.byref(c)), "MatMatMult")
    held.append(c)
    arrays = POINTER(), POINTER(), POINTER()
    _check(PETSC.MatSeqAIJGetCSRAndMemType(c, *map(ctypes.byref, arrays), None), "MatSeqAIJGetCSRAndMemType")
    indptr = _view(arrays[0], np.int32, rows + 1)
    nnz = int(indptr[-1])
    return indptr, _view(arrays[1], np.int32, nnz), _view(arrays[2], np.float64, nnz)


def _view(pointer, dtype, length):
    if length == 0:
        return np.zeros(0, dtype)
    raw = (ctypes.c_char * (length * np.dtype(dtype).itemsize)).from_address(pointer.value)
    return np.frombuffer(raw, dtype)
