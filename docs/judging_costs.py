"""What judging costs: the wall at the start of a process and in its samples, and candidates a minute."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from hpcbench import launch, registry, sandbox, variant
from hpcbench.case import Case
from hpcbench.contender import Entry
from hpcbench.evaluate import open_race
from hpcbench.spec import Budget, Setting
from hpcbench.stages import Bench, Subject, examine
from hpcbench.store import Journal


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


def _on_the_hot_path() -> str:
    """The same kernel behind the wall and without, raced for as many rounds as there may be."""
    kernel = registry.kernel("spgemm")
    one = kernel.variant("gustavson").candidate()
    case = Case("er60k", kernel, "sorted", lambda rng: kernel.module().make("er60k", "sorted", rng))
    with open_race(
        case, Entry(one, Setting(), "bare"), seed=1, on_event=lambda *_: None, journal=None, machine_id=""
    ) as race:
        result = race.evaluate(
            [Entry(one, Setting(), "walled", trusted=False)], Budget(deadline=120, rounds=256)
        )[1]
    assert result.speedup
    assert result.aa
    (median, low, high), (_, least, most) = result.speedup, result.aa
    return (
        f"{median:.3f}x [{low:.3f}, {high:.3f}], {result.relation}; without twice: [{least:.3f}, {most:.3f}]"
    )


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
    same = _on_the_hot_path()
    return (
        f"- a candidate in a fresh process, started, loaded and verified: {1e3 * bare:.1f} ms, behind the wall "
        f"{1e3 * walled:.1f} ms: **{1e3 * (walled - bare):+.1f} ms**\n"
        f"- the same kernel raced behind the wall and without: {same}\n"
        f"- a command: {1e3 * out:.1f} ms, behind the wall {1e3 * inside:.1f} ms: **{1e3 * (inside - out):+.1f} ms**\n"
        f"- layers that stand: {'; '.join(sandbox.names(launch.layers()))}"
    )


def rate() -> str:
    """Different C candidates, one after the other: through all hidden inputs, and through the sanitizers."""
    kernel = registry.kernel("spgemm")
    plain = (Path(__file__).parent / "examples" / "rows.c").read_bytes()
    case = Case("", kernel, "sorted", lambda rng: kernel.module().make("amg_rap", "sorted", rng))
    anchor = Entry(kernel.variant("scipy_csr").candidate(), Setting(), "scipy_csr")
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal.create(Path(folder))
        bench = Bench(case, anchor, Setting(), journal, "", lambda *_: None)
        base = variant.outside("spgemm", Path(__file__).parent / "examples" / "rows.c", "serial")
        begun, spent, count = time.perf_counter(), {"hidden": 0.0, "races": 0.0}, 0
        while time.perf_counter() - begun < 60:
            text = plain + f"\n/* {time.time_ns()} */\n".encode()
            subject, started = Subject(replace(base, source=text), bench, count), time.perf_counter()
            for stage in examine(subject):
                if stage.name in spent:
                    spent[stage.name] += time.perf_counter() - started
            assert subject.passed, subject.stages
            count += 1
        journal.close()
    inputs = len(kernel.module().hidden("sorted", np.random.default_rng(0)))
    return (
        f"**{60 * count / spent['hidden']:.0f} C candidates a minute** through compilation, symbols and {inputs} hidden "
        f"inputs, one at a time; {60 * count / spent['races']:.0f} a minute through the sanitizers as well."
    )
