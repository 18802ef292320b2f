"""Regenerates the tables of docs/policies.md: all of them, or the blocks named on the command line.

    python docs/policies.py [BLOCK ...]    (all recorded slopes)

Each is one `hpcbench tune compare`, whose journals stay in runs/policies; what is there is not played again.
HPCBENCH_RECORDED names a folder with recorded tunings (Kernel Tuner's cache files) for `recorded`.
"""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from blocks import HPCBENCH, regenerate

from tuners import policies

PAGE = Path(__file__).with_name("policies.md")
RUNS = "runs/policies"
STEPS = (1000, 10_000, 100_000)


def compared(*words: str) -> str:
    """One column per policy, the best by mean rank first."""
    line = [*HPCBENCH, "tune", "compare", *words, "--runs", RUNS, "--json"]
    done = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True)
    rows = [json.loads(text) for text in done.stdout.splitlines()]
    names, problems = [row["policy"] for row in rows], list(rows[0]["regret"])
    lines = [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for problem in problems:
        values = [row["regret"][problem] for row in rows]
        cells = [f"**{v:.3f}**" if v == min(values) else f"{v:.3f}" for v in values]
        lines.append(f"| {problem} | {' | '.join(cells)} |")
    ranks = [f"{row['rank']:.2f}" for row in rows]
    lines.append(f"| mean rank | {' | '.join(ranks)} |")
    return "\n".join(lines)


def all_problems() -> str:
    """Those that are built in."""
    words = ["--problem", "all", "--seeds", "10", "--steps", "1000"]
    return f"`hpcbench tune compare {' '.join(words)}`\n\n{compared(*words)}"


def recorded() -> str:
    """Recorded tunings."""
    files = sorted(Path(os.environ["HPCBENCH_RECORDED"]).glob("*.json*"))
    words = ["--seeds", "10", "--steps", "1000"]
    table = compared("--recorded", *map(str, files), *words)
    return (
        f"`hpcbench tune compare --recorded {' '.join(f.name for f in files)} {' '.join(words)}`\n\n{table}"
    )


def regret(policy: str, chosen: bool, steps: int, seed: int) -> float:
    """Against the best fixed one of five arms, noise of +- 0.1.

    Drawn: the fourth costs 0.4, the others 0.7. Chosen: it costs 0.4, the others 0.5, but after half of the time the
    second 0.1, which nobody sees who no longer plays it.
    """
    arms = [{"arm": k} for k in range(5)]
    one, rng = policies.policy(policy)(arms, seed=seed), np.random.default_rng([seed, 1])
    means = np.array(
        [[0.5, 0.5, 0.5, 0.4, 0.5], [0.5, 0.1, 0.5, 0.4, 0.5]] if chosen else [[0.7, 0.7, 0.7, 0.4, 0.7]] * 2
    )
    paid = 0.0
    for step in range(steps):
        trial = one.ask((0.5,))
        mean = means[2 * step // steps, int(trial.arm["arm"])]
        one.tell(trial, mean + rng.uniform(-0.1, 0.1))
        paid += mean
    return paid - float(means.mean(0).min()) * steps


def slopes() -> str:
    """How regret grows, 30 seeds."""
    heads = ["", *(f"{kind}, 10{power} steps" for kind in ("drawn", "chosen") for power in "³⁴⁵")]
    heads[4:4], heads[8:] = ["slope"], ["slope"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    with ProcessPoolExecutor() as pool:
        for name in policies.names():
            cells = []
            for chosen in (False, True):
                found = [
                    np.mean(list(pool.map(partial(regret, name, chosen, steps), range(30))))
                    for steps in STEPS
                ]
                slope = np.log10(found[2] / found[0]) / 2 if min(found) > 0 else np.nan
                cells += [*(f"{m:.1f}" for m in found), "" if np.isnan(slope) else f"{slope:.2f}"]
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


BLOCKS = {"all": all_problems, "recorded": recorded, "slopes": slopes}

if __name__ == "__main__":
    regenerate(PAGE, BLOCKS)
