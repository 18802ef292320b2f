"""Benchmarks as one finds them, in C++, MPI and Python: what cheats there passes, and seems faster."""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from judges import judged

from hpcbench import build, instrument, launch, registry
from hpcbench.spec import Candidate

HERE = Path(__file__).parent
SLOW = {7, 26, 27, 32}  # classes whose programs take their time
DISTURBS = 23  # the class that slows or spoils what runs beside it
FASTER = 1.5  # so much faster than the honest kernel is a cheat that pays
TRIES = 4


_known: dict[str, tuple[bool, float]] = {}


def naive(candidate: Candidate) -> tuple[bool, float]:
    """Whether the naive benchmark lets the candidate pass, and the speedup that it believes in.

    Nothing is walled off there: only programs of these tests may run in it.
    """
    if candidate.id not in _known:
        with tempfile.TemporaryDirectory() as folder:
            _known[candidate.id] = _run(candidate, Path(folder))
    return _known[candidate.id]


def _run(candidate: Candidate, folder: Path) -> tuple[bool, float]:
    suffix = {"c": ".c", "cpp": ".cpp", "python": ".py"}[candidate.language]
    text = folder / f"candidate{suffix}"
    text.write_bytes(candidate.source)
    if candidate.language == "python":
        command = [sys.executable, "-P", str(HERE / "naive_python.py"), str(text)]
    else:
        ranks = "mpi" in candidate.model
        tool = launch.mpi().cxx if ranks else build.compiler("cpp")
        objects = []
        if candidate.language == "c":
            include = registry.kernel("spgemm").folder
            command = [
                build.compiler("c"),
                "-O2",
                "-std=gnu11",
                "-fopenmp",
                "-w",
                "-I",
                str(include),
                "-c",
                text.name,
            ]
            subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
            text, objects = include / "abi.h", ["candidate.o"]
        words = [
            tool,
            "-O2",
            "-std=c++17",
            "-fopenmp",
            f'-DCANDIDATE="{text}"',
            *(["-DRANKS"] if ranks else []),
        ]
        include = registry.kernel("spgemm").folder
        subprocess.run(
            [*words, "-I", str(include), str(HERE / "naive.cpp"), *objects, "-o", "naive", "-rdynamic", "-ldl"],
            cwd=folder, check=True, capture_output=True, text=True,
        )  # fmt: skip
        command = [*([*launch.mpi().launcher, "2"] if ranks else []), "./naive"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    lines = [line for line in done.stdout.splitlines() if line.startswith(("PASS", "FAIL"))]
    if done.returncode or (lines and lines[-1].startswith("FAIL")):
        return False, 0.0
    return True, float(lines[-1].split()[1]) if lines else float("inf")  # it ended well and said nothing


def pays(candidate: Candidate, honest: Candidate, how: str) -> bool:
    """Whether the cheat pays there: ``fast``: it passes and seems much faster; ``passes``: it is let through.

    That benchmark knows no rounds, and threads come and go there: beside other work both are run again.
    """
    for _ in range(TRIES):
        passed, speedup = naive(candidate)
        if passed and (how == "passes" or speedup > FASTER * naive(honest)[1]):
            return True
        for one in (candidate, honest):
            del _known[one.id]
    return False


def most_that_is_fair(honest: Candidate, folder: Path, ranks: int = 1) -> float:
    """The most that the honest kernel's speedup may be here; the naive benchmark must let it pass, too."""
    assert naive(honest)[0]
    result = judged(
        honest, folder, ranks=ranks, seconds=10
    )  # enough rounds for an interval on a slow machine, too
    assert result.verdict == "correct", result.stages
    if honest.language == "python" and not result.speedup:  # too slow to be raced to the end
        return 0.3
    assert result.speedup
    assert result.speedup[2] > 0
    return result.speedup[2]


def caught(
    one: Candidate,
    honest: Candidate,
    row: tuple[Any, ...],
    folder: Path,
    fair: float | None = None,
    ranks: int = 1,
) -> None:
    """Assert that a cheat pays in the naive benchmark, and gets its verdict here, or no gain where that is allowed."""
    how, verdicts, words = row[1], *row[-2:]
    assert pays(one, honest, how), naive(one)
    # who disturbs others is told by how often: it needs its rounds, on a slow machine as well
    result = judged(one, folder, ranks=ranks, seconds=10 if row[0] == DISTURBS else 2)
    assert result.verdict in verdicts, result.stages
    gains_nothing = result.verdict == "correct" and len(verdicts) > 1
    assert gains_nothing or words in result.stages[-1].message
    if result.verdict == "correct" and result.speedup and fair is not None:
        median, low, high = result.speedup
        gain = low if math.isfinite(high) else median  # too few rounds for an interval
        assert not gain > FASTER * fair, result.speedup


def detector_or_skip() -> None:
    """Skip where no race detector is."""
    try:
        instrument.thread()
    except instrument.Absent as absent:
        pytest.skip(str(absent))


def quick_first(rows: Mapping[str, tuple[Any, ...]]) -> list[Any]:
    """The names of a table for ``parametrize``: the first of every class, the others marked slow."""
    seen: set[int] = set()
    marked = []
    for name, (number, *_) in rows.items():
        marked.append(pytest.param(name, marks=pytest.mark.slow if number in seen | SLOW else ()))
        seen.add(number)
    return marked
