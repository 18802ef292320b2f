"""1 - rho of Jacobi's iteration for every system of a sequence, by one vector that is kept."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np

from tuners.sor.core import library
from tuners.sor.solver import Csr, Solver

ROUGH = 1e-2  # residual of an inverse iteration; the quotient's error is the square of the vector's
STEPS = 200  # of its solver at most
FIRST = 3  # inverse iterations for a size that is new
GOOD, USABLE = 0.3, 0.6  # how far the vector may be from an eigenvector before it is renewed, and is no good
SHORT, LONGEST = (
    8,
    512,
)  # systems for which a renewed vector must be good; and that are left alone at most if it is not
SHARE = 0.1  # of all iterations that may be spent on renewing it


class Spectrum:
    """The least eigenvalue of D^-1 A, D = diag(A), which is 1 - rho(I - D^-1 A) where the iteration is Jacobi's.

    Its vector y is found by inverse iteration with the registry's own solvers, to two digits. y.Ay / y.Dy over some
    rows of every system is then near its eigenvalue: exact for shifts and scalings of a matrix with a constant
    diagonal, as for time steps that change. The same pass tells ||Ay - g Dy||, and y is renewed when that is no
    longer small.

    Source: Parlett, The Symmetric Eigenvalue Problem, SIAM, 1998, sections 4.2, 4.6.

    Attributes
    ----------
    iterations : that all inverse iterations took.
    """

    def __init__(self) -> None:
        self.iterations = 0
        self._y = np.empty(0)
        self._age, self._pause = LONGEST, 1
        self._off = ctypes.c_double()
        self._solvers: dict[str, Solver] = {}

    def gap(self, a: Csr, spent: int) -> float:
        """1 - rho, or 0 where it is not known; ``spent``: iterations of all systems until now."""
        self._age += 1
        gap = self._quotient(a) if len(self._y) == a.n else 0.0
        if (len(self._y) != a.n or self._off.value > GOOD) and self._may(spent):
            self._pause = min(2 * self._pause, LONGEST) if self._age <= SHORT else 1
            self._age = 0
            if len(self._y) != a.n:
                self._y = np.random.default_rng(a.n).uniform(0.5, 1.5, a.n)
                self._renew(a, FIRST)
            else:
                self._renew(a, 1)
            gap = self._quotient(a)
        return gap if gap > 0 and self._off.value <= USABLE else 0.0

    def _may(self, spent: int) -> bool:
        return self._age >= self._pause and self.iterations <= SHARE * spent

    def _quotient(self, a: Csr) -> float:
        return float(library().omega_gap(a.n, *a.words, self._y.ctypes.data, ctypes.byref(self._off)))

    def _renew(self, a: Csr, times: int) -> None:
        diagonal = a.matrix().diagonal()
        for _ in range(times):
            x = self._solve(a, diagonal * self._y)
            size = float(np.linalg.norm(x))
            if not 0 < size < np.inf:
                return
            self._y = x / size

    def _solve(self, a: Csr, b: np.ndarray) -> np.ndarray:
        """A^-1 b to two digits, or as far as it comes; zeros when neither method gets there."""
        for name in ("ssor_cg", "bicgstab"):
            if name not in self._solvers:
                self._solvers[name] = Solver(name, tolerance=ROUGH, limit=STEPS)
            found = self._solvers[name](a, b)
            self.iterations += found.iterations
            if not found.stopped or found.iterations == STEPS:
                return found.x
        return np.zeros(len(b))

    def state(self) -> dict[str, Any]:
        """What :meth:`restore` needs; the vector is among it."""
        return {"y": self._y.tolist(), "iterations": self.iterations, "age": self._age, "pause": self._pause}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Be as the one was whose state this is."""
        self._y, self.iterations = np.array(state["y"], np.float64), state["iterations"]
        self._age, self._pause = state["age"], state["pause"]
