# /// hpcbench
# model = "serial"
# summary = "PETSc's MatMult on a sequential AIJ matrix, which knows rows of equal columns"
# source = "PETSc, MatMult_SeqAIJ and MatMult_SeqAIJ_Inode"
# requires = ["libpetsc_real.so"]
# ///
"""PETSc through ctypes, without petsc4py, on the arrays that are there.

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
MATRICES = {}  # by where they lie: all inputs of a race share theirs


def _check(status, call):
    if status:
        raise RuntimeError(f"{call} returned {status}")


_check(PETSC.PetscInitializeNoArguments(), "PetscInitializeNoArguments")
ALONE = POINTER.in_dll(PETSC, "PETSC_COMM_WORLD")


def _matrix(inputs):
    made, shape = POINTER(), (inputs["nrows"], inputs["ncols"])
    arrays = inputs["indptr"].astype(np.int32), inputs["indices"], inputs["data"]
    at = (POINTER(array.ctypes.data) for array in arrays)
    _check(
        PETSC.MatCreateSeqAIJWithArrays(ALONE, *shape, *at, ctypes.byref(made)), "MatCreateSeqAIJWithArrays"
    )
    return made, arrays


def _vector(array):
    made = POINTER()
    at = POINTER(array.ctypes.data)
    _check(PETSC.VecCreateSeqWithArray(ALONE, 1, len(array), at, ctypes.byref(made)), "VecCreateSeqWithArray")
    return made


def bind(inputs, params):
    indptr = inputs["indptr"]
    if indptr[-1] > INT32_MAX:
        raise OverflowError("more non-zeros than PETSc's 32-bit row pointers can count")
    at = indptr.ctypes.data
    if at not in MATRICES:
        MATRICES[at] = _matrix(inputs)
    y = np.zeros(inputs["nrows"])
    return MATRICES[at][0], _vector(inputs["x"]), _vector(y), y


def run(handle, inputs, params):
    a, x, into, y = inputs
    _check(PETSC.MatMult(a, x, into), "MatMult")
    return (y,)
