"""Build, verify and race the variants of a kernel on your inputs, and rank them.

Every variant is checked against an oracle before and after it is timed; the figures are medians of
paired rounds against the baseline with an interval, `1.83x [1.79, 1.88]`. Results go to a journal
that `rank` and `report` read.
"""

from __future__ import annotations

import argparse
import itertools
import json
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from hpcbench.codec import encode
from hpcbench.commands import _options
from hpcbench.commands._progress import Progress
from hpcbench.spec import Budget, HpcbenchError, Task

EXAMPLE = "hpcbench run --case er60k,rmat14 --threads 1,2 --ranks 2"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("--kernel", default="spgemm", metavar="NAME", help="kernel (default: spgemm)")
    add("--variant", type=_options.words, metavar="A,B", help="variants to race (default: all)")
    add("--anchor", metavar="NAME", help="variant to compare with (default: the kernel's baseline)")
    add(
        "--case",
        type=_options.words,
        default=[],
        metavar="A,B",
        help="named cases; `hpcbench show KERNEL` lists them",
    )
    add("--size", choices=["small", "medium", "large"], help="all cases of that size")
    add("--input", type=Path, nargs="+", action="append", default=[], metavar="FILE",
        help="a matrix, a file or suitesparse:GROUP/NAME, or two where the kernel takes two (spgemm: A and B; "
             "of one matrix A A, or A A^T when it is not square); may be given again")  # fmt: skip
    add("--contract", metavar="NAME", help="what is asked of the output (default: the kernel's first)")
    add("--threads", type=_options.numbers, default=[1], metavar="1,2", help="OpenMP threads (default: 1)")
    add("--ranks", type=_options.numbers, default=[1], metavar="1,2", help="MPI ranks (default: 1)")
    add("--param", type=_options.assignment, action="append", default=[], metavar="NAME=V1,V2",
        help="parameter values to race, for variants that have the parameter")  # fmt: skip
    add("--pages", choices=["prefaulted", "cold"], default="prefaulted",
        help="state of the output's pages (default: prefaulted)")  # fmt: skip
    add("--budget", type=float, default=60.0, metavar="SECONDS", help="measuring time per case (default: 60)")
    add("--rounds", type=int, default=128, metavar="N", help="paired rounds at most (default: 128)")
    add("--seed", type=int, default=None, metavar="N", help="seed of inputs and order (default: fresh)")
    _options.runs(parser, reading=False)
    parser.add_argument("--journal", type=Path, help=argparse.SUPPRESS)
    _options.json_flag(parser, "one Result per line, then the ranking")


def run(options: argparse.Namespace) -> int:
    """Race every case; 0 when all were raced, 1 when a candidate failed, else the error's code."""
    jobs = _jobs(options)
    if len(jobs) == 1:
        return _one(options, *jobs[0])
    from hpcbench.tasks import LocalExecutor

    run_id = time.strftime("%Y%m%dT%H%M%S-") + secrets.token_hex(2)
    executor = LocalExecutor(options.runs)
    seed = secrets.randbits(32) if options.seed is None else options.seed
    tasks = [
        Task(f"{run_id}-{i:03d}", ("run", *_argv(options), *_selection(name, files)), seed + i)
        for i, (name, files) in enumerate(jobs)
    ]
    executor.map(tasks)
    codes = set(executor.codes.values())
    return max(codes - {130}, default=0) if 130 not in codes else 130


def _jobs(options: argparse.Namespace) -> list[tuple[str, list[Path]]]:
    from hpcbench import registry

    kernel = registry.kernel(options.kernel)
    names = list(options.case) + [n for n, c in kernel.cases.items() if c["size"] == options.size]
    for name in names:
        if name not in kernel.cases:
            raise HpcbenchError(f"--case {name}: kernel {kernel.name} has {', '.join(kernel.cases)}")
    for files in options.input:
        if len(files) > 2:
            raise HpcbenchError(f"--input {' '.join(map(str, files))}: one matrix or two; give --input again")
    jobs = [(name, []) for name in names] + [(files[0].name, files) for files in options.input]
    if not jobs:
        raise HpcbenchError(
            f"nothing to race: give --case, --size or --input; try --case {next(iter(kernel.cases))}"
        )
    return jobs


