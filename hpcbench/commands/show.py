"""Show one kernel: its contract, cases, variants with their parameters, or one variant's source.

What a variant needs and lacks on this machine stands beside it.
"""

from __future__ import annotations

import argparse
import json
import textwrap

from hpcbench import registry
from hpcbench.commands import _options
from hpcbench.entrants import unavailable

EXAMPLE = "hpcbench show spgemm --variant gustavson"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("kernel", metavar="KERNEL", help="name of a kernel; `hpcbench list` tells them")
    parser.add_argument("--variant", metavar="NAME", help="print this variant's source")
    _options.json_flag(parser, "the kernel's facts as one object")


def run(options: argparse.Namespace) -> int:
    """Print the kernel, or the source of one variant."""
    kernel = registry.kernel(options.kernel)
    if options.variant:
        print(kernel.variant(options.variant).path.read_text(), end="")
        return 0
    if options.json:
        print(json.dumps({"kernel": kernel.name, "summary": kernel.summary, "source": kernel.source,
                          "contracts": kernel.contracts, "cases": kernel.cases,
                          "variants": [v.name for v in kernel.variants()]}))  # fmt: skip
        return 0
    for line in (f"{kernel.name}: {kernel.summary}", f"source: {kernel.source}"):
        print(textwrap.fill(line, 80, subsequent_indent="  "))
    print("\ncontracts")
    width = max(map(len, kernel.contracts))
    for name, text in kernel.contracts.items():
        print(textwrap.fill(f"  {name:{width}}  {text}", 80, subsequent_indent=" " * (width + 4)))
    print("\ncases")
    width = max(map(len, kernel.cases))
    for name, facts in kernel.cases.items():
        print(f"  {name:{width}}  {facts['size']:6}  {facts['structure']}"[:80].rstrip())
    print("\nvariants")
    for variant in kernel.variants():
        print(f"  {variant.name} ({variant.model})")
        _indented(variant.summary)
        for param in variant.params:
            values = ", ".join(map(str, param.values)) or f"{param.low} to {param.high}"
            _indented(f"{param.name} = {param.default}   of {values}   ({param.when} time)")
        if reason := unavailable(variant):
            _indented(f"not here: {reason}")
    return 0


def _indented(text: str) -> None:
    print(textwrap.fill(text, 80, initial_indent="    ", subsequent_indent="      "))
