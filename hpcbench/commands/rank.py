"""Rank what earlier runs measured, case by case.

Reads journals only; nothing is measured. A later race on a case replaces an earlier one.
"""

from __future__ import annotations

import argparse
import json
import math
import sys

from hpcbench.codec import encode
from hpcbench.commands import _options
from hpcbench.spec import HpcbenchError

EXAMPLE = "hpcbench rank --runs runs --case er60k"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    _options.runs(parser, reading=True)
    parser.add_argument("--case", type=_options.words, default=[], metavar="A,B", help="cases (default: all)")
    _options.json_flag(parser, "one Result per line, and a ranking per case")


def run(options: argparse.Namespace) -> int:
    """Print one table per case and the geometric mean over the cases."""
    from hpcbench.report import collect, terminal
    from hpcbench.store import journals

    evidence = collect.evidence(journals(options.runs))
    names = options.case or list(evidence.case_names)
    for name in names:
        if name not in evidence.case_names:
            known = ", ".join(evidence.case_names) or "none yet"
            raise HpcbenchError(f"--case {name}: {options.runs} has {known}")
    if options.json:
        for result in (r for r in evidence.results if r.case in names):
            print(json.dumps(encode(result)))
        for ranking in (r for r in evidence.rankings if r.case in names):
            print(json.dumps(encode(ranking)))
        return 0
    for name in names:
        print(terminal.table(evidence, name, colour=sys.stdout.isatty()), end="\n\n")
    if len(names) > 1:
        _means(evidence.results, names)
    return 0


def _means(results: tuple, names: list[str]) -> None:  # type: ignore[type-arg]
    """Geometric means over the cases, of the arms that were measured on all of them."""
    arms: dict[str, dict[str, float]] = {}
    for r in results:
        if r.case in names and r.speedup:
            arms.setdefault(f"{r.variant} {r.setting.label}", {})[r.case] = r.speedup[0]
    print(f"geometric mean of the speedup over {len(names)} cases")
    for arm, found in sorted(arms.items()):
        if len(found) == len(names):
            mean = math.exp(sum(map(math.log, found.values())) / len(found))
            print(f"  {arm:44} {mean:5.2f}x   least {min(found.values()):5.2f}x")
