"""Words that several subcommands share, with the same meaning everywhere."""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hpcbench.spec import HpcbenchError, Value


def numbers(text: str) -> list[int]:
    """``1,2,4`` as positive integers."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: integers separated by commas are expected") from None
    if any(n < 1 for n in found):
        raise argparse.ArgumentTypeError(f"{text!r}: every number must be at least 1")
    return found


def words(text: str) -> list[str]:
    """``a,b`` as a list of names."""
    return [part for part in text.split(",") if part]


def assignment(text: str) -> tuple[str, list[Value]]:
    """``NAME=v1,v2`` as a name and its values: booleans, integers, numbers or words."""
    name, equals, values = text.partition("=")
    if not (name and equals and values):
        raise argparse.ArgumentTypeError(f"{text!r}: NAME=VALUE or NAME=V1,V2 is expected")
    return name, [_value(v) for v in values.split(",")]


def single(assignments: Sequence[tuple[str, list[Value]]]) -> dict[str, Value]:
    """The one value of every name.

    Raises
    ------
    HpcbenchError
        When a name has several.
    """
    for name, values in assignments:
        if len(values) != 1:
            raise HpcbenchError(f"--param {name}: one value is expected, {len(values)} are given")
    return {name: values[0] for name, values in assignments}


def _value(text: str) -> Value:
    kinds: tuple[Callable[[str], Value], ...] = (int, float)
    for kind in kinds:
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.lower(), text)


def runs(parser: argparse.ArgumentParser, reading: bool) -> None:
    """``--runs DIR``: where journals are."""
    text = "folder of journals, or one journal" if reading else "folder for the journal"
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), metavar="DIR", help=f"{text} (default: runs)"
    )


def json_flag(parser: argparse.ArgumentParser, text: str) -> None:
    """``--json``: for machines."""
    parser.add_argument("--json", action="store_true", help=text)


def outputs(page: Path | None, *tables: Path | None) -> None:
    """Look, before anything is run, whether files that are asked for can be written.

    Raises
    ------
    HpcbenchError
        When a folder is not there, or what draws a page or writes a table is not installed.
    """
    for path in (page, *tables):
        if path and not path.absolute().parent.is_dir():
            raise HpcbenchError(f"{path}: there is no folder {path.parent}")
    for library, wanted in (("matplotlib", page), ("pandas", next(filter(None, tables), None))):
        if wanted and importlib.util.find_spec(library) is None:
            extra = "pip install 'hpcbench-workbench[report,parquet]'"
            raise HpcbenchError(f"{wanted}: it needs {library}: {extra}")


@contextmanager
def writing(way_out: str) -> Iterator[None]:
    """Files that were asked for are written here; ``way_out`` ends what is said where that fails.

    Raises
    ------
    HpcbenchError
        When one cannot be, or what writes it is not installed.
    """
    try:
        yield
    except ImportError as error:
        raise HpcbenchError(f"{error}; {way_out}") from None
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise HpcbenchError(f"{what}; {way_out}") from None
