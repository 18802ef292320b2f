"""A wrapper for policies: all is forgotten when an arm's costs have changed."""

from __future__ import annotations

from typing import Any

import numpy as np

from tuners.policy import Discrete

FIRST, SLACK, ALARM = (
    10,
    0.5,
    8.0,
)  # costs of an arm until it is watched; deviations that are borne; sum that is not


class Restarting(Discrete):
    """Base to put before a policy's own, which then begins anew after a change.

    The rule: two sums for every arm, of how far its costs lie above and below their mean until then, in standard
    deviations less 0.5, never below 0; above 8, all that was learned is forgotten.

    Source: Page, Biometrika 41, 1954; for bandits Liu, Lee and Shroff, AAAI 2018.
    """

    def __init__(self, arms: Any, **options: Any):
        super().__init__(arms, **options)
        self.FIELDS = (*self.FIELDS, "watched")
        self.watched = np.zeros((5, len(self.arms)))  # count, mean, squares, sum above, sum below
        self._first = {name: getattr(self, name).copy() for name in self.FIELDS}

    def learn(self, arm: int, chance: float | None, at: float, cost: float) -> None:
        """As the policy does; then watch."""
        super().learn(arm, chance, at, cost)  # type: ignore[safe-super]
        count, mean, squares, above, below = self.watched[:, arm]
        if count >= FIRST:
            away = (cost - mean) / np.sqrt(squares / count + 1e-12)
            above, below = max(0.0, above + away - SLACK), max(0.0, below - away - SLACK)
        if max(above, below) > ALARM:
            for name, values in self._first.items():
                setattr(self, name, values.copy())
            self.told = 0
            return
        step = (cost - mean) / (count + 1)
        self.watched[:, arm] = (
            count + 1,
            mean + step,
            squares + (cost - mean) * (cost - mean - step),
            above,
            below,
        )
