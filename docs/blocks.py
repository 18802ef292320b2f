"""Blocks of pages, each between two marks, and the races that fill them."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from hpcbench import machine
from hpcbench.entrants import tools
from hpcbench.report import collect, frames
from hpcbench.store import journals

RUNS = Path("runs/measuring")
HPCBENCH = [sys.executable, "-P", "-m", "hpcbench"]


def stamp() -> str:
    """Date and machine."""
    facts = machine.fingerprint(**tools())
    return f"{date.today().isoformat()}, {facts['cpu']}, {facts['cores']} cores, {facts['compiler']}, {facts['mpi']}"


def race(folder: str, *words: str) -> object:
    """The results of `hpcbench run` with these words, as a frame; earlier ones in the folder are removed."""
    runs = RUNS / folder
    for old in runs.glob("*.jsonl"):
        old.unlink()
    subprocess.run([*HPCBENCH, "run", "--runs", str(runs), *words], check=False)
    return frames.results_frame(collect.evidence(journals(runs)))


def cell(row: object) -> str:
    """A result's speedup with its interval."""
    if math.isnan(row.speedup_high):
        return f"{row.speedup:.2f} (too few rounds for an interval)"
    return f"{row.speedup:.2f} [{row.speedup_low:.2f}, {row.speedup_high:.2f}]"


def regenerate(path: Path, blocks: Mapping[str, Callable[[], str]]) -> None:
    """Replace the blocks of a page that the command line names, all without a name."""
    for name in sys.argv[1:] or blocks:
        print(f"== {name}", flush=True)
        body = f"<!-- begin {name} -->\n{blocks[name]()}\n\nMeasured {stamp()}.\n<!-- end {name} -->"
        page = path.read_text()
        marked = re.compile(f"<!-- begin {name} -->.*?<!-- end {name} -->", re.DOTALL)
        assert marked.search(page), f"{path} has no block {name}"
        path.write_text(marked.sub(lambda _, body=body: body, page))
        print(body, flush=True)
