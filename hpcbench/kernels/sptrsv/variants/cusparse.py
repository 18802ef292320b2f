# /// hpcbench
# model = "cuda"
# summary = "cuSPARSE cusparseSpSV on 32-bit row pointers, through CuPy; setup: cusparseSpSV_analysis"
# source = "NVIDIA cuSPARSE, generic API; CuPy"
# requires = ["cupy"]
# ///
"""cuSPARSE's substitution; descriptors stay, so that a call is one of the library's."""

import ctypes

import cupy
import numpy as np
from cupy.cuda import device, runtime
from cupy_backends.cuda.libs import cusparse
from cupyx.cusparse import DnVecDescriptor

from hpcbench.kernels.shared.cusparse import CUDA_R_64F, STREAM, Csr, called, given

LOWER, NON_UNIT = 0, 0  # of cusparseFillMode_t and cusparseDiagType_t
FILL_MODE, DIAG_TYPE = 0, 1  # of cusparseSpMatAttribute_t
DEFAULT = 0  # of cusparseSpSVAlg_t: there is no other
ONE = np.ones(1)


class Vectors:
    """b and x on the device; b comes from the host in every call where the contract has it there."""

    def __init__(self, inputs):
        self.triangle = given(inputs)
        self.resident, self.host = bool(inputs["device"]), inputs["b"]
        self.b, self.x = cupy.asarray(inputs["b"]), cupy.zeros(inputs["nrows"])
        if len(self.x):
            self.descriptors = DnVecDescriptor.create(self.b), DnVecDescriptor.create(self.x)
            self.at = [ctypes.c_void_p(d.desc) for d in self.descriptors]


class Triangle:
    """The triangle on the device, and what the library has found out about it."""

    def __init__(self, vectors):
        self.csr = Csr(vectors.triangle, (len(vectors.x),) * 2)
        made, size = ctypes.c_void_p(self.csr.descriptor), ctypes.c_size_t()
        for attribute, value in ((FILL_MODE, LOWER), (DIAG_TYPE, NON_UNIT)):
            word = ctypes.c_int(value)
            called("cusparseSpMatSetAttribute", made, attribute, ctypes.byref(word), ctypes.c_size_t(4))
        self.found = ctypes.c_void_p()
        called("cusparseSpSV_createDescr", ctypes.byref(self.found))
        handle, one = (ctypes.c_void_p(p) for p in (device.get_cusparse_handle(), ONE.ctypes.data))
        self.head = handle, int(cusparse.CUSPARSE_OPERATION_NON_TRANSPOSE), one, made
        self.tail = CUDA_R_64F, DEFAULT, self.found
        self._called("bufferSize", vectors, ctypes.byref(size))
        self.buffer = cupy.empty(max(size.value, 1), np.int8)
        self._called("analysis", vectors, ctypes.c_void_p(self.buffer.data.ptr))
        runtime.streamSynchronize(STREAM)

    def _called(self, name, vectors, *more):
        called(f"cusparseSpSV_{name}", *self.head, *vectors.at, *self.tail, *more)

    def solve(self, vectors):
        """b and x may be others than those that the analysis saw."""
        self._called("solve", vectors)


def bind(inputs, params):
    return Vectors(inputs)


def setup(vectors, params):
    return Triangle(vectors) if len(vectors.x) else None


def run(triangle, vectors, params):
    if not vectors.resident:
        vectors.b.set(vectors.host)
    if triangle:
        triangle.solve(vectors)
    if not vectors.resident:
        return (vectors.x.get(),)
    runtime.streamSynchronize(STREAM)
    return (vectors.x,)


def collect(result):
    return tuple(cupy.asnumpy(array) for array in result)
