"""Inputs that the judge draws and no candidate has seen: odd sizes and structures, fresh in every judgement."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array, diags_array, eye_array

from hpcbench.inputs import generate
from hpcbench.inputs.odd import Rng, dense_rows, odd, scattered
from hpcbench.kernels.sptrsv.triangle import Triangle, lower, triangle


def _chain(n: int) -> csr_array:
    """Each row needs the one before it."""
    return csr_array(diags_array(np.ones(n - 1), offsets=-1))


def _star(n: int, out: bool) -> csr_array:
    """The first row is needed by all others, or the last one needs them all."""
    hub, others = np.zeros(n - 1, int), np.arange(1, n)
    rows, columns = (others, hub) if out else (hub + n - 1, others - 1)
    return csr_array((np.ones(n - 1), (rows, columns)), shape=(n, n))


def _scaled(a: csr_array, g: Rng) -> csr_array:
    """Rows and unknowns in units that differ by six orders of magnitude."""
    left, right = (diags_array(10.0 ** g.uniform(-3, 3, a.shape[0])) for _ in range(2))
    return csr_array(left @ a @ right)


def _growing(n: int, g: Rng) -> csr_array:
    """All entries below the diagonal, nearly as large: errors grow row by row, residuals do not."""
    below = np.tril(-g.uniform(0.8, 1, (n, n)), -1)
    return csr_array(below + np.eye(n))


PATTERNS: dict[str, Callable[[Rng], csr_array]] = {
    "no rows": lambda g: csr_array((0, 0)),
    "one by one": lambda g: csr_array((1, 1)),
    "diagonal": lambda g: csr_array((odd(g, 50, 90),) * 2),
    "prime order": lambda g: scattered(1009, 1009, 9000, g),
    "dense": lambda g: csr_array(np.ones((odd(g, 40, 70),) * 2)),
    "chain": lambda g: _chain(odd(g, 300, 500)),
    "needed by all": lambda g: _star(odd(g, 200, 400), True),
    "needs all": lambda g: _star(odd(g, 200, 400), False),
    "dense rows and columns": lambda g: _square(dense_rows(odd(g, 500, 900), g)),
    "power law": lambda g: generate.rmat(int(g.integers(9, 11)), 8, g),
    "stencil": lambda g: generate.poisson2d(odd(g, 20, 40), g),
    "cube": lambda g: generate.poisson3d(odd(g, 9, 15), g),
    "blocks": lambda g: generate.block_diagonal(odd(g, 5, 11), odd(g, 15, 40), g),
    "banded": lambda g: generate.fem27(odd(g, 5, 7), 3, g),
    "road": lambda g: generate.road(odd(g, 30, 40), g),
    "far apart": lambda g: scattered(100_003, 100_003, 1500, g),
    "larger": lambda g: generate.er(odd(g, 20_000, 40_000), 6, g),
}


def _square(a: csr_array) -> csr_array:
    return a[:, : a.shape[0]] if a.shape[1] >= a.shape[0] else a[: a.shape[1]]


def hidden(contract: str, rng: np.random.Generator) -> dict[str, Triangle]:
    """One input of every kind, by name, drawn anew at every call."""
    found = {name: triangle(lower(draw(rng), rng), rng, contract) for name, draw in PATTERNS.items()}
    found["scaled"] = triangle(_scaled(lower(generate.poisson2d(13, rng), rng), rng), rng, contract)
    found["growing"] = triangle(_growing(odd(rng, 30, 40), rng), rng, contract)
    found["identity"] = triangle(csr_array(eye_array(odd(rng, 10, 20))), rng, contract)
    return found
