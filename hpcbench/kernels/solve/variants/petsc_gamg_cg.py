# /// hpcbench
# model = "serial"
# summary = "PETSc's conjugate gradients, smoothed aggregation"
# source = "PETSc, KSPCG and PCGAMG"
# requires = ["libpetsc_real.so"]
# ///
"""PETSc through ctypes."""

from hpcbench.kernels.solve.petsc import Solver


def setup(inputs, params):
    return Solver(inputs, pc_type="gamg")


def run(solver, inputs, params):
    return solver.run(inputs)
