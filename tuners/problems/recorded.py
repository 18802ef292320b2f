"""Recorded exhaustive tunings, in the format of Kernel Tuner's cache files."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator as Random

from hpcbench.spec import HpcbenchError
from tuners.problems import Problem, Table

FAILED = 1e20
PROBLEMS: dict[str, Problem] = {}  # files are named by the user


def recorded(path: Path) -> Problem:
    """A problem of the file at ``path``, which may be gzipped: one arm per configuration, its costs its raw times.

    Every step draws one of a configuration's recorded times; one that did not run fails.

    Raises
    ------
    HpcbenchError
        When the file cannot be read, or holds no recorded tuning.
    """
    try:
        data = path.read_bytes()
        text = gzip.decompress(data) if path.suffix == ".gz" else data
        content = json.loads(text)
        keys, cache = content["tune_params_keys"], content["cache"]
        rows = [(tuple(one[key] for key in keys), _times(one)) for one in cache.values()]
        if len({values for values, _ in rows}) < len(rows):
            raise ValueError("two configurations have the same values")
    except OSError as error:
        raise HpcbenchError(f"--recorded {path}: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, zlib.error) as error:
        raise HpcbenchError(
            f"--recorded {path}: a cache file of Kernel Tuner is expected ({type(error).__name__}: {error})"
        ) from None
    if not any(times for _, times in rows):
        raise HpcbenchError(f"--recorded {path}: no configuration ran")
    arms = [dict(zip(keys, values, strict=True)) for values, _ in rows]
    return Problem(partial(_make, arms, [times for _, times in rows]), "test", f"recorded: {len(arms)} arms")


def _times(one: Any) -> list[float]:
    """Milliseconds of a configuration's runs; none where it failed, which old files tell by a time of 1e20."""
    if not isinstance(one["time"], int | float):
        return []
    found = [float(t) for t in one.get("times") or [one["time"]]]
    return found if all(math.isfinite(t) and 0 < t < FAILED for t in found) else []


def _make(arms: list[dict[str, Any]], times: list[list[float]], steps: int, rng: Random) -> Table:
    costs = np.full((steps, len(arms)), np.nan)
    for k, known in enumerate(times):
        if known:
            costs[:, k] = rng.choice(known, steps)
    scale = float(np.nanmax([max(known) for known in times if known]))
    return Table(arms, costs, np.zeros(steps), scale)
