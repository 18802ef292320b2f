"""Linear Thompson sampling: each arm's cost a cubic of the context."""

from __future__ import annotations

from typing import Any

import numpy as np

from tuners.policy import Discrete

DEGREE, RIDGE, WIDTH = 3, 0.1, 0.1  # of the cubic; of the prior's precision; of the noise, in terms of scale


class LinearThompson(Discrete):
    """Draw each arm's weights from their posterior, play the least cost that they promise.

    The rule: w_k from N(B_k^-1 f_k, v^2 B_k^-1), B_k = 0.1 I + sum of z z^T, f_k = sum of c z, z the Chebyshev
    polynomials of the context up to degree 3, v = 0.1; the arm with the least z.w_k.

    Regret: O(min(d^1.5 sqrt(T), d sqrt(T log K)) log T) with high probability, for costs that such sums can express
    and a v that grows like sqrt(d log T). Source: Agrawal and Goyal, ICML 2013, theorem 1; d = 4 K here, since
    every arm has weights of its own.
    """

    FIELDS = ("roots", "moments")

    def __init__(self, arms: Any, **options: Any):
        super().__init__(arms, **options)
        k = len(self.arms)
        self.roots = np.repeat(np.eye(DEGREE + 1)[None] / RIDGE, k, axis=0)  # B^-1
        self.moments = np.zeros((k, DEGREE + 1))

    @staticmethod
    def _basis(at: float) -> np.ndarray:
        found: np.ndarray = np.cos(np.arange(DEGREE + 1) * np.arccos(at))
        return found

    def draw(self, at: float) -> tuple[int, float | None]:
        """z.w is Gaussian itself: its mean and deviation are enough."""
        z = self._basis(at)
        across = self.roots @ z
        mean = np.einsum("kj,kj->k", across, self.moments)
        theta = mean + WIDTH * np.sqrt(across @ z) * self.rng.standard_normal(len(mean))
        return int(theta.argmin()), None

    def learn(self, arm: int, chance: float | None, at: float, cost: float) -> None:
        """One more row of the arm's regression (Sherman and Morrison)."""
        z = self._basis(at)
        v = self.roots[arm] @ z
        self.roots[arm] -= np.outer(v, v) / (1 + z @ v)
        self.moments[arm] += cost * z


POLICY = LinearThompson
