# /// hpcbench
# model = "serial"
# summary = "PETSc's conjugate gradients, SSOR"
# source = "PETSc, KSPCG and PCSOR"
# requires = ["libpetsc_real.so"]
# params.omega = {when = "run", default = 1.5, low = 0.01, high = 1.99}
# ///
"""PETSc through ctypes."""

from hpcbench.kernels.solve.petsc import Solver


def setup(inputs, params):
    return Solver(inputs, pc_type="sor", pc_sor_symmetric=1, pc_sor_omega=params["omega"])


def run(solver, inputs, params):
    return solver.run(inputs)
