"""Successive halving by paired races, again and again."""

from __future__ import annotations

from typing import Any

import numpy as np

from tuners.policy import Discrete

MOST = 64  # arms that a race begins with
PACE = 30  # as many steps at first, and the pace at which races become rare


class SuccessiveHalving(Discrete):
    """Race some arms in blocks, drop the half that is behind, until one is left; play that one for a while.

    The rule: a race begins with 64 arms by chance (or all), the last winner among them. In a block each arm that is
    left is played once, in a new order, and has its rank in that block. After one block, then two, four, …, the
    half with the greater sum of ranks is out. The winner is played while more than 2 sqrt(30 t) of t steps were in
    races. A cost may be greater than ``scale``.

    Regret: O(sqrt(T)) for the steps spent on races, if costs are drawn and the best arm soon wins them; none is
    proved for more. Source: Karnin, Koren and Somekh, ICML 2013, algorithm 1; ranks in blocks: Friedman, J. Am.
    Stat. Assoc. 32, 1937; the pace is ours.
    """

    FIELDS = ("racing", "queue", "costs", "seen", "ranks", "numbers")
    CUT = False

    def __init__(self, arms: Any, **options: Any):
        super().__init__(arms, **options)
        self.numbers = np.zeros(
            3, int
        )  # the last winner; steps spent on races; blocks until the next half is out
        self._begin()

    def _begin(self) -> None:
        picked = self.rng.permutation(len(self.arms))[:MOST]
        if self.told and self.numbers[0] not in picked:
            picked[0] = self.numbers[0]
        self.numbers[2] = 1
        self._race(picked)

    def _race(self, racing: np.ndarray) -> None:
        self.racing, self.costs, self.ranks = racing, np.zeros(len(racing)), np.zeros(len(racing))
        self.seen = np.zeros(len(racing), bool)
        blocks = int(self.numbers[2]) if len(racing) > 1 else 0
        orders = [self.rng.permutation(racing) for _ in range(blocks)]
        self.queue = np.concatenate([np.empty(0, int), *orders])

    def draw(self, at: float) -> tuple[int, float | None]:
        """The next of the race; the last winner where there is no race, or its last costs are waited for."""
        if not len(self.queue):
            return int(self.numbers[0]), None
        self.numbers[1] += 1
        arm, self.queue = int(self.queue[0]), self.queue[1:]
        return arm, None

    def learn(self, arm: int, chance: float | None, at: float, cost: float) -> None:
        """Rank a block when all its costs are there, and halve at the end of a round."""
        if len(self.racing) == 1:
            if self.numbers[1] < 2 * np.sqrt(PACE * self.told):
                self._begin()
            return
        place = self.racing == arm
        self.costs[place], self.seen[place] = cost, True
        if not self.seen.all():
            return
        self.ranks += self.costs.argsort(kind="stable").argsort()
        self.seen[:] = False
        if not len(self.queue):
            left = self.racing[self.ranks.argsort(kind="stable")][: len(self.racing) // 2]
            self.numbers[0] = left[0]
            self.numbers[2] *= 2
            self._race(left)


POLICY = SuccessiveHalving
