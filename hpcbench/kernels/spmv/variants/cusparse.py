# /// hpcbench
# model = "cuda"
# summary = "cuSPARSE cusparseSpMV on 32-bit row pointers, through CuPy; setup: buffer and cusparseSpMV_preprocess"
# source = "NVIDIA cuSPARSE, generic API; CuPy"
# requires = ["cupy"]
# params.algorithm = {when = "run", default = 0, values = [0, 1, 2]}
# ///
"""cuSPARSE's product; descriptors stay, so that a call is one of the library's.

Algorithm 0 is the library's default, 1 and 2 are CUSPARSE_SPMV_CSR_ALG1 and ALG2.
"""

import ctypes

import cupy
import numpy as np
from cupy.cuda import device, runtime
from cupy_backends.cuda.libs import cusparse
from cupyx.cusparse import DnVecDescriptor

from hpcbench.kernels.shared.cusparse import CUDA_R_64F, STREAM, Csr, called, given

ALGORITHMS = 0, 2, 3  # of cusparseSpMVAlg_t
FACTORS = np.array([1.0, 0.0])
ALPHA, BETA = FACTORS.ctypes.data, FACTORS.ctypes.data + 8


class Vectors:
    """x and y on the device; x comes from the host in every call where the contract has it there."""

    def __init__(self, inputs):
        self.matrix = given(inputs)
        self.resident, self.host = bool(inputs["device"]), inputs["x"]
        self.x, self.y = cupy.asarray(inputs["x"]), cupy.zeros(inputs["nrows"])
        self.empty = not len(inputs["data"])
        if not self.empty:  # the library refuses what has no entries; y is zero then
            self.descriptors = DnVecDescriptor.create(self.x), DnVecDescriptor.create(self.y)
            self.at = [d.desc for d in self.descriptors]


class Matrix:
    """The matrix on the device, and what the library has found out about it."""

    def __init__(self, vectors, algorithm):
        self.csr = Csr(vectors.matrix, (len(vectors.y), len(vectors.x)))
        made, (x, y) = self.csr.descriptor, vectors.at
        self.head = device.get_cusparse_handle(), cusparse.CUSPARSE_OPERATION_NON_TRANSPOSE, ALPHA, made
        self.buffer = cupy.empty(
            max(cusparse.spMV_bufferSize(*self.head, x, BETA, y, CUDA_R_64F, algorithm), 1), np.int8
        )
        self.tail = CUDA_R_64F, algorithm, self.buffer.data.ptr
        handle, operation, *_ = self.head
        pointers = [ctypes.c_void_p(p) for p in (handle, ALPHA, made, x, BETA, y, self.buffer.data.ptr)]
        called(
            "cusparseSpMV_preprocess",
            pointers[0],
            int(operation),
            *pointers[1:6],
            CUDA_R_64F,
            algorithm,
            pointers[6],
        )
        runtime.streamSynchronize(STREAM)


def bind(inputs, params):
    return Vectors(inputs)


def setup(vectors, params):
    return None if vectors.empty else Matrix(vectors, ALGORITHMS[params["algorithm"]])


def run(matrix, vectors, params):
    if not vectors.resident:
        vectors.x.set(vectors.host)
    if matrix:
        x, y = vectors.at
        cusparse.spMV(*matrix.head, x, BETA, y, *matrix.tail)
    if not vectors.resident:
        return (vectors.y.get(),)
    runtime.streamSynchronize(STREAM)
    return (vectors.y,)


def collect(result):
    return tuple(cupy.asnumpy(array) for array in result)
