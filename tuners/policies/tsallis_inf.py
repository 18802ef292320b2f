"""Tsallis-INF: for costs that may be drawn or chosen against it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tuners.policy import Randomised

RATE = 16  # Zimmert and Seldin have 4, for costs that fill [0, 1]; those of relaxation lie far below their greatest


class TsallisInf(Randomised):
    """Follow the regularised leader with Tsallis entropy of power 1/2.

    The rule: p_k = 4 / (eta_t (L_k - x))^2, x such that they add up to 1, eta_t = 16 / sqrt(t); after a cost c of
    arm k, L_k += (c - B_k) / p_k and L_j += B_j for all j, B_j = 1/2 where p_j >= eta_t^2, else 0.

    Regret, with 4 for 16: O(sqrt(K T)) against any costs in [0, 1], and O(sum over arms of log(T) / gap) if they
    are drawn. Source: Zimmert and Seldin, JMLR 22(28), 2021, algorithm 1 and theorem 1, with reduced variance; used
    for omega by Khodak, Chow, Balcan and Talwalkar, ICLR 2024.
    """

    FIELDS = ("losses", "_base")

    def __init__(self, arms: Any, **options: Any):
        super().__init__(arms, **options)
        self.losses = np.zeros(len(self.arms))
        self._base = np.zeros(len(self.arms))

    def chances(self, at: float) -> np.ndarray:
        """By Newton's method for x, from below the least loss."""
        eta, losses = RATE / np.sqrt(self.told + 1), self.losses - self.losses.min()
        x = -2 / eta  # one arm alone would have all
        for _ in range(60):
            root = 2 / (eta * (losses - x))
            p = root * root
            step = (p.sum() - 1) / (eta * (p * root).sum())
            x -= step
            if abs(step) < 1e-10 * abs(x):
                break
        self._base = np.where(p >= eta * eta, 0.5, 0.0)
        found: np.ndarray = p / p.sum()
        return found

    def learn(self, arm: int, chance: float | None, at: float, cost: float) -> None:
        """Importance weighting of what a cost is beyond its base."""
        self.losses += self._base
        self.losses[arm] += (cost - self._base[arm]) / (chance or 1)


POLICY = TsallisInf
