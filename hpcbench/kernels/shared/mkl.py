"""oneMKL's inspector-executor interface through ctypes, as far as kernels call it; 32-bit row pointers (LP64)."""

from __future__ import annotations

import ctypes

import numpy as np

from hpcbench import machine


class Description(ctypes.Structure):
    """struct matrix_descr, by value."""

    _fields_ = (("type", ctypes.c_int), ("mode", ctypes.c_int), ("diag", ctypes.c_int))


MKL = ctypes.CDLL(machine.packaged("mkl", "libmkl_rt.so"), mode=ctypes.RTLD_GLOBAL)
NON_TRANSPOSE, ZERO_BASED, ROW_MAJOR = 10, 0, 101
GENERAL, LOWER = Description(20, 0, 0), Description(23, 40, 50)
INT32_MAX = 2**31 - 1
_kept: dict[int, np.ndarray] = {}


def check(status: int, call: str) -> None:
    """Raise what a status that is not 0 means."""
    if status:
        raise RuntimeError(f"{call} returned status {status}")


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    """Where the array's values lie."""
    return ctypes.c_void_p(array.ctypes.data)


def narrow(indptr: np.ndarray) -> np.ndarray:
    """Row pointers of 32 bits."""
    if indptr[-1] > INT32_MAX:
        raise OverflowError("more non-zeros than MKL's 32-bit row pointers can count")
    return indptr.astype(np.int32)


def narrow_kept(indptr: np.ndarray) -> np.ndarray:
    """The same, once for all inputs of a race that share theirs: where they never change."""
    at = indptr.ctypes.data
    if at not in _kept:
        _kept[at] = narrow(indptr)
    return _kept[at]


class Matrix:
    """A handle of MKL's on arrays that lie elsewhere, given back with the object."""

    def __init__(
        self, rows: int, cols: int, indptr: np.ndarray, indices: np.ndarray, data: np.ndarray
    ) -> None:
        self.handle, self._arrays = ctypes.c_void_p(), (indptr, indices, data)
        start = pointer(indptr)
        made = MKL.mkl_sparse_d_create_csr(
            ctypes.byref(self.handle), ZERO_BASED, rows, cols, start, ctypes.c_void_p(indptr.ctypes.data + 4),
            pointer(indices), pointer(data),
        )  # fmt: skip
        check(made, "mkl_sparse_d_create_csr")

    def optimize(self) -> None:
        """Let MKL look at the matrix, after hints."""
        check(MKL.mkl_sparse_optimize(self.handle), "mkl_sparse_optimize")

    def __del__(self) -> None:
        MKL.mkl_sparse_destroy(self.handle)
