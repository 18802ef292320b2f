"""Bandits whose costs are drawn, or chosen, by a rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator as Random

from tuners.problems import Problem, Table


def _table(costs: np.ndarray, contexts: np.ndarray | None = None, scale: float = 1.0) -> Table:
    steps, count = costs.shape
    arms = [{"arm": k} for k in range(count)]
    return Table(arms, costs, np.zeros(steps) if contexts is None else contexts, scale)


def gaussian(steps: int, rng: Random) -> Table:
    """Ten arms, the best 0.1 below the others, noise of 0.1."""
    mean = np.full(10, 0.5)
    mean[rng.integers(10)] -= 0.1
    return _table(np.clip(mean + 0.1 * rng.standard_normal((steps, 10)), 0, 1))


def line(steps: int, rng: Random) -> Table:
    """Thirty arms on a parabola, whose neighbours hardly differ: noise of 0.05."""
    place = np.linspace(0, 1, 30)
    mean = 0.2 + 0.6 * (place - rng.uniform(0.2, 0.8)) ** 2
    return _table(np.clip(mean + 0.05 * rng.standard_normal((steps, 30)), 0, 1))


def heavy(steps: int, rng: Random) -> Table:
    """Ten arms whose costs have a tail of index 1.5, the best with a mean 30 % below the others'."""
    size = np.full(10, 0.1)
    size[rng.integers(10)] *= 0.7
    return _table(size * (1 + rng.pareto(1.5, (steps, 10))) / 3)


def switching(steps: int, rng: Random) -> Table:
    """Eight arms, another one the best in each tenth of the time, and one that is never bad."""
    costs, best = np.full((steps, 8), 0.6), 0
    for part in np.array_split(np.arange(steps), 10):
        best = int(rng.choice([k for k in range(1, 8) if k != best]))
        costs[part, best] = 0.1
    costs[:, 0] = 0.4
    return _table(np.clip(costs + 0.1 * rng.standard_normal(costs.shape), 0, 1))


def turned(steps: int, rng: Random) -> Table:
    """Two arms; the one that is ahead for a third of the time is behind for the rest."""
    costs = np.full((steps, 2), 0.4)
    costs[: steps // 3, 1], costs[steps // 3 :, 0] = 0.6, 0.6
    return _table(np.clip(costs + 0.05 * rng.standard_normal(costs.shape), 0, 1))


def contextual(steps: int, rng: Random) -> Table:
    """Ten arms, each the best for a tenth of the contexts, of which low ones are usual."""
    contexts, place = rng.beta(2, 5, steps), (np.arange(10) + 0.5) / 10
    costs = 0.2 + (contexts[:, None] - place) ** 2
    return _table(np.clip(costs + 0.05 * rng.standard_normal(costs.shape), 0, 1), contexts)


def failing(steps: int, rng: Random) -> Table:
    """Ten arms of which the cheapest three fail in every second step."""
    mean = np.sort(rng.uniform(0.1, 0.6, 10))
    costs = np.clip(mean + 0.05 * rng.standard_normal((steps, 10)), 0, 1)
    costs[:, :3][rng.uniform(size=(steps, 3)) < 0.5] = np.nan
    return _table(costs)


def misjudged(steps: int, rng: Random) -> Table:
    """As gaussian, but nobody knew that costs are a hundred times less than was thought."""
    return replace(gaussian(steps, rng), scale=100.0)


PROBLEMS = {
    "gaussian": Problem(gaussian, "dev", "ten arms, one better by one standard deviation"),
    "switching": Problem(switching, "dev", "another arm the best in each tenth of the time"),
    "contextual": Problem(contextual, "dev", "each arm the best for a tenth of the contexts"),
    "line": Problem(line, "test", "thirty arms whose neighbours hardly differ"),
    "heavy": Problem(heavy, "test", "costs with a heavy tail"),
    "turned": Problem(turned, "test", "the arm that is ahead at first falls behind"),
    "misjudged": Problem(misjudged, "test", "as gaussian, its scale a hundred times too great"),
    "failing": Problem(failing, "test", "the cheapest arms often fail"),
}
