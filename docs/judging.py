"""Regenerates the figures of docs/judge.md: all of them, or the blocks named on the command line.

python docs/judging.py [launch rate]
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from measuring import regenerate

from hpcbench import launch, registry, sandbox
from hpcbench.case import Case
from hpcbench.contender import Entry
from hpcbench.evaluate import open_race
from hpcbench.judge import Bench, hidden
from hpcbench.spec import Budget, Setting
from hpcbench.stages import Subject, examine
from hpcbench.store import Journal

PAGE = Path(__file__).with_name("judge.md")


def _start(walled: bool) -> float:
    """Seconds from the start of a verification of one candidate in a fresh process to its verdict."""
    kernel = registry.kernel("spgemm")
    one = kernel.variant("gustavson").candidate()
    made = kernel.module().hidden("sorted", np.random.default_rng(1))["one by one"]
    entry = Entry(one, Setting(), "gustavson", trusted=not walled)
    with open_race(
        Case("one by one", kernel, "sorted", lambda _: made), entry, seed=1, on_event=lambda *_: None, journal=None,
        machine_id="",
    ) as race:  # fmt: skip
        race.evaluate([entry], Budget(), upto="verify")
        begun = time.perf_counter()
        race.evaluate([entry], Budget(), upto="verify")
        return time.perf_counter() - begun


def wall() -> str:
    """A candidate's start with the wall and without, and a command's, in turns."""
    pairs = [(_start(False), _start(True)) for _ in range(40)]
    bare, walled = map(statistics.median, zip(*pairs, strict=True))
    enter = [str(launch.enter()), "/", "", "3", "0", str(2**32), "60"]
    spent: dict[bool, list[float]] = {False: [], True: []}
    for i in range(80):
        command = [*(enter if i % 2 else []), "/usr/bin/true"]
        begun = time.perf_counter()
        subprocess.run(command, check=True)
        spent[bool(i % 2)].append(time.perf_counter() - begun)
    out, inside = (statistics.median(spent[k]) for k in (False, True))
    return (
        f"- a candidate in a fresh process, started, loaded and verified: {1e3 * bare:.1f} ms, behind the wall "
        f"{1e3 * walled:.1f} ms: **{1e3 * (walled - bare):+.1f} ms**\n"
        f"- a command: {1e3 * out:.1f} ms, behind the wall {1e3 * inside:.1f} ms: **{1e3 * (inside - out):+.1f} ms**\n"
        f"- layers that stand: {'; '.join(sandbox.names(launch.layers()))}"
    )


def rate() -> str:
    """Different C candidates through compilation, symbols and all hidden inputs, one after the other."""
    kernel = registry.kernel("spgemm")
    plain = (Path(__file__).parent / "examples" / "rows.c").read_bytes()
    case = Case("", kernel, "sorted", lambda rng: kernel.module().make("amg_rap", "sorted", rng))
    anchor = Entry(kernel.variant("scipy_csr").candidate(), Setting(), "scipy_csr")
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal.create(Path(folder))
        bench = Bench(case, anchor, Setting(), journal, "", lambda *_: None)
        base = registry.outside("spgemm", Path(__file__).parent / "examples" / "rows.c", "serial")
        begun, count = time.perf_counter(), 0
        while time.perf_counter() - begun < 30:
            text = plain + f"\n/* {time.time_ns()} */\n".encode()
            subject = Subject(replace(base, source=text), kernel, "sorted", Setting(), count)
            stages = [*examine(subject), hidden(subject, bench)]
            assert all(s.code in ("correct", "not_checked") for s in stages), stages
            count += 1
        spent = time.perf_counter() - begun
        journal.close()
    return f"**{60 * count / spent:.0f} C candidates a minute** through compilation, symbols and {len(kernel.module().hidden('sorted', np.random.default_rng(0)))} hidden inputs, one at a time."


BLOCKS = {"launch": wall, "rate": rate}


if __name__ == "__main__":
    regenerate(PAGE, BLOCKS)
