# /// hpcbench
# model = "serial"
# summary = "CSR row by row in numba, entry after entry added to all columns"
# source = "Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM, 2003, section 3.4"
# requires = ["numba"]
# ///
"""The textbook's loop, compiled by numba."""

import numpy as np
from numba import njit


@njit(cache=False, nogil=True)
def _multiply(indptr, indices, data, x, k):
    y = np.zeros((len(indptr) - 1) * k)
    for i in range(len(indptr) - 1):
        row = y[i * k : (i + 1) * k]
        for p in range(indptr[i], indptr[i + 1]):
            value, other = data[p], x[indices[p] * k : (indices[p] + 1) * k]
            for c in range(k):
                row[c] += value * other[c]
    return y


def run(handle, inputs, params):
    """Return ``(y,)``; ``inputs`` has the fields of abi.h."""
    arrays = (inputs[f] for f in ("indptr", "indices", "data", "x"))
    return (_multiply(*arrays, int(inputs["k"])),)
