# /// hpcbench
# model = "serial"
# summary = "pyamg's smoothed aggregation as a preconditioner of its conjugate gradients"
# source = "Bell, Olson and Schroder, J. Open Source Software 7(72), 2022"
# ///
"""pyamg with its defaults on a CSR matrix around the arrays that are there; its tolerance is of ||r|| / ||b||."""

import numpy as np
from pyamg import smoothed_aggregation_solver
from pyamg.krylov import cg
from scipy.sparse import csr_matrix


def setup(inputs, params):
    n = inputs["nrows"]
    indptr = inputs["indptr"].astype(np.int32)
    return smoothed_aggregation_solver(csr_matrix((inputs["data"], inputs["indices"], indptr), shape=(n, n)))


def run(solver, inputs, params):
    history = []
    x, status = cg(
        solver.levels[0].A, inputs["b"], inputs["x0"], tol=inputs["tolerance"], criteria="rr",
        maxiter=inputs["limit"], M=solver.aspreconditioner(), residuals=history,
    )  # fmt: skip
    if status:
        raise RuntimeError("it stopped above the tolerance after as many iterations as are allowed")
    norm = np.linalg.norm(inputs["b"]) or 1.0
    return x, np.array([float(len(history) - 1)]), np.array(history) / norm
