"""What policies are compared on, one file per family: ``PROBLEMS`` maps names to :class:`Problem`.

To add one: a function that makes a :class:`Table` of what every arm costs at every step, in a new module here or in
one that is there, and a line in its ``PROBLEMS``. ``split`` says whether constants may be chosen on it (``dev``) or
not (``test``).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Literal

import numpy as np
from numpy.random import Generator as Random

from hpcbench.spec import HpcbenchError, Value

Split = Literal["dev", "test"]


@dataclass(frozen=True)
class Table:
    """What every arm costs at every step; the comparison knows it, a policy does not.

    Attributes
    ----------
    arms : the values of each.
    costs : (steps, arms), float64, at least 0; not a number where an arm fails, which counts as ``scale``.
    contexts : (steps,), float64: what is known of a step beforehand.
    scale : a cost that is hardly ever exceeded.
    bounds : least and greatest context.
    """

    arms: Sequence[Mapping[str, Value]]
    costs: np.ndarray
    contexts: np.ndarray
    scale: float
    bounds: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Problem:
    """How a table of a number of steps is drawn, what it is for, and further modules that make it what it is."""

    make: Callable[[int, Random], Table]
    split: Split
    summary: str
    modules: tuple[ModuleType, ...] = ()


def problems() -> dict[str, Problem]:
    """All that are built in, by name."""
    found: dict[str, Problem] = {}
    for file in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        found |= importlib.import_module(f"{__name__}.{file.stem}").PROBLEMS
    return found


def name_of(path: Path) -> str:
    """The name of a recorded problem: its file's, without .json and .gz."""
    return path.name.removesuffix(".gz").removesuffix(".json")


def chosen(words: Sequence[str], files: Sequence[Path]) -> dict[str, Problem]:
    """Problems by name, ``dev``, ``test`` or ``all``, and recorded ones by file.

    Raises
    ------
    HpcbenchError
        When there is none of that name, two have the same, or a file is no recorded tuning.
    """
    from tuners.problems.recorded import recorded

    known = problems()
    found: dict[str, Problem] = {}
    for word in words:
        fits = [n for n, p in known.items() if word in (n, p.split, "all")]
        if not fits:
            raise HpcbenchError(f"--problem {word}: dev, test, all or one of {', '.join(known)} is expected")
        found |= {name: known[name] for name in fits}
    for path in files:
        name = name_of(path)
        if name in found:
            raise HpcbenchError(f"--recorded {path}: there is another problem {name}: rename the file")
        found[name] = recorded(path)
    return found
