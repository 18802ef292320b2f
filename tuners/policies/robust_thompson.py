"""Thompson sampling on logarithms of costs: great ones weigh little, however great."""

from __future__ import annotations

from typing import Any

import numpy as np

from tuners.policies.thompson import Thompson

EARLY, PART = 20, 0.1  # costs that tell the usual one; of that, what is added before logarithms are taken


class RobustThompson(Thompson):
    """Thompson sampling where an arm's costs may have a heavy tail.

    The rule: the first 20 plays are shared out evenly, and u is the median of their costs; from then on as there
    (:class:`~tuners.policies.thompson.Thompson`), of log(c + u / 10) for a cost c.

    Regret: none is proved; what is sought is the least mean of these logarithms, which is the least mean cost where
    arms differ by a factor. Source: logarithms, Box and Cox, J. R. Stat. Soc. B 26(2), 1964; the rest is as there.
    """

    FIELDS = (*Thompson.FIELDS, "early")

    def __init__(self, arms: Any, **options: Any):
        super().__init__(arms, **options)
        self.early = np.empty((0, 2))  # arm and cost, the first of all

    def draw(self, at: float) -> tuple[int, float | None]:
        """One of those that were played least, until there are 20 costs."""
        if len(self.early) < EARLY:
            plays = np.bincount(self.early[:, 0].astype(int), minlength=len(self.arms))
            return int(self.rng.choice(np.flatnonzero(plays == plays.min()))), None
        return super().draw(at)

    def learn(self, arm: int, chance: float | None, at: float, cost: float) -> None:
        """Keep the first costs; once there are enough, learn from them and from what follows."""
        fresh = [(arm, cost)]
        if len(self.early) < EARLY:
            self.early = np.vstack([self.early, fresh])
            if len(self.early) < EARLY:
                return
            fresh = [(int(k), c) for k, c in self.early]
        added = max(PART * float(np.median(self.early[:, 1])), 1e-12)
        for k, c in fresh:
            super().learn(k, chance, at, float(np.log(c + added)))


POLICY = RobustThompson
