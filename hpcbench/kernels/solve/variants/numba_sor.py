# /// hpcbench
# model = "serial"
# summary = "successive over-relaxation row by row in numba"
# source = "Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM, 2003, section 4.1"
# requires = ["numba"]
# params.omega = {when = "run", default = 1.8, low = 0.01, high = 1.99}
# ///
"""The textbook's sweep and its residual, compiled by numba."""

import numpy as np
from numba import njit

REASON = "it stopped above the tolerance after as many iterations as are allowed"


@njit(cache=False, nogil=True)
def _rest(indptr, indices, data, b, x, i):
    rest = b[i]
    for k in range(indptr[i], indptr[i + 1]):
        rest -= data[k] * x[indices[k]]
    return rest


@njit(cache=False, nogil=True)
def _solve(indptr, indices, data, b, x0, omega, target, limit, history):
    n = len(b)
    x, diagonal, first = x0.copy(), np.zeros(n), 0.0
    for i in range(n):
        for k in range(indptr[i], indptr[i + 1]):
            if indices[k] == i:
                diagonal[i] = data[k]
    for step in range(limit + 1):
        norm = 0.0
        for i in range(n):
            norm += _rest(indptr, indices, data, b, x, i) ** 2
        norm = np.sqrt(norm)
        if step == 0:
            first = norm
        if step < len(history):
            history[step] = norm
        if norm <= target or not norm <= 1e8 * first:
            return x, step if norm <= target else -1
        for i in range(n):
            x[i] += omega * _rest(indptr, indices, data, b, x, i) / diagonal[i]
    return x, limit + 1


def run(handle, inputs, params):
    """Return ``(x, iterations, history)``; ``inputs`` has the fields of abi.h."""
    b, norm, limit = inputs["b"], float(np.linalg.norm(inputs["b"])), int(inputs["limit"])
    history = np.zeros(min(limit + 1, 1024))
    x, steps = _solve(
        inputs["indptr"], inputs["indices"], inputs["data"], b, inputs["x0"], float(params["omega"]),
        float(inputs["tolerance"]) * norm, limit, history,
    )  # fmt: skip
    if steps < 0:
        raise RuntimeError("it diverged: its residual grew a hundred million times")
    if steps > limit:
        raise RuntimeError(REASON)
    return x, np.array([float(steps)]), history[: steps + 1] / (norm or 1.0)
