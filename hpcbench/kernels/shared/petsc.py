"""PETSc through ctypes, without petsc4py: initialised when this is imported, and told of arrays that are there.

It must have been built for doubles and 32-bit integers, as Debian's libpetsc-real3.18 was.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

import numpy as np

from hpcbench import machine

os.environ["PETSC_OPTIONS"] = "-no_signal_handler -skip_petscrc"
os.environ.update(OMPI_MCA_ess_singleton_isolated="1")  # one process, and no daemon beside it
PETSC = ctypes.CDLL(machine.library("libpetsc_real.so"))
POINTER, INT32_MAX = ctypes.c_void_p, 2**31 - 1


def check(status: int, call: str) -> None:
    """Raise when PETSc's ``call`` did not return 0."""
    if status:
        raise RuntimeError(f"{call} returned {status}")


check(PETSC.PetscInitializeNoArguments(), "PetscInitializeNoArguments")
ALONE = POINTER.in_dll(PETSC, "PETSC_COMM_WORLD")


def vector(array: np.ndarray) -> Any:
    """A Vec around ``array`` (n,), float64, which must outlive it."""
    made = POINTER()
    at = POINTER(array.ctypes.data)
    check(PETSC.VecCreateSeqWithArray(ALONE, 1, len(array), at, ctypes.byref(made)), "VecCreateSeqWithArray")
    return made


class Matrix:
    """A Mat around CSR arrays that must outlive it; ``handle`` is what PETSc's calls take.

    Parameters
    ----------
    shape : rows and columns.
    indptr, indices, data : int64 (rows + 1,), int32 (nnz,), float64 (nnz,).

    Raises
    ------
    OverflowError
        When there are more non-zeros than 32-bit row pointers can count.
    """

    def __init__(
        self, shape: tuple[int, int], indptr: np.ndarray, indices: np.ndarray, data: np.ndarray
    ) -> None:
        if indptr[-1] > INT32_MAX:
            raise OverflowError("more non-zeros than PETSc's 32-bit row pointers can count")
        self.handle = POINTER()
        self._held = indptr.astype(np.int32), indices, data
        at = (POINTER(array.ctypes.data) for array in self._held)
        made = PETSC.MatCreateSeqAIJWithArrays(ALONE, *shape, *at, ctypes.byref(self.handle))
        check(made, "MatCreateSeqAIJWithArrays")
