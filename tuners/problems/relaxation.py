"""Omega of SOR over a sequence of systems: iterations of each of twenty omegas."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.random import Generator as Random

from hpcbench.inputs import equations
from tuners.problems import Problem, Split, Table
from tuners.sor import streams
from tuners.sor.contest import GRID
from tuners.sor.solver import Solver
from tuners.sor.streams import STREAMS

LIMIT = 1000  # iterations; what does not end costs as much
SPLIT: dict[str, Split] = {
    "high": "dev",
    "abrupt": "dev",
    "heavy_tailed": "dev",
    "low": "test",
    "misleading": "test",
    "flows": "test",
    "unrelated": "test",
}


def _make(name: str, steps: int, rng: Random) -> Table:
    kind, solver = STREAMS[name], Solver("sor", limit=LIMIT)
    stream = kind.make(rng)
    costs, contexts, system = np.full((steps, len(GRID)), np.nan), np.zeros(steps), next(stream)
    for step in range(steps):
        x, contexts[step] = system.x0, system.context
        for k, omega in enumerate(GRID):
            found = solver(system.a, system.b, system.x0, omega=omega)
            if not found.stopped:
                x, costs[step, k] = found.x, found.iterations
        system = stream.send(x)
    return Table([{"omega": w} for w in GRID], costs, contexts, float(LIMIT), kind.bounds)


SUMMARY = "omega of SOR: {}"
PROBLEMS = {
    f"sor_{name}": Problem(
        partial(_make, name), split, SUMMARY.format(STREAMS[name].summary), (streams, equations)
    )
    for name, split in SPLIT.items()
}
