"""Make the report of earlier runs: one self-contained HTML page, and tables for pandas.

The page holds the ranking, the intervals, every paired round and the facts of the machine, and loads
nothing from the network.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

from hpcbench.commands import _options
from hpcbench.spec import HpcbenchError

EXAMPLE = "hpcbench report --runs runs --output report.html --csv results.csv"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    _options.runs(parser, reading=True)
    parser.add_argument("--output", type=Path, default=Path("report.html"), metavar="FILE",
                        help="the page (default: report.html)")  # fmt: skip
    for name in _exporters():
        what = _exporter(name).__doc__.partition("\n")[0].rstrip(".")  # type: ignore[union-attr]
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=f"{what[0].lower()}{what[1:]}")
    parser.add_argument("--title", default="hpcbench report", help="heading of the page")


def run(options: argparse.Namespace) -> int:
    """Write the page and tell where it is."""
    from hpcbench.report import collect, html
    from hpcbench.store import journals

    evidence = collect.evidence(journals(options.runs))
    try:
        page = html.page(evidence, options.title)
        _write(options.output, page.encode())
        for name in _exporters():
            if file := getattr(options, name):
                _write(file, _exporter(name).render(evidence))
    except ModuleNotFoundError as error:
        raise HpcbenchError(
            f"{error.name} is not installed; the report needs it: pip install 'hpcbench-workbench[report]'"
        ) from None
    print(f"{options.output}: {len(evidence.case_names)} cases, {len(evidence.results)} results, "
          f"{len(page.encode()) / 1024:.0f} kB")  # fmt: skip
    return 0


def _exporters() -> list[str]:
    from hpcbench.report import exporters

    return sorted(module.name for module in pkgutil.iter_modules(exporters.__path__))


def _exporter(name: str) -> ModuleType:
    return importlib.import_module(f"hpcbench.report.exporters.{name}")


def _write(path: Path, content: bytes) -> None:
    with _options.writing("choose another place"):
        path.write_bytes(content)
