"""cuSPARSE through CuPy, which wraps most of it: a matrix on the device, and calls of what is not wrapped."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import cupy
import numpy as np
from cupy_backends.cuda.libs import cusparse
from cupyx.cusparse import BaseDescriptor

LIBRARY = ctypes.CDLL("libcusparse.so.12")  # CuPy has loaded it
CUDA_R_64F = 1
STREAM = 0
MATRICES: dict[int, Sequence[Any]] = {}  # by where they lie: all inputs of a race share theirs


def called(name: str, *arguments: Any) -> None:
    """Call a function of the library; pointers are ``ctypes.c_void_p``."""
    if status := getattr(LIBRARY, name)(*arguments):
        raise RuntimeError(f"{name} returned status {status}")


def given(inputs: Mapping[str, Any]) -> Sequence[Any]:
    """indptr, in 32 bits, indices and data of a worker's inputs, on the device where those lie there."""
    at = inputs["indptr"].ctypes.data
    if at not in MATRICES:
        indptr = inputs["indptr"]
        if indptr[-1] >= 2**31:
            raise OverflowError("more non-zeros than 32-bit row pointers can count")
        parts = indptr.astype(np.int32), inputs["indices"], inputs["data"]
        MATRICES[at] = [cupy.asarray(p) for p in parts] if inputs["device"] else parts
    return MATRICES[at]


class Csr:
    """A matrix on the device, and its descriptor."""

    def __init__(self, parts: Sequence[Any], shape: tuple[int, int]) -> None:
        self.arrays = [cupy.asarray(p) for p in parts]
        at, index = [array.data.ptr for array in self.arrays], cusparse.CUSPARSE_INDEX_32I
        made = cusparse.createCsr(
            *shape, len(self.arrays[2]), *at, index, index, cusparse.CUSPARSE_INDEX_BASE_ZERO, CUDA_R_64F
        )
        self.held = BaseDescriptor(made, destroyer=cusparse.destroySpMat)
        self.descriptor = made
