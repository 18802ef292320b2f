"""Exp3-IX: exponential weights whose estimates are kept small, against any costs."""

from __future__ import annotations

from typing import Any

import numpy as np

from tuners.policy import Randomised


class Exp3Ix(Randomised):
    """Exponential weights with implicit exploration.

    The rule: p_k proportional to exp(-eta_t L_k), eta_t = sqrt(2 log K / (K t)); after a cost c of arm k,
    L_k += c / (p_k + eta_t / 2).

    Regret: O(sqrt(K T log K)) with high probability, against any costs in [0, 1]. Source: Neu, NIPS 2015,
    algorithm 1 and theorem 1.
    """

    FIELDS = ("losses",)

    def __init__(self, arms: Any, **options: Any):
        super().__init__(arms, **options)
        self.losses = np.zeros(len(self.arms))

    def _rate(self) -> float:
        k = len(self.arms)
        return float(np.sqrt(2 * np.log(max(k, 2)) / (k * (self.told + 1))))

    def chances(self, at: float) -> np.ndarray:
        """By the exponents."""
        p: np.ndarray = np.exp(-self._rate() * (self.losses - self.losses.min()))
        p /= p.sum()
        return p

    def learn(self, arm: int, chance: float | None, at: float, cost: float) -> None:
        """Importance weighting, cautious where chances are small."""
        self.losses[arm] += cost / ((chance or 1) + self._rate() / 2)


POLICY = Exp3Ix
