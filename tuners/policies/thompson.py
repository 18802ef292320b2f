"""Thompson sampling with a Gaussian of unknown variance, on costs as they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from tuners.policy import Discrete

FIRST = 2  # plays of every arm before its posterior exists


class Thompson(Discrete):
    """Draw a mean for every arm from its posterior, play the least.

    The rule: theta_k = m_k + s_k / sqrt(n_k) * t, t Student's with n_k degrees of freedom, s_k^2 the mean square of
    n_k costs around m_k, plus 1e-9; every arm twice at first. A cost may be greater than ``scale``.

    Regret: O(sum over arms of gap log T / log(1 + gap^2 / sigma^2)), if costs are drawn from Gaussians and the
    prior is sigma^(-1 - 2 a) with a < 0. Source: Honda and Takemura, AISTATS 2014, theorem 1; n_k degrees of
    freedom are their a = -1/2.
    """

    FIELDS = ("counts", "means", "squares")
    CUT = False

    def __init__(self, arms: Any, **options: Any):
        super().__init__(arms, **options)
        self.counts, self.means, self.squares = np.zeros((3, len(self.arms)))

    def draw(self, at: float) -> tuple[int, float | None]:
        """The least draw; first of all those that were played less than twice, by chance."""
        least = self.counts.min()
        if least < FIRST:
            return int(self.rng.choice(np.flatnonzero(self.counts == least))), None
        n = self.counts
        theta = self.means + np.sqrt(self.squares / n + 1e-9) / np.sqrt(n) * self.rng.standard_t(n)
        return int(theta.argmin()), None

    def learn(self, arm: int, chance: float | None, at: float, cost: float) -> None:
        """Running mean and sum of squares (Welford)."""
        self.counts[arm] += 1
        away = cost - self.means[arm]
        self.means[arm] += away / self.counts[arm]
        self.squares[arm] += away * (cost - self.means[arm])


POLICY = Thompson
