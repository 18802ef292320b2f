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
from cupyx.cusparse import BaseDescriptor, DnVecDescriptor

LIBRARY = ctypes.CDLL("libcusparse.so.12")  # CuPy has loaded it; what CuPy does not wrap
ALGORITHMS = 0, 2, 3  # of cusparseSpMVAlg_t
CUDA_R_64F = 1
FACTORS = np.array([1.0, 0.0])
ALPHA, BETA = FACTORS.ctypes.data, FACTORS.ctypes.data + 8
STREAM = 0
MATRICES = {}  # by where they lie: all inputs of a race share theirs


class Vectors:
    """x and y on the device; x comes from the host in every call where the contract has it there."""

    def __init__(self, inputs):
        at = inputs["indptr"].ctypes.data
        if at not in MATRICES:
            indptr = inputs["indptr"]
            if indptr[-1] >= 2**31:
                raise OverflowError("more non-zeros than 32-bit row pointers can count")
            parts = indptr.astype(np.int32), inputs["indices"], inputs["data"]
            MATRICES[at] = [cupy.asarray(p) for p in parts] if inputs["device"] else parts
        self.matrix = MATRICES[at]
        self.resident, self.host = bool(inputs["device"]), inputs["x"]
        self.x, self.y = cupy.asarray(inputs["x"]), cupy.zeros(inputs["nrows"])
        self.empty = not len(inputs["data"])
        if not self.empty:  # the library refuses what has no entries; y is zero then
            self.descriptors = DnVecDescriptor.create(self.x), DnVecDescriptor.create(self.y)
            self.at = [d.desc for d in self.descriptors]


class Matrix:
    """The matrix on the device, and what the library has found out about it."""

    def __init__(self, vectors, algorithm):
        self.arrays = [cupy.asarray(p) for p in vectors.matrix]
        at = [array.data.ptr for array in self.arrays]
        shape, index = (len(vectors.y), len(vectors.x)), cusparse.CUSPARSE_INDEX_32I
        made = cusparse.createCsr(
            *shape, len(self.arrays[2]), *at, index, index, cusparse.CUSPARSE_INDEX_BASE_ZERO, CUDA_R_64F
        )
        self.descriptor = BaseDescriptor(made, destroyer=cusparse.destroySpMat)
        x, y = vectors.at
        head = device.get_cusparse_handle(), cusparse.CUSPARSE_OPERATION_NON_TRANSPOSE, ALPHA, made
        tail = CUDA_R_64F, algorithm
        self.buffer = cupy.empty(cusparse.spMV_bufferSize(*head, x, BETA, y, *tail), np.int8)
        self.head, self.tail = head, (*tail, self.buffer.data.ptr)
        handle, operation, *_ = head
        pointers = [ctypes.c_void_p(p) for p in (handle, ALPHA, made, x, BETA, y, self.buffer.data.ptr)]
        status = LIBRARY.cusparseSpMV_preprocess(
            pointers[0], int(operation), *pointers[1:6], CUDA_R_64F, algorithm, pointers[6]
        )
        if status:
            raise RuntimeError(f"cusparseSpMV_preprocess returned status {status}")
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
