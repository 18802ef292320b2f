"""How far this machine's races can be trusted: identical code and planted slowdowns, raced for real.

Each race compares a C++ SpGEMM with itself, compiled again with a wrapper that spins for a share of its
own time; a share of zero is an A/A race, whose every win is a false one.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hpcbench import registry, stats
from hpcbench.case import Case
from hpcbench.contender import Entry
from hpcbench.evaluate import open_race
from hpcbench.inputs import generate
from hpcbench.machine import fingerprint
from hpcbench.processes import die_with_parent
from hpcbench.spec import Budget, Candidate, Setting
from hpcbench.store import Journal

KERNEL = "spgemm"
ROWS, DEGREE = 4000, 12  # Erdos-Renyi; one call takes one to three milliseconds
SETTINGS = {
    "serial": ("gustavson", Setting()),
    "threads": ("gustavson_omp", Setting(threads=2)),
    "ranks": ("gustavson_mpi", Setting(ranks=2)),
}
WRAPPER = """
#include <time.h>
#undef {kernel}_run
static double hpcbench_now() {{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}}
extern "C" int {kernel}_run(void *handle, const {kernel}_in *in, const void *params, {kernel}_out *out) {{
  const double start = hpcbench_now();
  const int status = {kernel}_run_inner(handle, in, params, out);
  const double until = hpcbench_now() + {share} * (hpcbench_now() - start);
  while ({share} > 0 && hpcbench_now() < until) {{}}
  return status;
}}
"""


@dataclass(frozen=True)
class Found:
    """What a series of races said."""

    setting: str
    slowdown: float
    races: int
    load: int
    rounds: int
    relations: dict[str, int]
    false_wins: int
    detected: int
    detectable: float
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """One line for people."""
        what = ", ".join(f"{n} {name}" for name, n in sorted(self.relations.items()))
        if self.slowdown:
            head = f"{self.setting}: planted {self.slowdown:.0%} slowdown found in {self.detected} of {self.races}"
        else:
            bound = stats.binomial_upper(self.false_wins, self.races)
            head = f"{self.setting}: {self.false_wins} false wins in {self.races} A/A races (95 %: < {bound:.1%})"
        return (
            f"{head}\n  {what}; could see {self.detectable - 1:.1%}; {self.seconds / self.races:.1f} s a race"
        )


def _wrapped(candidate: Candidate, share: float) -> Candidate:
    name = f"{candidate.kernel}_run"
    source = b'#include "abi.h"\n' + f"#define {name} {name}_inner\n".encode() + candidate.source
    return replace(candidate, source=source + WRAPPER.format(kernel=candidate.kernel, share=share).encode())


@contextmanager
def _load(count: int) -> Iterator[None]:
    spin = [sys.executable, "-I", "-c", "while True: sum(range(10_000))"]
    busy = [subprocess.Popen(spin, preexec_fn=die_with_parent) for _ in range(count)]
    try:
        yield
        assert all(process.poll() is None for process in busy), "the load did not last"
    finally:
        for process in busy:
            process.kill()
            process.wait()


def races(
    count: int, slowdown: float, setting: str, *, load: int = 0, runs: Path, rounds: int = 128,
    on_race: Callable[[int, int], None] | None = None,
) -> Found:  # fmt: skip
    """Race identical code, or code with a planted slowdown, ``count`` times.

    Parameters
    ----------
    slowdown : share of its own time that the candidate spins after every call; 0 for A/A races.
    setting : a key of ``SETTINGS``.
    load : busy processes beside the races, not bound to any core.
    runs : folder for the journal.

    Returns
    -------
    Found
        ``false_wins`` counts races that told identical code apart, in either direction; ``detected``
        those that found the slowdown; ``detectable`` is the median smallest visible speedup.
    """
    name, where = SETTINGS[setting]
    kernel = registry.kernel(KERNEL)
    module = kernel.module()

    def make(rng: Any) -> Any:
        a = generate.er(ROWS, DEGREE, rng)
        return module.product(a, a, "sorted", rng)

    base = kernel.variant(name).candidate()
    anchor = Entry(_wrapped(base, 0.0), where, name)
    arm = Entry(_wrapped(base, slowdown), where, f"{name}+{slowdown:g}")
    case = Case(f"er{ROWS}x{DEGREE}", kernel, "sorted", make)
    journal = Journal.create(runs)
    relations: dict[str, int] = {}
    visible, used, start = [], [], time.perf_counter()
    with _load(load):
        machine = fingerprint()["id"]
        for done in range(1, count + 1):
            with open_race(
                case,
                anchor,
                seed=secrets.randbits(32),
                on_event=lambda *_: None,
                journal=journal,
                machine_id=machine,
            ) as race:
                result = race.evaluate([arm], Budget(deadline=600, rounds=rounds))[-1]
            relation = result.relation if result.verdict == "correct" else result.verdict
            relations[relation] = relations.get(relation, 0) + 1
            visible.append(result.detectable or float("inf"))
            used.append(result.rounds)
            if on_race:
                on_race(done, count)
    journal.close()
    told = relations.get("faster", 0) + relations.get("slower", 0)
    return Found(
        setting, slowdown, count, load, sorted(used)[len(used) // 2], relations, 0 if slowdown else told,
        relations.get("slower", 0), sorted(visible)[len(visible) // 2], time.perf_counter() - start,
    )  # fmt: skip
