"""Epsilon-greedy: now and then any arm, else the best one so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from tuners.policy import Discrete

FREELY = 30  # steps at first in which any arm is played, and the pace at which that becomes rare


class EpsilonGreedy(Discrete):
    """Explore with a probability that falls like the root of time.

    The rule: with probability e_t = min(1, sqrt(30 / t)) an arm by chance, else the one with the least mean cost of
    those that were played. A failure counts as ``scale``.

    Regret: O(sqrt(T)) for the steps spent on exploring, if costs are drawn and the best of few arms is soon known;
    none is proved for more arms than steps, where what counts is how good the best of those is that were seen.
    Source: Sutton and Barto, Reinforcement Learning, 2nd ed., 2018, section 2.2; e_t is ours.
    """

    FIELDS = ("counts", "means")

    def __init__(self, arms: Any, **options: Any):
        super().__init__(arms, **options)
        self.counts, self.means = np.zeros((2, len(self.arms)))

    def draw(self, at: float) -> tuple[int, float | None]:
        """Explore or not."""
        free = self.rng.uniform() < np.sqrt(FREELY / (self.told + 1))
        if free or not self.counts.any():
            return self.explore(), None
        return int(np.where(self.counts > 0, self.means, np.inf).argmin()), None

    def explore(self) -> int:
        """Any arm."""
        return int(self.rng.integers(len(self.arms)))

    def learn(self, arm: int, chance: float | None, at: float, cost: float) -> None:
        """Running means."""
        self.counts[arm] += 1
        self.means[arm] += (cost - self.means[arm]) / self.counts[arm]


POLICY = EpsilonGreedy
