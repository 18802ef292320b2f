"""Benchmarks as one finds them, in C++, MPI and Python: what cheats there passes, and seems faster."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hpcbench import build, launch, registry
from hpcbench.spec import Candidate

HERE = Path(__file__).parent
SLOW = {7, 26, 27, 32}  # classes whose programs take their time
FASTER = 1.5  # so much faster than the honest kernel is a cheat that pays


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
    """Whether the cheat pays there: ``fast``: it passes and seems much faster; ``passes``: it is let through."""
    passed, speedup = naive(candidate)
    return passed and (how == "passes" or speedup > FASTER * naive(honest)[1])


def quick_first(rows: Mapping[str, tuple[Any, ...]]) -> list[Any]:
    """The names of a table for ``parametrize``: the first of every class, the others marked slow."""
    seen: set[int] = set()
    marked = []
    for name, (number, *_) in rows.items():
        marked.append(pytest.param(name, marks=pytest.mark.slow if number in seen | SLOW else ()))
        seen.add(number)
    return marked
