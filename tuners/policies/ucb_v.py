"""UCB-V: the least that a cost may be on average, by its mean and its variance."""

from __future__ import annotations

from typing import Any

import numpy as np

from tuners.policy import Discrete

DOUBT = 1.2  # times log t


class UcbV(Discrete):
    """Optimism in the face of uncertainty, with empirical variances.

    The rule: the arm with the least m_k - sqrt(2 v_k e / n_k) - 3 e / n_k, m and v the mean and the variance of its
    n costs in [0, 1], e = 1.2 log t; arms that were never played first.

    Regret: O(sum over arms of (variance / gap + 1) log T), if costs are drawn. Source: Audibert, Munos and
    Szepesvari, Theoretical Computer Science 410, 2009, theorem 3, with zeta = 1.2 and c = 1.
    """

    FIELDS = ("counts", "means", "squares")

    def __init__(self, arms: Any, **options: Any):
        super().__init__(arms, **options)
        self.counts, self.means, self.squares = np.zeros((3, len(self.arms)))

    def draw(self, at: float) -> tuple[int, float | None]:
        """The least bound; a first arm by chance."""
        new = np.flatnonzero(self.counts == 0)
        if len(new):
            return int(self.rng.choice(new)), 1 / len(new)
        doubt = DOUBT * np.log(self.told + 1) / self.counts
        bound = self.means - np.sqrt(2 * self.squares / self.counts * doubt) - 3 * doubt
        return int(bound.argmin()), 1.0

    def learn(self, arm: int, chance: float | None, at: float, cost: float) -> None:
        """Running mean and sum of squares (Welford)."""
        self.counts[arm] += 1
        away = cost - self.means[arm]
        self.means[arm] += away / self.counts[arm]
        self.squares[arm] += away * (cost - self.means[arm])


POLICY = UcbV
