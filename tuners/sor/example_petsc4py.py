"""Steps of the heat equation by PETSc: conjugate gradients with SSOR, whose omega is chosen anew for every step.

    python -m tuners.sor.example_petsc4py

prints iterations in all, and those with PETSc's own omega. petsc4py comes with PETSc; Debian's python3-petsc4py and
python3-scipy are found by Debian's own interpreter, from a checkout of this project:

    export PYTHONPATH=.:$(echo /usr/lib/petscdir/*/*/lib/python3/dist-packages)
    /usr/bin/python3 -m tuners.sor.example_petsc4py
"""

from __future__ import annotations

from typing import Any

import numpy as np
from petsc4py import PETSc
from scipy.sparse import csr_matrix, diags, identity, kron

from tuners.sor import OmegaTuner

SIDE, STEPS, MOST, TOLERANCE = 64, 60, 1000, 1e-8
OPTIONS = PETSc.Options()


def method() -> Any:
    """A KSP: conjugate gradients from a first guess, until the residual is small in terms of b."""
    ksp = PETSc.KSP().create(PETSc.COMM_SELF)
    ksp.setType("cg")
    ksp.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
    ksp.setInitialGuessNonzero(True)
    ksp.setConvergenceHistory(MOST, reset=True)
    ksp.getPC().setType("sor")
    OPTIONS["pc_sor_symmetric"] = True
    return ksp


def solve(
    ksp: Any, a: Any, b: np.ndarray, x: np.ndarray, omega: float, limit: int
) -> tuple[int, float, bool]:
    """Iterations, the first residual in terms of b, and whether x, the first guess until then, is the solution."""
    matrix = PETSc.Mat().createAIJ(a.shape, csr=(a.indptr, a.indices, a.data), comm=PETSc.COMM_SELF)
    OPTIONS["pc_sor_omega"] = omega  # PC has no function for it
    ksp.setOperators(matrix)
    ksp.setTolerances(rtol=TOLERANCE, atol=0.0, max_it=limit)
    ksp.setFromOptions()
    right, left = (PETSc.Vec().createWithArray(v, comm=PETSc.COMM_SELF) for v in (b, x))
    ksp.solve(right, left)
    first = float(ksp.getConvergenceHistory()[0] / np.linalg.norm(b))
    found = ksp.getIterationNumber(), first, ksp.getConvergedReason() > 0
    for one in (matrix, right, left):
        one.destroy()
    return found


def run(tuner: OmegaTuner | None) -> int:
    """Iterations of all steps, the tuner's own among them; without one with omega = 1."""
    line, eye, ksp = diags([-1, 2, -1], [-1, 0, 1], (SIDE, SIDE)), identity(SIDE), method()
    laplace = kron(line, eye) + kron(eye, line)
    u, total = np.sin(0.1 * np.arange(SIDE * SIDE)), 0
    for step in range(STEPS):
        a = csr_matrix(identity(SIDE * SIDE) + (2 + 100 * np.sin(0.1 * step) ** 2) * laplace)
        x, solved = u.copy(), False
        choice = tuner.ask(a) if tuner else None
        while not solved:
            omega, limit = (choice.omega, choice.limit) if choice else (1.0, MOST)
            done, first, solved = solve(ksp, a, u, x, omega, limit)
            total += done
            if tuner and choice:
                tuner.tell(choice, done, first, solved=solved)
                choice = choice if solved else tuner.again(choice)
            if not solved and limit == MOST:
                raise SystemExit(f"step {step}: not solved after {MOST} iterations")
        assert np.linalg.norm(u - a @ x) <= 2 * TOLERANCE * np.linalg.norm(u)
        u = x
    return total + (tuner.inverse_iterations if tuner else 0)


if __name__ == "__main__":
    tuned = run(OmegaTuner("ssor_cg", tolerance=TOLERANCE, limit=MOST))
    print(f"{STEPS} systems: {tuned} iterations, {run(None)} with omega 1")
