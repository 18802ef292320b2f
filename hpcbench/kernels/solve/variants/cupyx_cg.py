# /// hpcbench
# model = "cuda"
# summary = "cupyx.scipy.sparse.linalg.cg, no preconditioner"
# source = "CuPy, cupyx/scipy/sparse/linalg/_iterative.py; cuSPARSE, cuBLAS"
# requires = ["cupy"]
# ///
"""CuPy's conjugate gradients: products by cuSPARSE, scalar products by cuBLAS, steered from Python."""

import cupy
import numpy as np
from cupyx.scipy.sparse import csr_matrix
from cupyx.scipy.sparse.linalg import cg

REASON = "it stopped above the tolerance after as many iterations as are allowed"


def _system(inputs):
    """A, b and x0 on the device."""
    n = inputs["nrows"]
    indptr = inputs["indptr"].astype(np.int32) if inputs["indptr"][-1] < 2**31 else inputs["indptr"]
    parts = [cupy.asarray(part) for part in (inputs["data"], inputs["indices"], indptr)]
    return csr_matrix(tuple(parts), shape=(n, n)), cupy.asarray(inputs["b"]), cupy.asarray(inputs["x0"])


def bind(inputs, params):
    return inputs, _system(inputs) if inputs["device"] else None


def run(handle, inputs, params):
    fields, system = inputs
    a, b, x0 = system or _system(fields)
    count = np.zeros(1)
    if not fields["nrows"]:
        return np.zeros(0), count, np.zeros(0)

    def counted(x):
        count[0] += 1

    x, status = cg(a, b, x0, rtol=fields["tolerance"], maxiter=int(fields["limit"]), callback=counted)
    if status:
        raise RuntimeError(REASON)
    if not fields["device"]:
        return x.get(), count, np.zeros(0)
    cupy.cuda.runtime.streamSynchronize(0)
    return x, count, np.zeros(0)


def collect(result):
    return tuple(cupy.asnumpy(array) for array in result)
