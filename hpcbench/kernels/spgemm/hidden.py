"""Inputs that the judge draws and no candidate has seen: odd sizes and structures, fresh in every judgement."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array

from hpcbench.inputs import generate
from hpcbench.kernels.spgemm.product import Product, product

Rng = np.random.Generator
Pair = tuple[csr_array, csr_array]


def _random(n: int, m: int, nnz: int, g: Rng) -> csr_array:
    """About ``nnz`` entries of either sign whose sizes differ by four orders of magnitude."""
    keys = np.unique(g.integers(0, n * m, nnz)) if nnz else np.zeros(0, np.int64)
    values = g.choice([-1.0, 1.0], len(keys)) * 10.0 ** g.uniform(-2, 2, len(keys))
    matrix = csr_array((values, (keys // m, keys % m)), shape=(n, m))
    matrix.sort_indices()
    return matrix


def _odd(g: Rng, low: int, high: int) -> int:
    """An odd number, so that no blocking divides it."""
    return 2 * int(g.integers(low // 2, high // 2)) + 1


def _square(a: csr_array) -> Pair:
    return a, a


def _empty_rows(g: Rng) -> Pair:
    a = _random(_odd(g, 200, 400), 300, 900, g).tolil()
    a[:: int(g.integers(2, 4))] = 0
    return csr_array(a.tocsr()), _random(300, _odd(g, 100, 300), 700, g)


def _dense_rows(g: Rng) -> Pair:
    n = _odd(g, 500, 900)
    a = _random(n, n, 3 * n, g).tolil()
    a[int(g.integers(n))] = 1.5
    a[:, int(g.integers(n))] = -0.5
    return _square(csr_array(a.tocsr()))


def _rectangular(g: Rng) -> Pair:
    n, k, m = _odd(g, 3, 20), _odd(g, 1000, 3000), _odd(g, 20, 60)
    return _random(n, k, 4 * k, g), _random(k, m, 3 * k, g)


def _cancelling(g: Rng) -> Pair:
    """A [B; -B] with paired columns: every entry of C is the difference of equal or nearly equal numbers."""
    n = _odd(g, 100, 200)
    a, b = _random(n, n, 5 * n, g), _random(n, n, 5 * n, g)
    from scipy.sparse import hstack, vstack

    near = b.copy()
    near.data = near.data * (1 + 1e-9 * g.integers(0, 2, near.nnz))
    return csr_array(hstack([a, a], format="csr")), csr_array(vstack([b, -near], format="csr"))


DRAWS: dict[str, Callable[[Rng], Pair]] = {
    "no rows": lambda g: (csr_array((0, 7)), _random(7, 5, 12, g)),
    "no columns": lambda g: (_random(6, 4, 9, g), csr_array((4, 0))),
    "no entries": lambda g: _square(csr_array((_odd(g, 50, 99),) * 2)),
    "one by one": lambda g: _square(_random(1, 1, 1, g)),
    "prime order": lambda g: _square(_random(1009, 1009, 9000, g)),
    "empty rows": _empty_rows,
    "dense rows and columns": _dense_rows,
    "rectangular": _rectangular,
    "far columns": lambda g: (_random(65, 401, 1200, g), _random(401, 1_000_003, 1500, g)),
    "power law": lambda g: _square(generate.rmat(int(g.integers(9, 11)), 8, g)),
    "stencil": lambda g: _square(generate.poisson3d(_odd(g, 9, 15), g)),
    "blocks": lambda g: _square(generate.block_diagonal(_odd(g, 5, 11), _odd(g, 15, 40), g)),
    "banded": lambda g: _square(generate.fem27(_odd(g, 5, 7), 3, g)),
    "cancelling": _cancelling,
    "larger": lambda g: _square(generate.er(_odd(g, 20_000, 40_000), 6, g)),
}


def hidden(contract: str, rng: Rng) -> dict[str, Product]:
    """One input of every kind, by name, drawn anew at every call."""
    return {name: product(*draw(rng), contract, rng) for name, draw in DRAWS.items()}
