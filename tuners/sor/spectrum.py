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
FIRST, ENOUGH = 3, 0.1  # inverse iterations at most for another vector, and how near is near enough
GOOD, USABLE = 0.3, 0.45  # how far the vector may be from an eigenvector before it is renewed, and is no good
SETUP = 10  # iterations that the setup of an inverse iteration counts for
SHARE = 0.05  # of all iterations that may be spent on renewing and doubting it
LOWER = 0.9  # of the quotient of y: where theirs is less, y was wrong


class Spectrum:
    """The least eigenvalue of D^-1 A, D = diag(A), which is 1 - rho(I - D^-1 A) where the iteration is Jacobi's.

    Its vector y is found by inverse iteration with the registry's own solvers, to two digits. y.Ay / y.Dy over some
    rows of every system is then near its eigenvalue: exact for shifts and scalings of a matrix with a constant
    diagonal, as for time steps that change. The same pass tells ||Ay - g Dy||, and y is renewed when that is no
    longer small. Where a system takes much longer than 1 - rho lets expect, y may be the eigenvector of a greater
    eigenvalue: inverse iterations from what is orthogonal to it tell.

    Source: Parlett, The Symmetric Eigenvalue Problem, SIAM, 1998, sections 4.2, 4.6.

    Attributes
    ----------
    iterations : that all inverse iterations took.
    at : address of y.
    off : how far it is from an eigenvector of the matrix last looked at.
    """

    def __init__(self) -> None:
        self.iterations = 0
        self.off = ctypes.c_double()
        self._count = self._sure = 0
        self._solvers = [Solver(name, tolerance=ROUGH, limit=STEPS) for name in ("ssor_cg", "bicgstab")]
        self._keep(np.empty(0))

    def fits(self, a: Csr) -> bool:
        """Whether there is a vector of this size."""
        return bool(len(self._y) == a.n)

    def doubt(self, a: Csr, spent: int) -> float:
        """A system took much longer than y lets expect: 1 - rho by another y where y was wrong, else 0.

        Wrong is the eigenvector of a greater eigenvalue. Not looked at before all iterations have doubled.
        """
        if spent < self._sure or not self.fits(a) or self._poor(spent):
            return 0.0
        y, gap, self._sure = self._y, self._quotient(a), 2 * spent
        dy = np.abs(a.matrix().diagonal()) * y
        z = np.random.default_rng(self._count).standard_normal(a.n)
        self._keep(z - y * (z @ dy) / (y @ dy))
        self._search(a, FIRST)
        other = self._quotient(a)
        if 0 < other < LOWER * gap and self.off.value <= USABLE:
            return other
        self._keep(y)
        return 0.0

    def _poor(self, spent: int) -> bool:
        return self.iterations + SETUP * self._count > SHARE * spent

    def renewed(self, a: Csr, spent: int) -> float:
        """1 - rho by a new vector where one can be afforded, else by the old one; 0 where it is not known."""
        new = not self.fits(a)
        if not self._poor(spent):
            if new:
                self._keep(np.random.default_rng(a.n).uniform(0.5, 1.5, a.n))
            self._search(a, FIRST if new else 1)
            new = False
        gap = 0.0 if new else self._quotient(a)
        return gap if gap > 0 and self.off.value <= USABLE else 0.0

    def _search(self, a: Csr, most: int) -> None:
        """So many inverse iterations at most, until y is near enough to an eigenvector."""
        for _ in range(most):
            if not self._improve(a):
                break
            self._quotient(a)
            if self.off.value <= ENOUGH:
                break

    def _quotient(self, a: Csr) -> float:
        gap: float = library().omega_gap(a.n, *a.words, self.at, ctypes.byref(self.off))
        return gap

    def _improve(self, a: Csr) -> bool:
        self._count += 1
        x = self._solve(a, a.matrix().diagonal() * self._y)
        size = float(np.linalg.norm(x))
        found = 0 < size < np.inf
        if found:
            self._keep(x / size)
        return found

    def _keep(self, y: np.ndarray) -> None:
        self._y, self.at = y, y.ctypes.data

    def _solve(self, a: Csr, b: np.ndarray) -> np.ndarray:
        """A^-1 b to two digits, or as far as it comes; zeros when neither method gets there."""
        for solver in self._solvers:
            found = solver(a, b)
            self.iterations += found.iterations
            if not found.stopped or found.iterations == STEPS:
                return found.x
        return np.zeros(len(b))

    def state(self) -> dict[str, Any]:
        """What :meth:`restore` needs; the vector is among it."""
        own = {"iterations": self.iterations, "count": self._count, "sure": self._sure}
        return own | {"y": self._y.tolist()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Be as the one was whose state this is."""
        self._keep(np.array(state["y"], np.float64))
        self.iterations, self._count, self._sure = state["iterations"], state["count"], state["sure"]
