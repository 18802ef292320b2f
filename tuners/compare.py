"""Policies compared on problems: every policy plays every problem with every seed, on the same costs."""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hpcbench.codec import digest, encode
from hpcbench.store import Journal, records
from tuners import policies
from tuners.problems import Problem, Table

POINTS = 40  # of a curve


@dataclass(frozen=True)
class Key:
    """What makes a run: policy and problem, a digest of what they are, the seed of both, and how many steps."""

    policy: str
    code: str
    problem: str
    seed: int
    steps: int


@dataclass(frozen=True)
class Play:
    """One run.

    Attributes
    ----------
    arms, costs : (steps,), what was played and what it cost; not a number where it failed.
    regret : (:func:`points`,), costs until then beyond those of the best fixed arm, over what choosing at random
        costs beyond it on average, in all.
    microseconds : for choosing and learning, per step.
    """

    key: Key
    arms: np.ndarray
    costs: np.ndarray
    scale: float
    regret: np.ndarray
    microseconds: float

    @cached_property
    def best(self) -> np.ndarray:
        """(steps,): the least cost seen until now, not a number before there is one."""
        found: np.ndarray = np.fmin.accumulate(self.costs)
        return found


def code(policy: str, problem: Problem) -> str:
    """A digest of a policy's class, of those that it derives from, of what makes a problem, and of this module."""
    kinds = [k for k in policies.policy(policy).__mro__ if k.__module__.startswith("tuners.")]
    make, given = getattr(problem.make, "func", problem.make), getattr(problem.make, "args", ())
    modules = [sys.modules[name] for name in (*(k.__module__ for k in kinds), make.__module__, __name__)]
    text = "".join(inspect.getsource(module) for module in (*modules, *problem.modules))
    return digest(encode([text, *given]))[:16]


def points(steps: int) -> np.ndarray:
    """The steps of a curve, from the first to the last, equally far in their logarithms."""
    found: np.ndarray = np.unique(np.geomspace(1, steps, POINTS).round().astype(int)) - 1
    return found


def play(key: Key, table: Table) -> Play:
    """One policy on one table."""
    policy = policies.policy(key.policy)(table.arms, scale=table.scale, bounds=table.bounds, seed=key.seed)
    place = {tuple(arm.items()): k for k, arm in enumerate(table.arms)}
    arms, costs, spent = np.zeros(key.steps, int), np.zeros(key.steps), 0.0
    clock = time.perf_counter
    for step in range(key.steps):
        begun = clock()
        trial = policy.ask((float(table.contexts[step]),))
        spent += clock() - begun
        arms[step] = place[tuple(trial.arm.items())]
        costs[step] = table.costs[step, arms[step]]
        failed = bool(np.isnan(costs[step]))
        begun = clock()
        policy.tell(trial, table.scale if failed else float(costs[step]), censored=failed)
        spent += clock() - begun
    paid = np.where(np.isnan(table.costs), table.scale, table.costs)
    fixed = paid[:, int(paid.sum(0).argmin())]
    chance = max(float(paid.mean(1).sum() - fixed.sum()), 1e-300)
    lost = np.cumsum(np.where(np.isnan(costs), table.scale, costs) - fixed)
    return Play(key, arms, costs, table.scale, lost[points(key.steps)] / chance, 1e6 * spent / key.steps)


def wanted(
    names: Sequence[str], problems: Mapping[str, Problem], seeds: Sequence[int], steps: int
) -> list[Key]:
    """All runs of a comparison."""
    names = list(dict.fromkeys(names))
    codes = {(n, p): code(n, one) for p, one in problems.items() for n in names}
    return [Key(n, codes[n, p], p, seed, steps) for p in problems for seed in seeds for n in names]


def run(
    keys: Sequence[Key],
    problems: Mapping[str, Problem],
    journal: Journal,
    on_event: Callable[[str, Mapping[str, Any]], None],
) -> None:
    """Run what is wanted, and acknowledge each in the journal."""
    made: tuple[object, Table | None] = None, None
    for done, key in enumerate(keys, 1):
        what = key.problem, key.seed
        if made[0] != what:
            rng = np.random.default_rng([key.seed, 1])  # not the policies' own
            made = what, problems[key.problem].make(key.steps, rng)
        assert made[1] is not None
        one = play(key, made[1])
        body = {name: v.tolist() if isinstance(v, np.ndarray) else v for name, v in vars(one).items()}
        body["costs"] = [None if np.isnan(c) else c for c in one.costs.tolist()]
        journal.append([("event", "play", body)])
        where = {"case": f"{key.problem}, seed {key.seed}", "name": key.policy}
        on_event("step", {**where, "done": done, "of": len(keys)})


def read(paths: Iterable[Path]) -> dict[Key, Play]:
    """All runs of some journals."""
    found = {}
    for path in paths:
        for row in records(path):
            if row["key"] == "play":
                one = _play(row["body"])
                found[one.key] = one
    return found


def _play(body: Mapping[str, Any]) -> Play:
    costs = np.array([np.nan if c is None else c for c in body["costs"]], float)
    regret = np.array(body["regret"], float)
    return Play(
        Key(**body["key"]), np.array(body["arms"], int), costs, body["scale"], regret, body["microseconds"]
    )
