"""Omega chosen for a sequence of systems while it is solved: Young's formula, and a bandit on what that misses."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hpcbench.spec import HpcbenchError
from tuners.sor.core import Choice, Tuner, library
from tuners.sor.solver import Csr, Solution, Solver
from tuners.sor.spectrum import Spectrum

VERSION = 1


class OmegaTuner:
    """Omega for one system after the other, ahead of any fixed omega where systems differ.

    For every system rho(Jacobi) is known from one vector (:class:`~tuners.sor.spectrum.Spectrum`), Young's formula
    makes an omega of it, and two bandits (``omega.h``) compete: one over offsets to sqrt(1 - rho^2), for what the
    formula misses, one over fixed omegas, for matrices that it misleads or that have no such rho. Costs are
    iterations over those that the rate omega - 1 would take, so that easy and hard systems can be compared. A
    choice that takes four times as long as the best would is given up, and the system goes on with another.

    Parameters
    ----------
    solver : name of a native variant of the kernel ``solve`` that has an omega; ``sor``, ``ssor_cg`` and others.
    tolerance : of residuals, in terms of b's norm.
    limit : iterations of one solve at most.
    threads : of the solver.

    Raises
    ------
    HpcbenchError
        When the tolerance or the limit cannot be.

    Examples
    --------
    >>> from tuners.sor import OmegaTuner
    >>> tuner = OmegaTuner("ssor_cg")
    >>> for a, b in systems:
    ...     x = tuner.solve(a, b, x0=x).x
    """

    def __init__(
        self, solver: str = "sor", *, tolerance: float = 1e-8, limit: int = 100_000, threads: int = 1
    ):
        if not 0 < tolerance < 1 or limit < 1:
            raise HpcbenchError(
                f"tolerance {tolerance}, limit {limit}: between 0 and 1, and at least 1, are expected"
            )
        self._words = solver, threads, tolerance, limit
        self._solver: Solver | None = None
        self._spectrum, self._tuner = Spectrum(), Tuner()
        self._core, self._at = library(), ctypes.addressof(self._tuner)
        self._core.omega_begin(self._at, tolerance, limit, solver.endswith(("_cg", "_cg_omp")))

    def solve(self, a: Any, b: np.ndarray, x0: np.ndarray | None = None) -> Solution:
        """Solve a x = b with omegas of the tuner's choice.

        Parameters
        ----------
        a : (n, n) SciPy matrix, float64; other formats and types than CSR and float64 are converted.
        b, x0 : (n,); zero if x0 is None.

        Returns
        -------
        Solution
            Its iterations are those of all attempts and of all inverse iterations for this system.

        Raises
        ------
        HpcbenchError
            When the solver has no omega, or sizes do not fit.
        """
        solver = self._solver = self._solver or self._make()
        if not solver.has_omega:
            raise HpcbenchError(f"{solver.variant}: it has no omega; sor, sor_multicolour and ssor_cg do")
        a = Csr.of(a)
        before, total = self._spectrum.iterations, 0
        choice, x = self.ask(a), x0
        while True:
            found = solver(a, b, x, omega=choice.omega, limit=choice.limit)
            total += found.iterations
            self.tell(choice, found.iterations, found.residuals[0], solved=not found.stopped)
            if not found.stopped or choice.limit == solver.limit:
                return replace(found, iterations=total + self._spectrum.iterations - before)
            if np.isfinite(found.x).all() and found.residuals[-1] < found.residuals[0]:
                x = found.x
            choice = self.again(choice)

    def _make(self) -> Solver:
        name, threads, tolerance, limit = self._words
        return Solver(name, threads=threads, tolerance=tolerance, limit=limit)

    def ask(self, a: Any) -> Choice:
        """The choice for the next system, of matrix ``a``."""
        choice = Choice()
        gap = self._spectrum.gap(Csr.of(a), self._tuner.spent)
        self._core.omega_ask(self._at, gap, ctypes.addressof(choice))
        return choice

    def again(self, last: Choice) -> Choice:
        """Another choice for the same system, which the last one did not solve within its limit."""
        choice = Choice()
        self._core.omega_again(self._at, ctypes.addressof(last), ctypes.addressof(choice))
        return choice

    def tell(self, choice: Choice, iterations: int, residual: float, *, solved: bool) -> None:
        """What came of a choice.

        Parameters
        ----------
        iterations : that were done.
        residual : norm of the first one over b's.
        solved : whether the last one is below the tolerance.

        Raises
        ------
        HpcbenchError
            When the residual is not a number, or there are less than no iterations.
        """
        if not residual >= 0 or iterations < 0:
            raise HpcbenchError(f"residual {residual} after {iterations} iterations: that cannot be")
        self._core.omega_tell(
            self._at, ctypes.addressof(choice), int(iterations), float(residual), bool(solved)
        )

    def state(self) -> dict[str, Any]:
        """All that :meth:`restore` needs to go on as if nothing had happened, ready for JSON."""
        words = np.frombuffer(bytes(self._tuner), np.int64).tolist()
        return {"tuner": "omega", "version": VERSION, "words": words, "spectrum": self._spectrum.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state.

        Raises
        ------
        HpcbenchError
            When it is none of an omega tuner, or of a newer version.
        """
        if (state.get("tuner"), state.get("version")) != ("omega", VERSION):
            raise HpcbenchError(f"not the state of an omega tuner of version {VERSION}")
        words = np.array(state["words"], np.int64).tobytes()
        if len(words) != ctypes.sizeof(Tuner):
            raise HpcbenchError(f"{len(words)} bytes of state: {ctypes.sizeof(Tuner)} are expected")
        ctypes.memmove(self._at, words, len(words))
        self._spectrum.restore(state["spectrum"])
