"""Choose parameters while the work runs, and see what that saves."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

EXAMPLE = "hpcbench tune sor --stream high --steps 500 --seeds 3"
PREFIX = "_tune_"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what can be tuned, each with its options."""
    kinds = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    for file in sorted(Path(__file__).parent.glob(f"{PREFIX}*.py")):
        module = importlib.import_module(f"tuners.commands.{file.stem}")
        first, _, rest = (module.__doc__ or "").partition("\n")
        one = kinds.add_parser(
            file.stem.removeprefix(PREFIX), help=first[0].lower() + first[1:].rstrip("."),
            description=rest.strip(), epilog=f"Example: {module.EXAMPLE}",
        )  # fmt: skip
        module.configure(one)
        one.set_defaults(main=module.run)


def run(options: argparse.Namespace) -> int:
    """Run what was asked for."""
    return int(options.main(options))
