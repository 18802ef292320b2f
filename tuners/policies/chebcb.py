"""ChebCB: costs that are smooth in one number known beforehand."""

from __future__ import annotations

from typing import Any

import numpy as np

from tuners.policy import Randomised

DEGREE, RIDGE = 6, 1e-3
GREED = 100  # as greedy as the published figures on the published streams


class ChebCB(Randomised):
    """Chebyshev regression of each arm's cost on the context, and inverse gap weighting.

    The rule: f_k(z) = sum_j w_kj T_j(z), j up to 6, by ridge regression; b the arm with the least f_k(z); p_k =
    1 / (K + g (f_k - f_b)) for the others, the rest for b; g = 100 sqrt(K t).

    Regret of SquareCB: O(sqrt(K T R)), R that of the regression (Foster and Rakhlin, ICML 2020, theorem 1), for
    costs that such sums can express. Source: Khodak, Chow, Balcan and Talwalkar, ICLR 2024, algorithm 2.
    """

    FIELDS = ("inverse", "moments", "weights")

    def __init__(self, arms: Any, **options: Any):
        super().__init__(arms, **options)
        k = len(self.arms)
        self.inverse = np.repeat(np.eye(DEGREE + 1)[None] / RIDGE, k, axis=0)
        self.moments = np.zeros((k, DEGREE + 1))
        self.weights = np.zeros((k, DEGREE + 1))

    @staticmethod
    def _basis(at: float) -> np.ndarray:
        found: np.ndarray = np.cos(np.arange(DEGREE + 1) * np.arccos(at))
        return found

    def chances(self, at: float) -> np.ndarray:
        """Inverse gap weighting."""
        k = len(self.arms)
        f = self.weights @ self._basis(at)
        best = int(f.argmin())
        p: np.ndarray = 1 / (k + GREED * np.sqrt(k * (self.told + 1)) * (f - f[best]))
        p[best] = 0
        p[best] = 1 - p.sum()
        return p

    def learn(self, arm: int, chance: float | None, at: float, cost: float) -> None:
        """One more row of the arm's regression (Sherman and Morrison)."""
        z = self._basis(at)
        v = self.inverse[arm] @ z
        self.inverse[arm] -= np.outer(v, v) / (1 + z @ v)
        self.moments[arm] += cost * z
        self.weights[arm] = self.inverse[arm] @ self.moments[arm]


POLICY = ChebCB
