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
from pathlib import Path

import numpy as np
from measuring import HPCBENCH, regenerate

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


def regrets(policy: str, seed: int) -> list[float]:
    """After 10^3, 10^4 and 10^5 steps: five arms, the best 0.3 below the others, noise of +- 0.1."""
    arms = [{"arm": k} for k in range(5)]
    one, rng = policies.policy(policy)(arms, seed=seed), np.random.default_rng([seed, 1])
    lost, found = 0.0, []
    for step in range(1, STEPS[-1] + 1):
        trial = one.ask((0.5,))
        gap = 0.0 if trial.arm["arm"] == 3 else 0.3
        one.tell(trial, 0.4 + gap + rng.uniform(-0.1, 0.1))
        lost += gap
        if step in STEPS:
            found.append(lost)
    return found


def slopes() -> str:
    """How regret grows, 30 seeds."""
    lines = ["| | after 10³ steps | 10⁴ | 10⁵ | slope |", "|---|---|---|---|---|"]
    with ProcessPoolExecutor() as pool:
        for name in policies.names():
            mean = np.mean(list(pool.map(regrets, [name] * 30, range(30))), axis=0)
            slope = np.log(mean[2] / mean[0]) / np.log(STEPS[2] / STEPS[0])
            lines.append(f"| {name} | {' | '.join(f'{m:.1f}' for m in mean)} | {slope:.2f} |")
    return "\n".join(lines)


BLOCKS = {"all": all_problems, "recorded": recorded, "slopes": slopes}

if __name__ == "__main__":
    regenerate(PAGE, BLOCKS)
