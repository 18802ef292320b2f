# /// hpcbench
# model = "serial"
# summary = "Eigen's product of row-major sparse matrices, columns sorted by transposing twice"
# source = "Eigen 3, ConservativeSparseSparseProduct.h"
# requires = ["<eigen3/Eigen/SparseCore>"]
# ///
"""Eigen through ``eigen.hpp``, which is compiled when the variant is loaded, before anything is timed.

The headers come from Debian's libeigen3-dev, or from a folder named by ``CPATH`` that holds ``eigen3/``.
"""

import ctypes

import numpy as np

from hpcbench import build, registry

SHIM = registry.kernel("spgemm").folder / "variants" / "eigen.hpp"
FLAGS = ["-O3", "-march=native", "-DNDEBUG", "-std=gnu++17", "-shared"]
MADE = build.compile_object(SHIM.read_bytes(), ".cpp", FLAGS, build.compiler("cpp"), "eigen")
EIGEN = ctypes.CDLL(str(MADE.path))
POINTER = ctypes.c_void_p
EIGEN.eigen_matrix.argtypes = [ctypes.c_int64, ctypes.c_int64, POINTER, POINTER, POINTER]
EIGEN.eigen_product.argtypes = [POINTER, POINTER]
EIGEN.eigen_matrix.restype = EIGEN.eigen_product.restype = POINTER
EIGEN.eigen_arrays.argtypes = [POINTER] * 4
EIGEN.eigen_free.argtypes = [POINTER]


def bind(inputs, params):
    def matrix(which):
        parts = [inputs[f"{which}_{part}"] for part in ("indptr", "indices", "data")]
        if len(parts[1]) >= 2**31:
            raise OverflowError("more non-zeros than 32-bit row pointers can count")
        at = [part.ctypes.data for part in parts]
        return _made(EIGEN.eigen_matrix(inputs[f"{which}_nrows"], inputs[f"{which}_ncols"], *at))

    return matrix("a"), matrix("b"), inputs["a_nrows"], []


def run(handle, inputs, params):
    a, b, rows, held = inputs
    while held:
        EIGEN.eigen_free(held.pop())
    c = _made(EIGEN.eigen_product(a, b))
    held.append(c)
    arrays = POINTER(), POINTER(), POINTER()
    EIGEN.eigen_arrays(c, *map(ctypes.byref, arrays))
    indptr = _view(arrays[0], np.int32, rows + 1)
    nnz = int(indptr[-1])
    return indptr, _view(arrays[1], np.int32, nnz), _view(arrays[2], np.float64, nnz)


def _made(matrix):
    if not matrix:
        raise MemoryError("Eigen ran out of memory, or of 32-bit row pointers")
    return matrix


def _view(pointer, dtype, length):
    if length == 0:
        return np.zeros(0, dtype)
    raw = (ctypes.c_char * (length * np.dtype(dtype).itemsize)).from_address(pointer.value)
    return np.frombuffer(raw, dtype)
