"""Inputs that the judge draws and no candidate has seen: odd sizes and structures, fresh in every judgement."""

from __future__ import annotations

from collections.abc import Callable

from scipy.sparse import csr_array

from hpcbench.inputs import generate
from hpcbench.inputs.odd import Rng, dense_rows, empty_rows, odd, scattered
from hpcbench.kernels.spgemm.product import Product, product

Pair = tuple[csr_array, csr_array]


def _square(a: csr_array) -> Pair:
    return a, a


def _empty_rows(g: Rng) -> Pair:
    return empty_rows(odd(g, 200, 400), 300, 900, g), scattered(300, odd(g, 100, 300), 700, g)


def _rectangular(g: Rng) -> Pair:
    n, k, m = odd(g, 3, 20), odd(g, 1000, 3000), odd(g, 20, 60)
    return scattered(n, k, 4 * k, g), scattered(k, m, 3 * k, g)


def _cancelling(g: Rng) -> Pair:
    """A [B; -B] with paired columns: every entry of C is the difference of equal or nearly equal numbers."""
    n = odd(g, 100, 200)
    a, b = scattered(n, n, 5 * n, g), scattered(n, n, 5 * n, g)
    from scipy.sparse import hstack, vstack

    near = b.copy()
    near.data = near.data * (1 + 1e-9 * g.integers(0, 2, near.nnz))
    return csr_array(hstack([a, a], format="csr")), csr_array(vstack([b, -near], format="csr"))


DRAWS: dict[str, Callable[[Rng], Pair]] = {
    "no rows": lambda g: (csr_array((0, 7)), scattered(7, 5, 12, g)),
    "no columns": lambda g: (scattered(6, 4, 9, g), csr_array((4, 0))),
    "no entries": lambda g: _square(csr_array((odd(g, 50, 99),) * 2)),
    "one by one": lambda g: _square(scattered(1, 1, 1, g)),
    "prime order": lambda g: _square(scattered(1009, 1009, 9000, g)),
    "empty rows": _empty_rows,
    "dense rows and columns": lambda g: _square(dense_rows(odd(g, 500, 900), g)),
    "rectangular": _rectangular,
    "far columns": lambda g: (scattered(65, 401, 1200, g), scattered(401, 1_000_003, 1500, g)),
    "power law": lambda g: _square(generate.rmat(int(g.integers(9, 11)), 8, g)),
    "stencil": lambda g: _square(generate.poisson3d(odd(g, 9, 15), g)),
    "blocks": lambda g: _square(generate.block_diagonal(odd(g, 5, 11), odd(g, 15, 40), g)),
    "banded": lambda g: _square(generate.fem27(odd(g, 5, 7), 3, g)),
    "cancelling": _cancelling,
    "larger": lambda g: _square(generate.er(odd(g, 20_000, 40_000), 6, g)),
}


def hidden(contract: str, rng: Rng) -> dict[str, Product]:
    """One input of every kind, by name, drawn anew at every call."""
    return {name: product(*draw(rng), contract, rng) for name, draw in DRAWS.items()}
