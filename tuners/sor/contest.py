"""Contenders that solve the same systems one after the other, each with the omegas it chooses."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcbench.protocols import Policy
from hpcbench.store import Journal, records
from tuners import policies
from tuners.policy import PolicyError
from tuners.sor.omega import OmegaTuner
from tuners.sor.one_solve import OneSolve
from tuners.sor.solver import Solver, names
from tuners.sor.streams import Kind, System

if TYPE_CHECKING:
    from pandas import DataFrame

GRID = tuple(1 + k / 20 for k in range(20))  # of the published comparison
DEAR = 10  # times the slowest of a system: the seconds of a solve that did not come to its end
OURS, RECIPE = "omega_tuner", "one_solve"
Solve = Callable[[System], tuple[int, np.ndarray | None]]  # iterations, and x where it was found


@dataclass(frozen=True)
class Contest:
    """What one run of a stream cost, in iterations or seconds.

    ``grid`` (steps, omegas): with each fixed omega; ``costs``: of each contender (steps,). A solve that did not
    come to its end counts ``limit`` iterations, or ten times the seconds of the slowest; failed attempts and
    estimates count, too.
    """

    stream: str
    seed: int
    solver: str
    limit: int
    unit: str
    omegas: tuple[float, ...]
    grid: np.ndarray
    costs: Mapping[str, np.ndarray]

    def write(self, journal: Journal) -> None:
        """Acknowledge it in a journal."""
        body = {**vars(self), "grid": self.grid.tolist()}
        journal.append(
            [("event", "contest", body | {"costs": {k: v.tolist() for k, v in self.costs.items()}})]
        )


def read(path: Path) -> list[Contest]:
    """All contests of a journal."""
    return [_contest(row["body"]) for row in records(path) if row["key"] == "contest"]


def frame(contests: Sequence[Contest]) -> DataFrame:
    """One row per seed, system and contender.

    Columns: ``stream, seed, system`` (from 1), ``contender`` (fixed omegas, too: ``omega=1.05``), ``cost, unit``
    (iterations or seconds), ``solver, limit``.
    """
    import pandas as pd

    parts = []
    for one in contests:
        every = {f"omega={w!r}": one.grid[:, k] for k, w in enumerate(one.omegas)} | dict(one.costs)
        wide = pd.DataFrame(every, index=pd.RangeIndex(1, len(one.grid) + 1, name="system"))
        part = wide.melt(var_name="contender", value_name="cost", ignore_index=False).reset_index()
        of = {name: getattr(one, name) for name in ("stream", "seed", "unit", "solver", "limit")}
        parts.append(part.assign(**of))
    names = ["stream", "seed", "system", "contender", "cost", "unit", "solver", "limit"]
    return pd.concat(parts, ignore_index=True)[names]


def _contest(body: dict[str, Any]) -> Contest:
    costs = {name: np.array(values) for name, values in body["costs"].items()}
    return Contest(
        **{**body, "omegas": tuple(body["omegas"]), "grid": np.array(body["grid"]), "costs": costs}
    )


def contest(
    name: str,
    kind: Kind,
    contenders: Sequence[str],
    *,
    steps: int,
    seed: int,
    solver: str = "sor",
    omegas: Sequence[float] = GRID,
    limit: int = 10_000,
    unit: str = "iterations",
    on_event: Callable[[str, Mapping[str, Any]], None] = lambda kind, body: None,
) -> Contest:
    """Run contenders over one stream, in step, with every fixed omega beside them.

    Parameters
    ----------
    contenders : ``omega_tuner``, ``one_solve``, names of policies, which choose from ``omegas``, or of solvers.
    steps : systems at most; fewer where a stream ends.
    seed : of the stream, of the policies, and of the order in which contenders take a system.
    limit : iterations of a solve at most.
    unit : ``iterations``, or ``seconds`` of wall time, all that a contender does counted.

    Raises
    ------
    HpcbenchError
        When there is no such policy or solver.
    """
    plain = Solver(solver, limit=limit)
    fixed = [_with(Solver(solver, limit=limit), omega) for omega in omegas]
    known = policies.names()
    learners: dict[str, Policy] = {
        one: policies.policy(one)(
            [{"omega": w} for w in omegas], scale=kind.scale, bounds=kind.bounds, seed=seed
        )
        for one in contenders
        if one in known
    }
    own = {one: _contender(one, plain) for one in contenders if one not in known}
    entries: list[tuple[str | int, Solve]] = [*enumerate(fixed), *own.items()]
    steps = min(steps, kind.systems or steps)
    grid, costs = np.zeros((steps, len(fixed))), {one: np.zeros(steps) for one in contenders}
    stream, order = kind.make(np.random.default_rng(seed)), np.random.default_rng(seed)
    system = next(stream)
    for done in range(steps):
        x, row, failed, counts = system.x0, {}, [], {}
        for place in order.permutation(len(entries)):
            who, solve = entries[place]
            begun = time.perf_counter()
            count, found = solve(system)
            row[who] = time.perf_counter() - begun if unit == "seconds" else float(count)
            counts[who] = float(count)
            if found is None:
                failed.append(who)
            else:
                x = found
        if unit == "seconds":
            row |= dict.fromkeys(failed, DEAR * max(row.values()))
        grid[done] = [row[k] for k in range(len(fixed))]
        for one in own:
            costs[one][done] = row[one]
        for one, learner in learners.items():
            begun = time.perf_counter()
            trial = learner.ask((system.context,))
            place = omegas.index(float(trial.arm["omega"]))
            learner.tell(trial, counts[place])  # as published, whatever is compared
            costs[one][done] = grid[done, place] + (time.perf_counter() - begun if unit == "seconds" else 0.0)
        on_event("step", {"case": f"{name}, seed {seed}", "name": "system", "done": done + 1, "of": steps})
        if done + 1 < steps:
            system = stream.send(x)
    return Contest(name, seed, solver, limit, unit, tuple(omegas), grid, costs)


def check(contenders: Sequence[str], solver: str, limit: int) -> None:
    """Raise what :func:`contest` would, before anything is run."""
    plain = Solver(solver, limit=limit)
    for one in contenders:
        if one not in policies.names():
            _contender(one, plain)


def _with(solver: Solver, omega: float) -> Solve:
    def solve(system: System) -> tuple[int, np.ndarray | None]:
        found = solver(system.a, system.b, system.x0, omega=omega)
        return (solver.limit, None) if found.stopped else (found.iterations, found.x)

    return solve


def _contender(name: str, plain: Solver) -> Solve:
    if name == OURS:
        tuner = OmegaTuner(plain.variant, limit=plain.limit)

        def tuned(system: System) -> tuple[int, np.ndarray | None]:
            found = tuner.solve(system.a, system.b, system.x0)
            if found.stopped:
                return max(found.iterations, plain.limit), None
            return found.iterations, found.x

        return tuned
    if name == RECIPE:
        return OneSolve(plain).solve
    if name not in names():
        known = ", ".join([OURS, RECIPE, *policies.names()])
        raise PolicyError(f"--policy {name}: {known}, or a solver is expected: {', '.join(names())}")
    return _with(Solver(name, limit=plain.limit), 1.0)
