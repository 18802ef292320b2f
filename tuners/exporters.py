"""A comparison for other tools: a table of curves, and logs of trials."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tuners.compare import Key, Play, points

if TYPE_CHECKING:
    from pandas import DataFrame


def frame(plays: Mapping[Key, Play]) -> DataFrame:
    """One row per run and point of its curve.

    Columns: ``policy, problem, seed, step`` (from 1), ``regret`` (at the end 0 is the best fixed arm, 1 choosing at
    random), ``best`` (least cost until then), ``cost`` (mean until then, failures at the problem's scale),
    ``microseconds`` (choosing and learning, per step).
    """
    import pandas as pd

    rows = []
    for key, one in plays.items():
        at = points(key.steps)
        paid = np.cumsum(np.where(np.isnan(one.costs), one.scale, one.costs)) / np.arange(1, key.steps + 1)
        of = {"policy": key.policy, "problem": key.problem, "seed": key.seed}
        rows += [
            {**of, "step": int(t) + 1, "regret": float(regret), "best": float(one.best[t]),
             "cost": float(paid[t]), "microseconds": one.microseconds}
            for t, regret in zip(at, one.regret, strict=True)
        ]  # fmt: skip
    return pd.DataFrame(rows)


def trials(plays: Mapping[Key, Play], folder: Path) -> int:
    """Logs of all trials as carps keeps them; how many files.

    ``folder/POLICY/PROBLEM/SEED/trial_logs.jsonl``, one line per trial, its ``config`` the number of the arm; a
    failure has no cost and status 2, as a crash has there.
    """
    for key, one in plays.items():
        place = folder / key.policy / key.problem / str(key.seed)
        place.mkdir(parents=True, exist_ok=True)
        lines = [
            _trial(n, arm, cost, key.seed)
            for n, (arm, cost) in enumerate(zip(one.arms, one.costs, strict=True), 1)
        ]
        (place / "trial_logs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return len(plays)


def _trial(number: int, arm: int, cost: float, seed: int) -> dict[str, object]:
    failed = bool(np.isnan(cost))
    info = dict.fromkeys(("instance", "budget", "normalized_budget", "name", "checkpoint"))
    value = {
        "cost": None if failed else float(cost),
        "time": 0.0,
        "virtual_time": 0.0,
        "status": 2 if failed else 1,
    }
    return {
        "n_trials": number, "n_function_calls": number,
        "trial_info": {"config": [int(arm)], "seed": seed, **info},
        "trial_value": {**value, "starttime": 0.0, "endtime": 0.0, "additional_info": {}},
    }  # fmt: skip
