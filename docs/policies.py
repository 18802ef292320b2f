"""Regenerates the tables of docs/policies.md: all of them, or the blocks named on the command line.

    python docs/policies.py [BLOCK ...]    (all recorded)

Each is one `hpcbench tune compare`, whose journals stay in runs/policies; what is there is not played again.
HPCBENCH_RECORDED names a folder with recorded tunings (Kernel Tuner's cache files) for `recorded`.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from measuring import HPCBENCH, regenerate

PAGE = Path(__file__).with_name("policies.md")
RUNS = "runs/policies"


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


BLOCKS = {"all": all_problems, "recorded": recorded}

if __name__ == "__main__":
    regenerate(PAGE, BLOCKS)
