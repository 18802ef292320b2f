"""Say what is fastest on this machine for your matrix, and how to call it or take it along.

What earlier runs have measured on the same structure is used; where there is nothing, a race is run first.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hpcbench import registry
from hpcbench.codec import encode
from hpcbench.commands import _options
from hpcbench.spec import HpcbenchError

if TYPE_CHECKING:
    from hpcbench.report.evidence import Evidence
    from hpcbench.spec import Result

EXAMPLE = "hpcbench best spgemm --input my.mtx --threads 1,2"
SAME = ("rows", "inner", "cols", "nnz_a", "nnz_b", "flops", "bound_nnz_c")  # features of the same structure


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("kernel", metavar="KERNEL", help="name of a kernel; `hpcbench list` tells them")
    add("--input", type=Path, nargs="+", required=True, metavar="FILE",
        help="a matrix A (A A, or A A^T when not square), or A and B; or suitesparse:GROUP/NAME")  # fmt: skip
    add("--contract", metavar="NAME", help="what is asked of the output (default: the kernel's first)")
    add("--threads", type=_options.numbers, default=[1], metavar="1,2", help="OpenMP threads (default: 1)")
    add("--budget", type=float, default=30.0, metavar="SECONDS", help="measuring time (default: 30)")
    add("--again", action="store_true", help="measure even if there are results")
    _options.runs(parser, reading=False)
    _options.json_flag(parser, "the Result of the fastest")


def run(options: argparse.Namespace) -> int:
    """Print the fastest variant; 1 when none is right."""
    kernel = registry.kernel(options.kernel)
    options.contract = options.contract or next(iter(kernel.contracts))
    found = [] if options.again else _stored(kernel, options)
    if not found:
        _race(options)
        found = _stored(kernel, options)
    right = sorted((r for r in found if r.verdict == "correct" and r.call_s), key=lambda r: r.call_s or 0.0)
    if not right:
        return 1
    if options.json:
        print(json.dumps(encode(right[0])))
        return 0
    _tell(kernel, right, options)
    return 0


def _stored(kernel: registry.Kernel, options: argparse.Namespace) -> list[Result]:
    """What this machine has measured on this structure under these threads, the latest race."""
    import numpy as np

    from hpcbench import machine
    from hpcbench.entrants import tools
    from hpcbench.report import collect
    from hpcbench.store import SUFFIX

    journals = sorted(options.runs.glob(f"*{SUFFIX}")) if options.runs.is_dir() else []
    if not journals:
        return []
    module = kernel.module()
    wanted = module.features(module.load(options.input, options.contract, np.random.default_rng(0)))
    here = machine.fingerprint(**tools())["id"]
    for path in reversed(journals):
        evidence = collect.evidence([path])
        for case, features in evidence.cases.items():
            if all(features.get(k) == wanted.get(k) for k in SAME) and _fits(evidence, case, here, options):
                return [r for r in evidence.results if r.case == case]
    return []


def _fits(evidence: Evidence, case: str, machine: str, options: argparse.Namespace) -> bool:
    """Whether all that could take part has, here, under these threads."""
    from hpcbench.entrants import unavailable

    rows = [r for r in evidence.results if r.case == case]
    if any((r.contract, r.machine, r.kernel) != (options.contract, machine, options.kernel) for r in rows):
        return False
    variants = [v for v in registry.kernel(options.kernel).variants() if v.model in ("serial", "openmp")]
    wanted = {(v.name, t) for v in variants for t in (options.threads if v.model == "openmp" else [1])}
    raced = {(_name(r), r.setting.threads) for r in rows}
    return all(
        pair in raced or unavailable(registry.kernel(options.kernel).variant(pair[0])) for pair in wanted
    )


def _name(result: Result) -> str:
    """The variant of a result, without the parameters that were chosen."""
    return result.variant.partition("[")[0]


def _race(options: argparse.Namespace) -> None:
    from hpcbench.__main__ import main

    words = ["run", "--kernel", options.kernel, "--contract", options.contract, "--runs", str(options.runs)]
    words += ["--threads", ",".join(map(str, options.threads)), "--budget", str(options.budget)]
    with contextlib.redirect_stdout(sys.stderr if options.json else sys.stdout):
        code = main([*words, "--input", *map(str, options.input)])
    if code > 1:
        error = HpcbenchError("the race did not come to its end, so nothing can be said")
        error.exit_code = code
        raise error


def _tell(kernel: registry.Kernel, right: list[Result], options: argparse.Namespace) -> None:
    from hpcbench.report.units import seconds, speedup

    first = right[0]
    print(f"{options.input[0].name}, {options.contract}: {first.variant} on {first.setting.label}")
    print(f"  {seconds(first.call_s)} per product, {speedup(first.speedup)} over {first.anchor}")
    own = next((r for r in right if kernel.variant(_name(r)).language in ("c", "cpp")), None)
    if own is not None:
        aside = "" if own is first else f"   # {own.variant}, {seconds(own.call_s)}"
        words = f'"{kernel.name}", contract="{options.contract}", threads={own.setting.threads}'
        if kernel.callable:
            print(f"  call it:  hpcbench.best({words})(A, B){aside}")
        print(f"  take it:  hpcbench export {_name(own)} DIR --kernel {kernel.name}")
    print("  measure again:  --again")
