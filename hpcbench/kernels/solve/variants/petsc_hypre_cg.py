# /// hpcbench
# model = "serial"
# summary = "PETSc's conjugate gradients, hypre BoomerAMG"
# source = "PETSc, KSPCG and PCHYPRE"
# requires = ["libpetsc_real.so"]
# ///
"""PETSc through ctypes."""

from hpcbench.kernels.solve.petsc import Solver


def setup(inputs, params):
    return Solver(inputs, pc_type="hypre", pc_hypre_type="boomeramg")


def run(solver, inputs, params):
    return solver.run(inputs)
