"""Policies against each other, on many problems and seeds.

Every policy plays every problem with every seed, on the same costs; what is in the journals already is not played
again. Told are regrets (0: the best fixed arm, 1: choosing at random), mean ranks, and which ranks differ.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hpcbench.commands import _options
from hpcbench.spec import HpcbenchError, Task
from hpcbench.store import SUFFIX

if TYPE_CHECKING:
    from tuners.compare import Key, Play
    from tuners.standing import Standing

EXAMPLE = "hpcbench tune compare --problem dev --seeds 10 --steps 1000"
WIDE = 63  # of one table's figures, in 80
PREFIX = "compare-"  # of journals


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("--policy", type=_options.words, default=[], metavar="A,B", help="policies (default: all)")
    add("--problem", type=_options.words, default=[], metavar="A,B",
        help="problems, dev, test or all (default: dev, or none beside --recorded)")  # fmt: skip
    add("--recorded", type=Path, nargs="+", default=[], metavar="FILE",
        help="recorded tunings to play on: Kernel Tuner's cache files, .json or .json.gz")  # fmt: skip
    add("--steps", type=int, default=1000, metavar="N", help="steps of a run (default: 1000)")
    add("--seeds", type=int, default=10, metavar="N", help="runs of each (default: 10)")
    add("--seed", type=int, default=0, metavar="N", help="the first seed (default: 0)")
    add("--list", action="store_true", help="list policies and problems, and do nothing")
    add("--csv", type=Path, metavar="FILE", help="all curves as a table")
    add("--parquet", type=Path, metavar="FILE", help="the same for pandas and others")
    add("--output", type=Path, metavar="FILE", help="a page of curves and ranks, HTML")
    add("--trials", type=Path, metavar="DIR", help="every trial, as carps logs it")
    add("--journal", type=Path, help=argparse.SUPPRESS)
    _options.runs(parser, reading=False)
    _options.json_flag(parser, "one line per policy")


def run(options: argparse.Namespace) -> int:
    """Play what is missing, tell how all stand; 1 when runs are missing still."""
    from tuners import compare, policies
    from tuners.problems import chosen, problems

    if options.list:
        print(textwrap.fill("policies: " + ", ".join(policies.names()), 79))
        known = problems()
        for name, problem in known.items():
            print(f"{name:{max(map(len, known))}}  {problem.split:4}  {problem.summary}")
        return 0
    for option, least in (("steps", 2), ("seeds", 1), ("seed", 0)):
        if not least <= getattr(options, option) < 2**31:
            raise HpcbenchError(f"--{option} {getattr(options, option)}: at least {least} is expected")
    _options.outputs(options.output, options.csv, options.parquet)
    names = options.policy or policies.names()
    found = chosen(options.problem or ([] if options.recorded else ["dev"]), options.recorded)
    seeds = range(options.seed, options.seed + options.seeds)
    keys = compare.wanted(names, found, seeds, options.steps)
    if options.journal:
        return _play(options, keys)
    plays = _there(options.runs, keys)
    todo = [name for name in found if any(k.problem == name and k not in plays for k in keys)]
    if todo:
        if _map(options, todo) == 130:
            return 130
        plays = _there(options.runs, keys)
    if not plays:
        print("no run came to its end; what stopped them stands above", file=sys.stderr)
        return 1
    return _tell(options, keys, plays)


def _there(runs: Path, keys: Sequence[Key]) -> dict[Key, Play]:
    """Those that some journal has."""
    from tuners import compare

    found = compare.read(sorted(runs.glob(f"{PREFIX}*{SUFFIX}")))
    return {key: found[key] for key in keys if key in found}


def _map(options: argparse.Namespace, todo: Sequence[str]) -> int:
    """One task per problem, by the Executor; the worst exit code."""
    import secrets
    import time

    from hpcbench.tasks import LocalExecutor
    from tuners.problems import name_of

    run_id = PREFIX + time.strftime("%Y%m%dT%H%M%S-") + secrets.token_hex(2)
    files = {name_of(path): path for path in options.recorded}
    tasks = []
    for i, name in enumerate(todo):
        where = ["--recorded", str(files[name])] if name in files else ["--problem", name]
        argv = ["tune", "compare", *where, "--steps", str(options.steps), "--seeds", str(options.seeds)]
        argv += ["--runs", str(options.runs)] + (
            ["--policy", ",".join(options.policy)] if options.policy else []
        )
        tasks.append(Task(f"{run_id}-{i:03d}", tuple(argv), options.seed))
    executor = LocalExecutor(options.runs)
    executor.map(tasks)
    codes = set(executor.codes.values())
    return 130 if 130 in codes else max(codes, default=0)


def _play(options: argparse.Namespace, keys: Sequence[Key]) -> int:
    """As one task: play what no journal has yet."""
    from hpcbench.commands._progress import Progress
    from hpcbench.store import Journal
    from tuners import compare
    from tuners.problems import chosen

    there = _there(options.runs, keys)
    journal, progress = Journal(options.journal, options.journal.stem), Progress()
    try:
        todo = [key for key in keys if key not in there]
        compare.run(todo, chosen(options.problem, options.recorded), journal, progress)
    finally:
        progress.clear()
        journal.close()
    return 0


def _tell(options: argparse.Namespace, keys: Sequence[Key], plays: Mapping[Key, Play]) -> int:
    from tuners.standing import missing, standing

    found, absent = standing(plays), missing(keys, plays)
    with _options.writing("the runs are kept, the same command writes them elsewhere"):
        _write(options, found, plays)
    if options.json:
        for i, name in enumerate(found.policies):
            regret = {p: float(found.regret[i, j, 0]) for j, p in enumerate(found.problems)}
            print(json.dumps({"policy": name, "rank": float(found.ranks[i]), "wins": int(found.wins[i]),
                              "regret": regret}))  # fmt: skip
    else:
        _print(options, found)
        print(f"\njournals: {options.runs}/{PREFIX}*{SUFFIX}")
    if absent:
        some = ", ".join(f"{k.policy} on {k.problem} with seed {k.seed}" for k in absent[:3])
        more = " …" if len(absent) > 3 else ""
        print(f"{len(absent)} of {len(keys)} runs are missing: {some}{more}", file=sys.stderr)
    return int(bool(absent))


def _write(options: argparse.Namespace, found: Standing, plays: Mapping[Key, Play]) -> None:
    """The files that were asked for."""
    from tuners import exporters
    from tuners.page import page

    if options.csv or options.parquet:
        table = exporters.frame(plays)
        if options.csv:
            table.to_csv(options.csv, index=False)
        if options.parquet:
            table.to_parquet(options.parquet, index=False)
    if options.trials:
        exporters.trials(plays, options.trials)
    if options.output:
        options.output.write_text(page(found, plays, "Policies compared"), encoding="utf-8")


def _print(options: argparse.Namespace, found: Standing) -> None:
    names, width = found.policies, 16
    print(
        f"{len(names)} policies, {len(found.problems)} problems, {len(found.seeds)} seeds, {options.steps} steps"
    )
    print("regret, medians: 0 is the best fixed arm, 1 is choosing at random")
    cell = min(max(WIDE // 4, *(len(name) + 1 for name in names)), WIDE // 3)
    for first in range(0, len(names), WIDE // cell):
        part = range(first, min(first + WIDE // cell, len(names)))
        print(f"\n{'':{width}}" + "".join(f"{names[i][: cell - 1]:>{cell}}" for i in part))
        for j, problem in enumerate(found.problems):
            best = found.regret[:, j, 0].min()
            values = (found.regret[i, j, 0] for i in part)
            cells = [f"{value:.3f}{'*' if value == best else ' '}" for value in values]
            print(f"{problem[:width]:{width}}" + "".join(f"{text:>{cell}}" for text in cells))
        print(f"{'mean rank':{width}}" + "".join(f"{found.ranks[i]:>{cell - 1}.2f} " for i in part))
    print("\n* the least")
    if found.apart == found.apart:
        print(f"Mean ranks that differ by less than {found.apart:.2f} are not told apart (Nemenyi, 5 %);")
        print(f"were all policies alike, ranks would be so far apart with p = {found.p:.2g} (Friedman).")
