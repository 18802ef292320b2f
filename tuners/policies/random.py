"""Random choice: the control that learns nothing."""

from __future__ import annotations

import numpy as np

from tuners.policy import Randomised


class Random(Randomised):
    """Every arm with the same chance, always.

    Regret: T times the mean gap. Source: none is needed.
    """

    def chances(self, at: float) -> np.ndarray:
        """All alike."""
        return np.full(len(self.arms), 1 / len(self.arms))

    def learn(self, arm: int, chance: float | None, at: float, cost: float) -> None:
        """Nothing: it is the control."""


POLICY = Random
