"""Streams of matrices that a user gives: one that drifts, or one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator as Random
from scipy.sparse import csr_array

from tuners.sor.streams import Family, Kind, Stream, System


def drifting(rng: Random, k: csr_array) -> Stream:
    """Scale * (K + shift I) of a given matrix: the shift wanders over decades, the scale with it; b normal.

    The shift is from 1/300 to 1 of the median diagonal entry, by a reflected random walk of its logarithm.
    """
    family, n = Family(k), k.shape[0]
    middle = float(np.median(k.diagonal()))
    place = rng.uniform(-2.5, 0)
    while True:
        place = -abs(place + 0.1 * rng.standard_normal())
        place = place if place > -2.5 else -5 - place
        shift = 10**place
        yield System(
            family.at(middle * shift, 10 ** rng.uniform(-2, 2)), rng.standard_normal(n), np.zeros(n), shift
        )


def in_order(rng: Random, matrices: Sequence[csr_array]) -> Stream:
    """Given matrices one after the other, once; b normal, from zero. The context is the mean of the diagonal."""
    for a in matrices:
        n = a.shape[0]
        yield System(a, rng.standard_normal(n), np.zeros(n), float(a.diagonal().mean()))


def of_files(names: Sequence[str], matrices: Sequence[csr_array]) -> tuple[str, Kind]:
    """One matrix that drifts, or several in order; the name of the stream, and its kind."""
    if len(matrices) == 1:
        k = matrices[0]
        return names[0], Kind(lambda g: drifting(g, k), (0.0, 1.0), 1000.0, "")
    means = [float(a.diagonal().mean()) for a in matrices]
    low, high = min(means), max(means)
    bounds = low, high if high > low else low + 1
    kind = Kind(lambda g: in_order(g, matrices), bounds, 1000.0, "", len(matrices))
    return f"{names[0]} to {names[-1]}", kind
