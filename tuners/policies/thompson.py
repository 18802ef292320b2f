"""Thompson sampling with a Gaussian of unknown variance, on costs as they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from tuners.policy import Discrete

FIRST = 4  # plays of every arm at first


class Thompson(Discrete):
    """Draw a mean for every arm from its posterior, play the least.

    The rule: theta_k = m_k + sqrt(S_k / (n_k (n_k - 2))) t, t Student's with n_k - 2 degrees of freedom, S_k the
    sum of squares of n_k costs around their mean m_k, plus 1e-9; every arm four times at first. A cost may be
    greater than ``scale``.

    Regret: O(sum over arms of gap log T / log(1 + gap^2 / sigma^2)), if costs are drawn from Gaussians and the
    prior is sigma^(-1 - 2 a) with a < 0. Source: Honda and Takemura, AISTATS 2014, theorem 1; a = -1/2.
    """

    FIELDS: tuple[str, ...] = ("counts", "means", "squares")
    CUT = False

    def __init__(self, arms: Any, **options: Any):
        super().__init__(arms, **options)
        self.counts, self.means, self.squares = np.zeros((3, len(self.arms)))

    def draw(self, at: float) -> tuple[int, float | None]:
        """The least draw; first of all those that were played less than four times, by chance."""
        least = self.counts.min()
        if least < FIRST:
            return int(self.rng.choice(np.flatnonzero(self.counts == least))), None
        free = self.counts - 2
        width = np.sqrt((self.squares + 1e-9) / (self.counts * free))
        theta = self.means + width * self.rng.standard_t(free)
        return int(theta.argmin()), None

    def learn(self, arm: int, chance: float | None, at: float, cost: float) -> None:
        """Running mean and sum of squares (Welford)."""
        self.counts[arm] += 1
        away = cost - self.means[arm]
        self.means[arm] += away / self.counts[arm]
        self.squares[arm] += away * (cost - self.means[arm])


POLICY = Thompson
