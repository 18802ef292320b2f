# /// hpcbench
# model = "serial"
# summary = "scipy.sparse.linalg.cg, no preconditioner"
# source = "SciPy, scipy/sparse/linalg/_isolve/iterative.py"
# ///
"""SciPy's conjugate gradients on a CSR matrix around the arrays that are there."""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.linalg import cg

REASON = "it stopped above the tolerance after as many iterations as are allowed"


def run(handle, inputs, params):
    n, count = inputs["nrows"], np.zeros(1)
    indptr = inputs["indptr"].astype(np.int32)
    a = csr_array((inputs["data"], inputs["indices"], indptr), shape=(n, n))

    def counted(x):
        count[0] += 1

    x, status = cg(
        a, inputs["b"], inputs["x0"], rtol=inputs["tolerance"], maxiter=inputs["limit"], callback=counted
    )
    if status:
        raise RuntimeError(REASON)
    return x, count, np.zeros(0)
