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
    half with the greater sum of ranks is out (of an odd number the greater half; chance decides between equals).
    The winner is played while more than 2 sqrt(30 t) of t steps were in races. A cost may exceed ``scale``. Where
    several trials are open, a cost belongs to the first block that lacks one of its arm; what is lacking is played
    again.

    Regret: O(sqrt(T)) for the steps spent on races, if costs are drawn and the best arm soon wins them; none is
    proved for more. Source: Karnin, Koren and Somekh, ICML 2013, algorithm 1; ranks in blocks: Friedman, J. Am.
    Stat. Assoc. 32, 1937; the pace is ours.
    """

    FIELDS = ("racing", "order", "costs", "seen", "winner", "raced", "blocks")
    CUT = False

    def __init__(self, arms: Any, **options: Any):
        super().__init__(arms, **options)
        self.winner, self.raced, self.blocks = np.zeros((3, 1), int)  # raced: steps; blocks: of this round
        self._begin()

    def _begin(self) -> None:
        picked = self.rng.permutation(len(self.arms))[:MOST]
        if self.told and self.winner[0] not in picked:
            picked[0] = self.winner[0]
        self.blocks[0] = 1
        self._race(picked)

    def _race(self, racing: np.ndarray) -> None:
        shape = int(self.blocks[0]) if len(racing) > 1 else 0, len(racing)
        self.racing, self.costs, self.seen = racing, np.zeros(shape), np.zeros(shape, bool)
        orders = [self.rng.permutation(len(racing)) for _ in range(shape[0])]
        self.order = np.concatenate([np.empty(0, int), *orders])  # places in ``racing`` that are to be played

    def draw(self, at: float) -> tuple[int, float | None]:
        """The next of the race, again what is lacking at its end; the last winner where there is no race."""
        if self.seen.all():
            return int(self.winner[0]), None
        if not len(self.order):
            self.order = np.flatnonzero(~self.seen.all(0))
        self.raced[0] += 1
        place, self.order = int(self.order[0]), self.order[1:]
        return int(self.racing[place]), None

    def learn(self, arm: int, chance: float | None, at: float, cost: float) -> None:
        """Keep the cost where one of its arm is lacking; halve at the end of a round."""
        if self.seen.all():
            if self.raced[0] < 2 * np.sqrt(PACE * self.told):
                self._begin()
            return
        lacking = np.argwhere((self.racing == arm) & ~self.seen)
        if len(lacking):
            block, place = lacking[0]
            self.costs[block, place], self.seen[block, place] = cost, True
        if self.seen.all():
            higher = self.costs[:, :, None] - self.costs[:, None, :]
            ranks = np.where(higher == 0, 0.5, higher > 0).sum((0, 2))
            order = np.lexsort((self.rng.uniform(size=len(ranks)), ranks))
            left = self.racing[order][: len(order) // 2]
            self.winner[0] = left[0]
            self.blocks[0] *= 2
            self._race(left)


POLICY = SuccessiveHalving
