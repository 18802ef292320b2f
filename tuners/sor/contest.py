"""Contenders that solve the same systems one after the other, each with the omegas it chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tuners import policies
from tuners.policy import Discrete
from tuners.sor.omega import OmegaTuner
from tuners.sor.one_solve import OneSolve
from tuners.sor.solver import Solver
from tuners.sor.streams import Kind, System

GRID = tuple(1 + k / 20 for k in range(20))  # of the published comparison
OURS, RECIPE = "omega_tuner", "one_solve"


class Contender(Protocol):
    """Whoever solves systems: how many iterations it took, those of failed attempts and estimates included."""

    def solve(self, system: System) -> int:
        """Solve one."""


@dataclass(frozen=True)
class Contest:
    """What one run of a stream cost.

    ``grid`` (steps, 20): iterations with each fixed omega; ``costs``: of each contender (steps,); a solve that did
    not come to its end counts as ``limit``.
    """

    stream: str
    seed: int
    limit: int
    grid: np.ndarray
    costs: Mapping[str, np.ndarray]


class _Tuned:
    def __init__(self, solver: str, limit: int):
        self.tuner = OmegaTuner(solver, limit=limit)

    def solve(self, system: System) -> int:
        return self.tuner.solve(system.a, system.b, system.x0).iterations


def contest(
    name: str,
    kind: Kind,
    contenders: Sequence[str],
    *,
    steps: int,
    seed: int,
    solver: str = "sor",
    limit: int = 10_000,
    on_event: Callable[[str, Mapping[str, Any]], None] = lambda kind, body: None,
) -> Contest:
    """Run contenders over one stream, in step, with every omega of the grid beside them.

    Parameters
    ----------
    contenders : ``omega_tuner``, ``one_solve``, or names of policies, which choose from the grid.
    steps : systems at most; fewer where a stream ends.
    seed : of the stream and of the policies.
    limit : iterations of a solve at most.
    """
    plain = Solver(solver, limit=limit)
    learners: dict[str, Discrete] = {}
    own: dict[str, Contender] = {}
    for one in contenders:
        if one == OURS:
            own[one] = _Tuned(solver, limit)
        elif one == RECIPE:
            own[one] = OneSolve(plain)
        else:
            learners[one] = policies.policy(one)(
                [{"omega": w} for w in GRID], scale=kind.scale, bounds=kind.bounds, seed=seed
            )
    grid = np.zeros((steps, len(GRID)))
    costs = {one: np.zeros(steps) for one in contenders}
    stream = kind.make(np.random.default_rng(seed))
    system, done = next(stream), 0
    while True:
        x = system.x0
        for k, omega in enumerate(GRID):
            found = plain(system.a, system.b, system.x0, omega=omega)
            grid[done, k] = limit if found.stopped else found.iterations
            x = x if found.stopped else found.x
        for one, learner in learners.items():
            trial = learner.ask((system.context,))
            cost = grid[done, GRID.index(float(trial.arm["omega"]))]
            learner.tell(trial, cost, censored=cost >= limit)
            costs[one][done] = cost
        for one, contender in own.items():
            costs[one][done] = contender.solve(system)
        done += 1
        on_event("step", {"case": f"{name}, seed {seed}", "name": "system", "done": done, "of": steps})
        try:
            if done == steps:
                break
            system = stream.send(x)
        except StopIteration:
            break
    return Contest(name, seed, limit, grid[:done], {one: c[:done] for one, c in costs.items()})
