"""Genetic search: what is tried is bred from what was good."""

from __future__ import annotations

from typing import Any

import numpy as np

from tuners.policies.epsilon_greedy import FREELY, EpsilonGreedy

PARENTS, TRIES = 10, 20  # that breed; children until one is an arm


class Genetic(EpsilonGreedy):
    """Epsilon-greedy, where arms to explore are children of good ones.

    The rule: as there; but once 30 arms were told, an arm to explore has each of its d values from one of two of
    the ten best, by chance, and each with probability 1 / d moved to a neighbouring value; of 20 children the first
    that is an arm and was not played, else any arm.

    Regret: none is proved. Source: Holland, Adaptation in Natural and Artificial Systems, 1975; for tuning kernels
    van Werkhoven, Future Generation Computer Systems 90, 2019, section 4.
    """

    def __init__(self, arms: Any, **options: Any):
        super().__init__(arms, **options)
        names = list(self.arms[0])
        values = [sorted({arm[name] for arm in self.arms}, key=lambda v: (str(type(v)), v)) for name in names]
        self._sizes = np.array([len(v) for v in values])
        places = [{v: i for i, v in enumerate(known)} for known in values]
        self._genes = np.array([[p[a[n]] for n, p in zip(names, places, strict=True)] for a in self.arms])
        self._arm = {tuple(row): k for k, row in enumerate(self._genes.tolist())}

    def explore(self) -> int:
        """A child, or any arm."""
        if (self.counts > 0).sum() < min(FREELY, len(self.arms)):
            return super().explore()
        ranked = np.where(self.counts > 0, self.means, np.inf).argsort(kind="stable")[:PARENTS]
        for _ in range(TRIES):
            one, other = self._genes[self.rng.choice(ranked, 2)]
            child = np.where(self.rng.uniform(size=len(one)) < 0.5, one, other)
            moved = self.rng.uniform(size=len(one)) < 1 / len(one)
            child = child + moved * self.rng.choice([-1, 1], len(one))
            arm = self._arm.get(tuple(np.clip(child, 0, self._sizes - 1).tolist()))
            if arm is not None and not self.counts[arm]:
                return arm
        return super().explore()


POLICY = Genetic
