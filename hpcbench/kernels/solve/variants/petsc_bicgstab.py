# /// hpcbench
# model = "serial"
# summary = "PETSc's BiCGSTAB, incomplete LU without fill from the right"
# source = "PETSc, KSPBCGS and PCILU"
# requires = ["libpetsc_real.so"]
# ///
"""PETSc through ctypes."""

from hpcbench.kernels.solve.petsc import Solver


def setup(inputs, params):
    return Solver(inputs, ksp_type="bcgs", ksp_pc_side="right", pc_type="ilu")


def run(solver, inputs, params):
    return solver.run(inputs)
