# /// hpcbench
# model = "cuda"
# summary = "cuSPARSE cusparseSpMM on 32-bit row pointers, through CuPy; setup: buffer and cusparseSpMM_preprocess"
# source = "NVIDIA cuSPARSE, generic API; CuPy"
# requires = ["cupy"]
# params.algorithm = {when = "run", default = 0, values = [0, 1, 2, 3]}
# ///
"""cuSPARSE's product, X and Y row by row; descriptors stay, so that a call is one of the library's.

Algorithm 0 is the library's default, 1 to 3 are CUSPARSE_SPMM_CSR_ALG1 to ALG3.
"""

import ctypes

import cupy
import numpy as np
from cupy.cuda import device, runtime
from cupy_backends.cuda.libs import cusparse
from cupyx.cusparse import BaseDescriptor

from hpcbench.kernels.shared.cusparse import CUDA_R_64F, STREAM, Csr, called, given

ALGORITHMS = 0, 4, 6, 12  # of cusparseSpMMAlg_t
FACTORS = np.array([1.0, 0.0])
ALPHA, BETA = FACTORS.ctypes.data, FACTORS.ctypes.data + 8


class Columns:
    """X and Y on the device; X comes from the host in every call where the contract has it there."""

    def __init__(self, inputs):
        self.matrix = given(inputs)
        self.resident, self.host = bool(inputs["device"]), inputs["x"]
        self.rows, self.columns, self.k = (int(inputs[name]) for name in ("nrows", "ncols", "k"))
        self.x, self.y = cupy.asarray(inputs["x"]), cupy.zeros(self.rows * self.k)
        self.empty = not len(inputs["data"])
        if not self.empty:  # the library refuses what has no entries; Y is zero then
            self.descriptors = self._dense(self.x, self.columns), self._dense(self.y, self.rows)
            self.at = [d.desc for d in self.descriptors]

    def _dense(self, array, rows):
        order = cusparse.CUSPARSE_ORDER_ROW
        made = cusparse.createDnMat(rows, self.k, self.k, array.data.ptr, CUDA_R_64F, order)
        return BaseDescriptor(made, destroyer=cusparse.destroyDnMat)


class Matrix:
    """The matrix on the device, and what the library has found out about it."""

    def __init__(self, columns, algorithm):
        self.csr = Csr(columns.matrix, (columns.rows, columns.columns))
        made, (x, y) = self.csr.descriptor, columns.at
        as_it_is = cusparse.CUSPARSE_OPERATION_NON_TRANSPOSE
        handle = device.get_cusparse_handle()
        self.head = handle, as_it_is, as_it_is, ALPHA, made
        self.buffer = cupy.empty(
            max(cusparse.spMM_bufferSize(*self.head, x, BETA, y, CUDA_R_64F, algorithm), 1), np.int8
        )
        self.tail = CUDA_R_64F, algorithm, self.buffer.data.ptr
        pointers = [ctypes.c_void_p(p) for p in (handle, ALPHA, made, x, BETA, y, self.buffer.data.ptr)]
        ways = int(as_it_is), int(as_it_is)
        called(
            "cusparseSpMM_preprocess", pointers[0], *ways, *pointers[1:6], CUDA_R_64F, algorithm, pointers[6]
        )
        runtime.streamSynchronize(STREAM)


def bind(inputs, params):
    return Columns(inputs)


def setup(columns, params):
    return None if columns.empty else Matrix(columns, ALGORITHMS[params["algorithm"]])


def run(matrix, columns, params):
    if not columns.resident:
        columns.x.set(columns.host)
    if matrix:
        x, y = columns.at
        cusparse.spMM(*matrix.head, x, BETA, y, *matrix.tail)
    if not columns.resident:
        return (columns.y.get(),)
    runtime.streamSynchronize(STREAM)
    return (columns.y,)


def collect(result):
    return tuple(cupy.asnumpy(array) for array in result)
