# /// hpcbench
# model = "serial"
# summary = "PETSc's conjugate gradients, incomplete Cholesky without fill"
# source = "PETSc, KSPCG and PCICC"
# requires = ["libpetsc_real.so"]
# ///
"""PETSc through ctypes."""

from hpcbench.kernels.solve.petsc import Solver


def setup(inputs, params):
    return Solver(inputs, pc_type="icc")


def run(solver, inputs, params):
    return solver.run(inputs)
