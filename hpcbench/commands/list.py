"""List the kernels, their variants and their contracts.

Reads only static text: no kernel is loaded.
"""

from __future__ import annotations

import argparse
import json

from hpcbench import registry
from hpcbench.commands import _options

EXAMPLE = "hpcbench list"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    _options.json_flag(parser, "one kernel per line")


def run(options: argparse.Namespace) -> int:
    """Print every kernel with its variants."""
    for kernel in registry.kernels().values():
        variants = kernel.variants()
        if options.json:
            names = {v.name: {"model": v.model, "summary": v.summary} for v in variants}
            print(json.dumps({"kernel": kernel.name, "summary": kernel.summary, "cases": list(kernel.cases),
                              "contracts": list(kernel.contracts), "variants": names}))  # fmt: skip
            continue
        print(f"{kernel.name}\n  {kernel.summary}")
        print(f"  contracts {', '.join(kernel.contracts)}; {len(kernel.cases)} cases\n")
        width = max(len(v.name) for v in variants)
        for v in variants:
            print(f"  {v.name:{width}}  {v.model:7} {v.summary}"[:80].rstrip())
    if not options.json:
        print("\nNext: hpcbench show KERNEL, or hpcbench run --kernel KERNEL --case CASE")
    return 0