def _argv(options: argparse.Namespace) -> list[str]:
    """The options that a task inherits, as words."""
    argv = ["--kernel", options.kernel, "--pages", options.pages, "--runs", str(options.runs)]
    argv += ["--budget", str(options.budget), "--rounds", str(options.rounds)]
    for name in ("variant", "threads", "ranks"):
        if value := getattr(options, name):
            argv += [f"--{name}", ",".join(map(str, value))]
    for name in ("anchor", "contract"):
        if value := getattr(options, name):
            argv += [f"--{name}", value]
    for name, values in options.param:
        argv += ["--param", f"{name}={','.join(map(str, values))}"]
    return argv + (["--json"] if options.json else [])


def _selection(name: str, files: list[Path]) -> list[str]:
    return ["--input", *map(str, files)] if files else ["--case", name]


def _one(options: argparse.Namespace, name: str, files: list[Path]) -> int:
    from hpcbench import evaluate, machine, registry
    from hpcbench.case import Case
    from hpcbench.entrants import baseline, entries, tools
    from hpcbench.rank import ranking
    from hpcbench.scratch import sweep
    from hpcbench.store import Journal

    kernel = registry.kernel(options.kernel)
    contract = options.contract or next(iter(kernel.contracts))
    if contract not in kernel.contracts:
        raise HpcbenchError(f"--contract {contract}: kernel {kernel.name} has {', '.join(kernel.contracts)}")
    module, resident = kernel.module(), kernel.resident(contract)
    variants = [kernel.variant(v) for v in options.variant] if options.variant else kernel.variants()
    anchor = baseline(kernel, contract, options.anchor, options.pages)
    grid = _grid(options.param)
    found, skips = entries(variants, options.ranks, options.threads, options.pages, grid, resident)
    itself = (anchor.candidate.id, anchor.setting)
    found = [e for e in found if (e.candidate.id, e.setting) != itself]
    make = (
        (lambda rng: module.load(files, contract, rng))
        if files
        else (lambda rng: module.make(name, contract, rng))
    )
    case = Case(name, kernel, contract, make)
    for line in sweep():
        print(line, file=sys.stderr)
    progress = Progress()
    journal = (
        Journal(options.journal, options.journal.stem) if options.journal else Journal.create(options.runs)
    )
    if not found:
        reasons = "; ".join(sorted({f"{s.variant}: {s.reason}" for s in skips}))
        journal.close()
        error = HpcbenchError(
            f"nothing can run here: {reasons or f'only the baseline {anchor.name} is left'}"
        )
        error.exit_code = 3
        raise error
    seed = secrets.randbits(32) if options.seed is None else options.seed
    facts = machine.fingerprint(**tools())
    facts["command"] = "hpcbench " + " ".join(sys.argv[1:])
    journal.append([("event", "machine", facts), *(("event", "skip", s) for s in skips),
                    *(("candidate", e.candidate.id, e.candidate) for e in [anchor, *found])])  # fmt: skip
    with evaluate.open_race(
        case, anchor, seed=seed, on_event=progress, journal=journal, machine_id=facts["id"]
    ) as race:
        results = race.evaluate(found, Budget(deadline=options.budget, rounds=options.rounds))
        journal.append([("event", "case", {"case": name, "seed": seed, **race.facts()})])
        order = ranking(name, results, race.samples)
    journal.append([("event", "ranking", order)])
    journal.close()
    progress.clear()
    _show(options, journal.path, results, order, name)
    if race.interrupted:
        raise KeyboardInterrupt
    return 0 if all(r.verdict == "correct" for r in results) else 1


def _grid(pairs: list[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
    return [
        dict(zip([n for n, _ in pairs], row, strict=True))
        for row in itertools.product(*(v for _, v in pairs))
    ]


def _show(options: argparse.Namespace, path: Path, results: Any, order: Any, name: str) -> None:
    if options.json:
        for result in results:
            print(json.dumps(encode(result)))
        print(json.dumps(encode(order)), flush=True)
        return
    from hpcbench.report import collect, terminal

    print(terminal.table(collect.evidence([path]), name))
    print(f"journal: {path}\n", flush=True)
