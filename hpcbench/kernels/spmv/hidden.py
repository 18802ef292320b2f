"""Inputs that the judge draws and no candidate has seen: odd sizes and structures, fresh in every judgement."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array, hstack

from hpcbench.inputs import generate
from hpcbench.inputs.odd import Rng, dense_rows, empty_rows, odd, scattered
from hpcbench.kernels.spmv.matvec import Matvec, matvec


def _cancelling(g: Rng) -> csr_array:
    """Pairs of columns whose entries are equal up to the sign, or nearly so."""
    a = scattered(odd(g, 100, 200), 150, 900, g)
    near = a.copy()
    near.data = near.data * (1 + 1e-9 * g.integers(0, 2, near.nnz))
    return csr_array(hstack([a, -near], format="csr"))


DRAWS: dict[str, Callable[[Rng], csr_array]] = {
    "no rows": lambda g: csr_array((0, 7)),
    "no columns": lambda g: csr_array((odd(g, 5, 9), 0)),
    "no entries": lambda g: csr_array((odd(g, 50, 99), odd(g, 50, 99))),
    "one by one": lambda g: scattered(1, 1, 1, g),
    "prime order": lambda g: scattered(1009, 1009, 9000, g),
    "empty rows": lambda g: empty_rows(odd(g, 200, 400), 300, 900, g),
    "dense rows and columns": lambda g: dense_rows(odd(g, 500, 900), g),
    "rectangular": lambda g: scattered(odd(g, 3, 20), odd(g, 1000, 3000), 8000, g),
    "far columns": lambda g: scattered(odd(g, 60, 90), 1_000_003, 1500, g),
    "power law": lambda g: generate.rmat(int(g.integers(9, 11)), 8, g),
    "stencil": lambda g: generate.poisson3d(odd(g, 9, 15), g),
    "blocks": lambda g: generate.block_diagonal(odd(g, 5, 11), odd(g, 15, 40), g),
    "banded": lambda g: generate.fem27(odd(g, 5, 7), 3, g),
    "cancelling": _cancelling,
    "larger": lambda g: generate.er(odd(g, 20_000, 40_000), 6, g),
}


def hidden(contract: str, rng: np.random.Generator) -> dict[str, Matvec]:
    """One input of every kind, by name, drawn anew at every call."""
    return {name: matvec(draw(rng), rng, contract) for name, draw in DRAWS.items()}
