"""Omega of relaxation methods, for a sequence of systems.

A stream of related systems is solved with the omega tuner, with published policies and with every fixed omega, and
all iterations are compared.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpcbench.commands import _options
from hpcbench.spec import HpcbenchError

if TYPE_CHECKING:
    from tuners.sor.contest import Contest
    from tuners.sor.streams import Kind

MATRICES = "*.mtx*"
EXAMPLE = "hpcbench tune sor --stream high --steps 500 --seeds 3"


def configure(sor: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = sor.add_argument
    add(
        "--stream",
        default="high",
        metavar="NAME",
        help="high, low, heat, abrupt, … (default: high; --list tells all)",
    )
    add("--list", action="store_true", help="list streams and policies, and do nothing")
    add("--input", type=Path, nargs="+", default=[], metavar="FILE",
        help="a matrix whose shift and scale drift; several, or a folder of .mtx: one after the other")  # fmt: skip
    add("--steps", type=int, default=500, metavar="N", help="systems (default: 500)")
    add("--seeds", type=int, default=3, metavar="N", help="streams with another seed each (default: 3)")
    add("--seed", type=int, default=0, metavar="N", help="the first seed (default: 0)")
    add("--policy", type=_options.words, default=["one_solve", "tsallis_inf", "chebcb"], metavar="A,B",
        help="beside omega_tuner: policies, solvers (default: one_solve,tsallis_inf,chebcb)")  # fmt: skip
    add(
        "--omegas", type=_numbers, default=[], metavar="1,1.5", help="fixed ones (default: 1 to 1.95 by 0.05)"
    )
    add(
        "--cost",
        choices=["iterations", "seconds"],
        default="iterations",
        help="what is compared (default: iterations)",
    )
    add("--solver", default="sor", metavar="VARIANT", help="sor, sor_multicolour, ssor_cg (default: sor)")
    add(
        "--limit",
        type=int,
        default=10_000,
        metavar="N",
        help="iterations of a solve at most (default: 10000)",
    )
    add("--again", type=Path, metavar="JOURNAL", help="tell what this journal has, and run nothing")
    add("--output", type=Path, metavar="FILE", help="a page of totals and curves, HTML")
    add("--csv", type=Path, metavar="FILE", help="what every system cost every contender, as a table")
    add("--parquet", type=Path, metavar="FILE", help="the same for pandas and others")
    _options.runs(sor, reading=False)
    _options.json_flag(sor, "one line per contender")


def _numbers(text: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: numbers separated by commas are expected") from None
    if not all(0 < w < 2 for w in found):
        raise argparse.ArgumentTypeError(f"{text!r}: every omega must be between 0 and 2")
    return found


def run(options: argparse.Namespace) -> int:
    """Run the contest, keep it, tell it; or tell one again."""
    from tuners import policies
    from tuners.sor.standing import standing
    from tuners.sor.streams import STREAMS

    if options.list:
        width = max(map(len, STREAMS))
        for name, kind in STREAMS.items():
            print(f"{name:{width}}  {kind.summary}")
        print(textwrap.fill("policies: " + ", ".join(policies.names()), 79))
        return 0
    _options.outputs(options.output, options.csv, options.parquet)
    journal, found = _again(options.again) if options.again else _contests(options)
    rows = standing(found)
    if options.json:
        for row in rows:
            print(json.dumps(row.json()))
    else:
        _tell(found, rows)
        print(f"\njournal: {journal}")
    with _options.writing(f"--again {journal} writes it elsewhere"):
        _write(options, found)
    return 0


def _again(journal: Path) -> tuple[Path, list[Contest]]:
    """What a journal has."""
    from tuners.sor.contest import read

    found = read(journal)
    if not found:
        raise HpcbenchError(
            f"--again {journal}: no contest came to its end there; hpcbench tune sor writes some"
        )
    return journal, found


def _contests(options: argparse.Namespace) -> tuple[Path, list[Contest]]:
    """One per seed, each acknowledged in a journal when it has come to its end."""
    from hpcbench.commands._progress import Progress
    from hpcbench.store import Journal
    from tuners.sor.contest import GRID, OURS, check, contest

    for option, least in (("steps", 1), ("seeds", 1), ("limit", 1), ("seed", 0)):
        if not least <= getattr(options, option) < 2**62:
            raise HpcbenchError(f"--{option} {getattr(options, option)}: at least {least} is expected")
    name, kind = _kind(options)
    contenders = [OURS, *options.policy]
    check(contenders, options.solver, options.limit)
    journal, progress = Journal.create(options.runs), Progress()
    found: list[Contest] = []
    try:
        for seed in range(options.seed, options.seed + options.seeds):
            one = contest(
                name, kind, contenders, steps=options.steps, seed=seed, solver=options.solver,
                omegas=options.omegas or GRID, limit=options.limit, unit=options.cost, on_event=progress,
            )  # fmt: skip
            one.write(journal)
            found.append(one)
    finally:
        progress.clear()
        journal.close()
    return journal.path, found


def _kind(options: argparse.Namespace) -> tuple[str, Kind]:
    from hpcbench.inputs.read import read_matrix
    from tuners.sor import given, streams

    if not options.input:
        if options.stream not in streams.STREAMS:
            raise HpcbenchError(f"--stream {options.stream}: one of {', '.join(streams.STREAMS)} is expected")
        return options.stream, streams.STREAMS[options.stream]
    files = [
        file for path in options.input for file in (sorted(path.glob(MATRICES)) if path.is_dir() else [path])
    ]
    if not files:
        raise HpcbenchError(f"--input {options.input[0]}: no file {MATRICES} in this folder")
    matrices = [read_matrix(file) for file in files]
    for path, a in zip(files, matrices, strict=True):
        if a.shape[0] != a.shape[1] or not (a.diagonal() != 0).all():
            raise HpcbenchError(f"{path}: relaxation needs a square matrix without zeros on its diagonal")
    return given.of_files([file.stem for file in files], matrices)


def _write(options: argparse.Namespace, found: list[Contest]) -> None:
    """The files that were asked for."""
    from tuners.sor.contest import frame
    from tuners.sor.page import page

    if options.csv:
        frame(found).to_csv(options.csv, index=False)
    if options.parquet:
        frame(found).to_parquet(options.parquet, index=False)
    if options.output:
        options.output.write_text(page(found, f"Omega: {found[0].stream}"), encoding="utf-8")


def _tell(found: list[Contest], rows: list[Any]) -> None:
    one = found[0]
    print(f"{one.stream[:40]}: {len(one.grid)} systems, {one.solver}, {len(found)} seeds")
    print(f"medians of all {one.unit}, over those of")
    print(f"{'':24}{'the best fixed omega':>24}{'the best for each':>24}")
    for row in rows:
        print(f"  {row.name:20}  {row.words(row.over_fixed):>24}{row.words(row.over_each):>24}")
