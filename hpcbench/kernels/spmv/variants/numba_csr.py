# /// hpcbench
# model = "serial"
# summary = "CSR row by row in numba"
# source = "Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM, 2003, section 3.4"
# requires = ["numba"]
# ///
"""The textbook's loop, compiled by numba."""

import numpy as np
from numba import njit


@njit(cache=False, nogil=True)
def _multiply(indptr, indices, data, x):
    y = np.empty(len(indptr) - 1)
    for i in range(len(y)):
        total = 0.0
        for k in range(indptr[i], indptr[i + 1]):
            total += data[k] * x[indices[k]]
        y[i] = total
    return y


def run(handle, inputs, params):
    """Return ``(y,)``; ``inputs`` has the fields of abi.h."""
    return (_multiply(inputs["indptr"], inputs["indices"], inputs["data"], inputs["x"]),)
