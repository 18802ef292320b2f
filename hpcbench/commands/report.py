"""Make the report of earlier runs: one self-contained HTML page, and tables for pandas.

The page holds the ranking, the intervals, every paired round and the facts of the machine, and loads
nothing from the network.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hpcbench.commands import _options
from hpcbench.spec import HpcbenchError

EXAMPLE = "hpcbench report --runs runs --output report.html --csv results.csv"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    _options.runs(parser, reading=True)
    parser.add_argument("--output", type=Path, default=Path("report.html"), metavar="FILE",
                        help="the page (default: report.html)")  # fmt: skip
    parser.add_argument("--csv", type=Path, metavar="FILE", help="the results as a table, too")
    parser.add_argument("--title", default="hpcbench report", help="heading of the page")


def run(options: argparse.Namespace) -> int:
    """Write the page and tell where it is."""
    from hpcbench.report import collect, frames, html
    from hpcbench.store import journals

    evidence = collect.evidence(journals(options.runs))
    try:
        page = html.page(evidence, options.title)
        _write(options.output, page)
        if options.csv:
            _write(options.csv, frames.results_frame(evidence).to_csv(index=False))
    except ModuleNotFoundError as error:
        raise HpcbenchError(
            f"{error.name} is not installed; the report needs it: pip install 'hpcbench-workbench[report]'"
        ) from None
    print(f"{options.output}: {len(evidence.case_names)} cases, {len(evidence.results)} results, "
          f"{len(page.encode()) / 1024:.0f} kB")  # fmt: skip
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise HpcbenchError(f"{path}: {error.strerror}; choose another place with --output") from None
