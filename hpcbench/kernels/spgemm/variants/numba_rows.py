# /// hpcbench
# model = "serial"
# summary = "Gustavson row by row in numba, dense accumulator, columns from a list or a sweep"
# source = "Gustavson, ACM TOMS 4(3), 1978"
# requires = ["numba"]
# ///
"""Gustavson's SpGEMM in Python compiled by numba.

One phase into arrays of the upper bound, trimmed at the end. A row's columns are listed as they first
appear; sorted output takes them by sorting the list, or by a sweep over the row's span where the list is
so long that a sweep is cheaper.
"""

import numpy as np
from numba import njit

SWEEP = 32  # columns of the span per listed column up to which a sweep beats a sort


@njit(cache=False, nogil=True)
def _multiply(a_indptr, a_indices, a_data, b_indptr, b_indices, b_data, ncols, ascending):
    nrows = len(a_indptr) - 1
    bound = 0
    for i in range(nrows):
        flops = 0
        for k in range(a_indptr[i], a_indptr[i + 1]):
            flops += b_indptr[a_indices[k] + 1] - b_indptr[a_indices[k]]
        bound += min(flops, ncols)
    indptr = np.zeros(nrows + 1, np.int64)
    indices = np.empty(bound, np.int32)
    data = np.empty(bound, np.float64)
    sums = np.zeros(ncols, np.float64)
    seen = np.zeros(ncols, np.uint8)
    nnz = 0
    for i in range(nrows):
        start = nnz
        low, high = ncols, 0
        for k in range(a_indptr[i], a_indptr[i + 1]):
            x = a_data[k]
            for j in range(b_indptr[a_indices[k]], b_indptr[a_indices[k] + 1]):
                c = b_indices[j]
                if not seen[c]:
                    seen[c] = 1
                    indices[nnz] = c
                    nnz += 1
                    low, high = min(low, c), max(high, c)
                sums[c] += x * b_data[j]
        if ascending and nnz - start > 1:
            if high - low <= SWEEP * (nnz - start):
                at = start
                for c in range(low, high + 1):
                    if seen[c]:
                        indices[at] = c
                        at += 1
            else:
                indices[start:nnz].sort()
        for at in range(start, nnz):
            c = indices[at]
            data[at] = sums[c]
            sums[c] = 0.0
            seen[c] = 0
        indptr[i + 1] = nnz
    return indptr, indices[:nnz], data[:nnz]


def run(handle, inputs, params):
    """Return ``(indptr, indices, data)`` of A * B; ``inputs`` has the fields of abi.h."""
    return _multiply(
        inputs["a_indptr"],
        inputs["a_indices"],
        inputs["a_data"],
        inputs["b_indptr"],
        inputs["b_indices"],
        inputs["b_data"],
        int(inputs["b_ncols"]),
        bool(inputs["sorted"]),
    )
