"""The control that is hardest to beat: one Gauss-Seidel solve, then Young's formula for all that follows."""

from __future__ import annotations

import math

import numpy as np

from tuners.sor.solver import Solver
from tuners.sor.streams import System

SHORT = 12  # iterations that tell no rate


class OneSolve:
    """rho^2 from the decay of the first solve's residuals; later rho scaled as off-diagonal over diagonal sums.

    Young, Trans. Amer. Math. Soc. 76, 1954: a Gauss-Seidel sweep of a consistently ordered matrix takes rho^2.
    """

    def __init__(self, solver: Solver):
        self._solver, self._share = solver, 0.0

    def solve(self, system: System) -> tuple[int, np.ndarray | None]:
        """Iterations and x; the solver's limit and None where it did not come to its end."""
        diagonal = float(abs(system.a.diagonal()).sum())
        dominance = float(abs(system.a.data).sum()) / diagonal - 1 if diagonal else 0.0
        omega = 1.0
        if self._share:
            rho = min(self._share * dominance, 1 - 1e-6)
            omega = 2 / (1 + math.sqrt(1 - rho * rho))
        found = self._solver(system.a, system.b, system.x0, omega=omega)
        r = found.residuals
        if not self._share and not found.stopped and len(r) > SHORT and dominance:
            last = len(r) // 3
            self._share = (r[-1] / r[-1 - last]) ** (0.5 / last) / dominance
        return (self._solver.limit, None) if found.stopped else (found.iterations, found.x)
