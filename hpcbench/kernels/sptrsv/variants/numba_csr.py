# /// hpcbench
# model = "serial"
# summary = "forward substitution row by row in numba"
# source = "Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM, 2003, section 11.6"
# requires = ["numba"]
# ///
"""The textbook's loop, compiled by numba."""

import numpy as np
from numba import njit


@njit(cache=False, nogil=True)
def _solve(indptr, indices, data, b):
    x = np.empty(len(b))
    for i in range(len(b)):
        last, rest = indptr[i + 1] - 1, b[i]
        for k in range(indptr[i], last):
            rest -= data[k] * x[indices[k]]
        x[i] = rest / data[last]
    return x


def run(handle, inputs, params):
    """Return ``(x,)``; ``inputs`` has the fields of abi.h."""
    return (_solve(inputs["indptr"], inputs["indices"], inputs["data"], inputs["b"]),)
