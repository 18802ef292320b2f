"""Judge one kernel from outside: a file in, one Result out, stage by stage.

The file is untrusted: it is compiled and run behind a wall, verified on inputs drawn after it was
built, odd sizes and structures among them, and raced against the baseline only when all is right.
Exit code 0 means that it is correct, 1 that it is not; `--json` prints the Result for programs.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import textwrap
from pathlib import Path
from typing import Any

from hpcbench.commands import _options
from hpcbench.commands._progress import Progress
from hpcbench.spec import Budget, HpcbenchError, Result, Setting

EXAMPLE = "hpcbench judge mine.cpp --kernel spgemm --case er60k --threads 2"
WIDTH = 80
MODELS = ["serial", "openmp", "mpi", "cuda", "mpi+openmp"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="the candidate: .c, .cpp, .cu or .py")
    add("--kernel", default="spgemm", metavar="NAME", help="kernel it claims to be (default: spgemm)")
    add("--model", choices=MODELS, help="how it runs, when its header does not say (default: serial)")
    add("--case", metavar="NAME", help="case of the race (default: the kernel's first)")
    add("--input", type=Path, nargs="+", metavar="FILE", help="race on a matrix of your own instead")
    add("--contract", metavar="NAME", help="what is asked of the output (default: the kernel's first)")
    add("--anchor", metavar="NAME", help="variant to compare with (default: the kernel's baseline)")
    add("--threads", type=int, default=1, metavar="N", help="OpenMP threads in the race (default: 1)")
    add("--ranks", type=int, default=1, metavar="N", help="MPI ranks in the race (default: 1)")
    add("--param", type=_options.assignment, action="append", default=[], metavar="NAME=VALUE",
        help="value of a parameter that its header declares (default: the header's)")  # fmt: skip
    add("--budget", type=float, default=20.0, metavar="SECONDS", help="time of the race (default: 20)")
    add("--trust", action="store_true", help="go on without the wall; the Result says so")
    _options.runs(parser, reading=False)
    _options.json_flag(parser, "the Result as one line")


def run(options: argparse.Namespace) -> int:
    """Judge the file; 0 when its verdict is `correct`."""
    from hpcbench import machine, registry, variant
    from hpcbench.case import Case
    from hpcbench.entrants import baseline, tools
    from hpcbench.judge import judge
    from hpcbench.scratch import sweep
    from hpcbench.stages import Bench
    from hpcbench.store import Journal

    for line in sweep():
        print(line, file=sys.stderr)
    kernel = registry.kernel(options.kernel)
    contract = options.contract or next(iter(kernel.contracts))
    name = str(options.input[0]) if options.input else options.case or next(iter(kernel.cases))
    if not options.input and name not in kernel.cases:
        raise HpcbenchError(f"--case {name}: kernel {kernel.name} has {', '.join(kernel.cases)}")
    if contract not in kernel.contracts:
        raise HpcbenchError(f"--contract {contract}: kernel {kernel.name} has {', '.join(kernel.contracts)}")
    module = kernel.module()
    make: Any = (
        (lambda rng: module.load(options.input, contract, rng))
        if options.input
        else (lambda rng: module.make(name, contract, rng))
    )
    candidate = variant.outside(kernel.name, options.file, options.model, _options.single(options.param))
    setting = Setting(options.ranks, options.threads)
    if candidate.model == "cuda":
        _needs_device(options.trust)
        setting = Setting(device="cuda")
    elif kernel.resident(contract):
        raise HpcbenchError(f"--contract {contract}: {options.file} runs on no device")
    anchor = baseline(kernel, contract, options.anchor)
    progress, journal = Progress(), Journal.create(options.runs)
    facts = machine.fingerprint(**tools())
    journal.append([("event", "machine", facts), ("candidate", candidate.id, candidate),
                    ("candidate", anchor.candidate.id, anchor.candidate)])  # fmt: skip
    bench = Bench(Case(name, kernel, contract, make), anchor, setting, journal,
                  facts["id"], progress, options.trust)  # fmt: skip
    result = judge(candidate, options.file.name, bench, Budget(deadline=options.budget))
    journal.close()
    progress.clear()
    _show(result, options.json)
    return 0 if result.verdict == "correct" else 1


def _needs_device(trust: bool) -> None:
    from hpcbench.machine import gpu

    if gpu() is None:
        error = HpcbenchError("no CUDA device is visible: a CUDA candidate is judged where there is one")
        error.exit_code = 3
        raise error
    if not trust:
        raise HpcbenchError(
            "a CUDA candidate talks to its device through files of the system, which the wall closes: with --trust "
            "it is judged without one, for code that you would run yourself"
        )


def _show(result: Result, as_json: bool) -> None:
    if as_json:
        from hpcbench.codec import encode

        print(json.dumps(encode(result)))
        return
    for stage in result.stages:
        mark = {"correct": "passed", "not_checked": "not checked"}.get(stage.code, stage.code)
        line = f"  {stage.name:11} {mark:12} {stage.seconds:6.2f} s"
        if len(whole := f"{line}  {stage.message}".rstrip()) <= WIDTH and "\n" not in whole:
            print(whole)
            continue
        print(line)
        for part in stage.message.splitlines():
            print(textwrap.fill(part, WIDTH, initial_indent="    ", subsequent_indent="      "))
    if result.speedup:
        median, low, high = result.speedup
        interval = f" [{low:.2f}, {high:.2f}]" if math.isfinite(low) else ""
        print(f"{result.variant}: {median:.2f}x{interval} over {result.anchor}, {result.relation}")
    else:
        print(f"{result.variant}: {result.verdict}")
    if result.trusted:
        print("judged without the wall (--trust)")
