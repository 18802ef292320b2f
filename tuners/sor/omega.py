"""Omega chosen for a sequence of systems while it is solved: Young's formula, and a bandit on what that misses."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Mapping
from ctypes import byref
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from hpcbench.spec import HpcbenchError
from tuners.sor.core import Choice, Tuner, library
from tuners.sor.solver import Csr, Solution, Solver, vectors
from tuners.sor.spectrum import GOOD, Spectrum

VERSION = 3
RENEW = -2  # of omega_choose, where y is too old
TRIES = 6  # attempts before the last one, which has no limit but the solver's


class OmegaTuner:
    """Omega for one system after the other, ahead of any fixed omega where systems differ.

    For every system rho(Jacobi) is known from one vector (:class:`~tuners.sor.spectrum.Spectrum`), Young's formula
    makes an omega of it, and two bandits (``omega.h``) compete: one over offsets to sqrt(1 - rho^2), for what the
    formula misses, one over fixed omegas, for matrices that it misleads or that have no such rho. Costs are
    iterations over those that the rate omega - 1 would take, so that easy and hard systems can be compared. A
    choice that takes four times as long as the best would (twice, if it was a trial of SOR's) is given up, and the
    system goes on with another. Threads may share a tuner, and solve one after the other.

    Parameters
    ----------
    solver : name of a native variant of the kernel ``solve`` that has an omega; ``sor``, ``ssor_cg`` and others.
    tolerance : of residuals, in terms of b's norm.
    limit : iterations of one attempt at most; after so many in all, no other is begun.
    threads : of the solver.

    Raises
    ------
    HpcbenchError
        When the solver has no omega of relaxation, or tolerance or limit cannot be.

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
        if not solver.startswith(("sor", "ssor_cg")):
            raise HpcbenchError(
                f"{solver}: its omega is none of relaxation; sor, sor_multicolour, ssor_cg are"
            )
        self._solver = Solver(solver, threads=threads, tolerance=tolerance, limit=limit)
        self._of = {"solver": solver, "tolerance": tolerance, "limit": self._solver.limit}
        self._spectrum, self._tuner, self._core = Spectrum(), Tuner(), library()
        self._lock = threading.RLock()
        self._phases, self._choice = self._solver.phases(), Choice()
        self._choice.matrix = None  # solve has it at hand
        own = self._tuner, self._phases, self._choice, self._spectrum.off
        self._at = [ctypes.addressof(struct) for struct in own]
        self._core.omega_begin(byref(self._tuner), tolerance, self._solver.limit, solver.startswith("ssor"))

    def solve(self, a: Any, b: np.ndarray, x0: np.ndarray | None = None) -> Solution:
        """Solve a x = b with omegas of the tuner's choice.

        Parameters
        ----------
        a : (n, n) SciPy matrix, float64; other formats and types than CSR and float64 are converted.
        b, x0 : (n,); zero if x0 is None.

        Returns
        -------
        Solution
            Its iterations are those of all attempts, and of inverse iterations for this system, its residuals
            those of the last attempt.

        Raises
        ------
        HpcbenchError
            When sizes do not fit.
        """
        a = Csr.of(a)
        b, x = vectors(a, b, x0)
        with self._lock:
            before = self._spectrum.iterations
            found = self._solver.run(a, b, x, 1.0, self._solver.limit, partial(self._first, a))
            total, choice = found.iterations, self._choice
            # without a first residual that is a number no omega helps
            while found.stopped and found.iterations and np.isfinite(found.residuals[0]):
                self._look_back(a, choice)
                if choice.attempt >= TRIES or total >= self._solver.limit:
                    break
                if np.isfinite(found.x).all() and self._smaller(a, b, found.x, x):
                    x = found.x
                choice = self.again(choice)
                if choice.omega < 1:  # Gauss-Seidel has diverged, or something like it was better
                    choice.limit = min(choice.limit, max(self._solver.limit - total, self._solver.limit // 2))
                work = partial(self._core.omega_attempt, self._at[0], byref(choice), self._at[1])
                found = self._solver.run(a, b, x, 1.0, self._solver.limit, work)
                total += found.iterations
            total += self._spectrum.iterations - before
        return found if total == found.iterations else replace(found, iterations=total)

    def _look_back(self, a: Csr, choice: Choice) -> None:
        """Doubt y where the best that is known, or what followed a trial, has failed to solve a system in time."""
        late = (choice.attempt or not choice.trial) and choice.gap > 0
        if late and (gap := self._spectrum.doubt(a, self._tuner.spent)):
            self._core.omega_forget(self._at[0], gap, byref(choice))

    def _first(self, a: Csr) -> int:
        """Choose, solve and tell, in one call where y is as good as it must be; what the solver returned."""
        spectrum, (tuner, phases, choice, off) = self._spectrum, self._at
        status: int = RENEW
        if spectrum.fits(a):
            status = self._core.omega_first(tuner, phases, a.n, *a.words, spectrum.at, GOOD, off, choice)
        if status == RENEW:
            self._core.omega_ask(tuner, spectrum.renewed(a, self._tuner.spent), choice)
            status = self._core.omega_attempt(tuner, choice, phases)
        return status

    @staticmethod
    def _smaller(a: Csr, b: np.ndarray, one: np.ndarray, other: np.ndarray) -> bool:
        """Whether the residual of one guess is smaller than that of another."""
        matrix, size = a.matrix(), float(np.abs(b).max()) or 1.0  # squares may leave the range of numbers
        return bool(np.linalg.norm((b - matrix @ one) / size) < np.linalg.norm((b - matrix @ other) / size))

    def ask(self, a: Any) -> Choice:
        """The choice for a system of matrix ``a``, which it keeps. Several may be asked for before telling."""
        choice = Choice()
        choice.matrix = a = Csr.of(a)
        with self._lock:
            (tuner, _, _, off), spectrum, at = self._at, self._spectrum, ctypes.addressof(choice)
            status = RENEW
            if spectrum.fits(a):
                status = self._core.omega_choose(tuner, a.n, *a.words, spectrum.at, GOOD, off, at)
            if status == RENEW:
                self._core.omega_ask(tuner, spectrum.renewed(a, self._tuner.spent), at)
        return choice

    def again(self, last: Choice) -> Choice:
        """Another choice for the same system, which the last one did not solve within its limit."""
        choice = Choice()
        choice.matrix = last.matrix
        with self._lock:
            self._core.omega_again(byref(self._tuner), byref(last), byref(choice))
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
        told = int(iterations), float(residual), bool(solved)
        with self._lock:
            self._core.omega_tell(byref(self._tuner), byref(choice), *told)
            if choice.matrix and iterations and not solved:
                self._look_back(choice.matrix, choice)

    @property
    def inverse_iterations(self) -> int:
        """That were done for rho until now; :meth:`solve` counts them among its own."""
        return self._spectrum.iterations

    def state(self) -> dict[str, Any]:
        """All that :meth:`restore` needs to go on as if nothing had happened; between systems, ready for JSON."""
        with self._lock:
            words = np.frombuffer(bytes(self._tuner), np.int64).tolist()
            of = {"tuner": "omega", "version": VERSION, **self._of}
            return of | {"words": words, "spectrum": self._spectrum.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state.

        Raises
        ------
        HpcbenchError
            When it is none of an omega tuner, of another solver, tolerance or limit, or of a newer version.
        """
        for key, value in {"tuner": "omega", "version": VERSION, **self._of}.items():
            if state.get(key) != value:
                raise HpcbenchError(f"this state is of {key} {state.get(key)!r}, not of {value!r}")
        words = np.array(state["words"], np.int64).tobytes()
        if len(words) != ctypes.sizeof(Tuner):
            raise HpcbenchError(f"this state has {len(words)} bytes, not {ctypes.sizeof(Tuner)}")
        with self._lock:
            self._spectrum.restore(state["spectrum"])
            ctypes.memmove(byref(self._tuner), words, len(words))
