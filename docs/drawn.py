"""Matrices of structures that the registry's cases have not: of docs/structures.py."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.sparse import block_diag, coo_array, csr_array, diags_array, eye_array, kron, random_array
from scipy.spatial import Delaunay, KDTree

Rng = np.random.Generator


def _at(rows: np.ndarray, columns: np.ndarray, n: int) -> csr_array:
    """Ones at these places and on the diagonal."""
    found = csr_array(coo_array((np.ones(len(rows)), (rows, columns)), shape=(n, n))) + eye_array(n)
    return csr_array(found != 0, dtype=float)


def _both(rows: np.ndarray, columns: np.ndarray, n: int) -> csr_array:
    return _at(np.r_[rows, columns], np.r_[columns, rows], n)


def _band(g: Rng) -> csr_array:
    rows = np.repeat(np.arange(20_000), 20)
    return _at(rows, np.clip(rows + g.integers(-200, 201, len(rows)), 0, 19_999), 20_000)


def _circuit(g: Rng) -> csr_array:
    n = 60_000
    rows = np.repeat(np.arange(n), 4)
    near = np.clip(rows + g.integers(-30, 31, len(rows)), 0, n - 1)
    columns = np.where(g.random(len(rows)) < 0.8, near, g.integers(0, n, len(rows)))
    hubs, ends = np.repeat(g.integers(0, n, 10), 1500), g.integers(0, n, 15_000)
    return _at(np.r_[rows, hubs, ends], np.r_[columns, ends, hubs], n)


def _near(points: np.ndarray, radius: float) -> csr_array:
    return _both(*KDTree(points).query_pairs(radius, output_type="ndarray").T, len(points))


def _neighbours(g: Rng) -> csr_array:
    points = g.standard_normal((25_000, 5))
    found = KDTree(points).query(points, k=12)[1]
    return _at(np.repeat(np.arange(25_000), 12), found.ravel(), 25_000)


def _earlier(g: Rng) -> csr_array:
    rows = np.repeat(np.arange(1, 40_000), 8)
    return _at(rows, (g.random(len(rows)) ** 3 * rows).astype(int), 40_000)


def _small_world(g: Rng) -> csr_array:
    n = 50_000
    rows, steps = np.repeat(np.arange(n), 6), np.tile(np.arange(1, 7), n)
    return _both(rows, np.where(g.random(6 * n) < 0.1, g.integers(0, n, 6 * n), (rows + steps) % n), n)


def _attached(g: Rng) -> csr_array:
    """Preferential attachment: each vertex to five ends of edges (Barabasi and Albert, 1999)."""
    n, ends = 30_000, np.empty(300_000, dtype=int)
    ends[:10] = np.arange(10)
    for v in range(10, n):
        ends[10 * v - 90 : 10 * v - 85], ends[10 * v - 85 : 10 * v - 80] = (
            v,
            ends[g.integers(0, 10 * v - 90, 5)],
        )
    return _both(
        ends[10 : 10 * n - 90].reshape(-1, 2, 5)[:, 0].ravel(),
        ends[10 : 10 * n - 90].reshape(-1, 2, 5)[:, 1].ravel(),
        n,
    )


def _terms(g: Rng) -> csr_array:
    rows = np.repeat(np.arange(20_000), 20)
    return _at(
        rows, g.permutation(20_000)[np.minimum((g.pareto(0.7, len(rows)) * 5).astype(int), 19_999)], 20_000
    )


def _mesh(g: Rng, ordered: bool = False) -> csr_array:
    points = g.random((40_000, 2))
    if ordered:
        points = points[np.lexsort((points[:, 0], (points[:, 1] * 50).astype(int)))]
    edges = np.concatenate([Delaunay(points).simplices[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
    return _both(*edges.T, 40_000)


def _permuted(g: Rng) -> csr_array:
    a, order = _stencil(150, 2), g.permutation(150**2)
    return csr_array(a[order][:, order])


def _stencil(side: int, dimensions: int) -> csr_array:
    """The Laplacian by differences."""
    line, total = (
        diags_array([-1.0, 2, -1], offsets=[-1, 0, 1], shape=(side, side)),
        csr_array((side**dimensions,) * 2),
    )
    for d in range(dimensions):
        total = total + kron(kron(eye_array(side**d), line), eye_array(side ** (dimensions - 1 - d)))
    return csr_array(total)


def _empty(g: Rng) -> csr_array:
    n = 200_000
    rows = np.repeat(g.choice(n, n // 20, replace=False), 15)
    return csr_array(coo_array((np.ones(len(rows)), (rows, g.integers(0, n, len(rows)))), shape=(n, n)))


def _mixed(g: Rng) -> csr_array:
    rows = np.repeat(np.arange(30_000), np.where(np.arange(30_000) % 7, 3, 60))
    return _at(rows, np.clip(rows + (g.standard_normal(len(rows)) * 400).astype(int), 0, 29_999), 30_000)


FAR = [-20_000, -5000, -701, -1, 0, 1, 700, 5000, 20_000]
MATRICES: dict[str, Callable[[Rng], csr_array]] = {
    "band": _band,
    "circuit": _circuit,
    "blocks of 64": lambda g: block_diag([np.ones((64, 64))] * 200),
    "points in a box": lambda g: _near(g.random((4000, 3)) * 10, 2.3),
    "neighbours in 5 dimensions": _neighbours,
    "earlier ones": _earlier,
    "small world": _small_world,
    "preferential attachment": _attached,
    "terms of documents": _terms,
    "mesh": _mesh,
    "mesh, in order": lambda g: _mesh(g, True),
    "stencil, permuted": _permuted,
    "permutation": lambda g: csr_array(eye_array(300_000).tocsr()[g.permutation(300_000)]),
    "tridiagonal": lambda g: diags_array([1.0] * 3, offsets=[-1, 0, 1], shape=(300_000, 300_000)),
    "far diagonals": lambda g: diags_array([1.0] * 9, offsets=FAR, shape=(60_000, 60_000)),
    "a third filled": lambda g: random_array((900, 900), density=0.3, rng=g) + eye_array(900),
    "empty rows": _empty,
    "blocks of 6": lambda g: kron(random_array((200, 200), density=0.02, rng=g) + eye_array(200), np.ones((6, 6))),
    "short and long rows": _mixed,
    "500 rows": lambda g: random_array((500, 500), density=0.02, rng=g) + eye_array(500),
    "90 rows": lambda g: random_array((90, 90), density=0.06, rng=g) + eye_array(90),
}  # fmt: skip


def _laplacian(of: Callable[[Rng], csr_array], shift: float) -> Callable[[Rng], csr_array]:
    def drawn(g: Rng) -> csr_array:
        a = csr_array(of(g))
        a.data = np.abs(g.standard_normal(a.nnz)) + 0.01
        a = csr_array(a + a.T)
        a = csr_array(a - diags_array(a.diagonal()))
        return csr_array(diags_array(a.sum(axis=1) * (1 + shift) + shift) - a)

    return drawn


def _turned(n: int = 250, weak: float = 0.01, angle: float = math.pi / 6) -> csr_array:
    """Anisotropy that lies aslant to the grid."""
    c, s = math.cos(angle), math.sin(angle)
    line, step = _stencil(n, 1), diags_array([-0.5, 0.5], offsets=[-1, 1], shape=(n, n))
    one, other = kron(eye_array(n), line), kron(line, eye_array(n))
    both = 2 * (1 - weak) * c * s * kron(step, step)
    return csr_array(
        (c * c + weak * s * s) * one + (s * s + weak * c * c) * other - both + 1e-6 * eye_array(n * n)
    )


def _porous(g: Rng, m: int = 36) -> csr_array:
    """Flow through cells of very different permeability."""
    k, ids = np.exp(2 * g.standard_normal((m, m, m))), np.arange(m**3).reshape(m, m, m)
    ends = [(np.take(ids, range(m - 1), x).ravel(), np.take(ids, range(1, m), x).ravel()) for x in range(3)]
    one, other = (np.concatenate(side) for side in zip(*ends, strict=True))
    flow = 2 * k.flat[one] * k.flat[other] / (k.flat[one] + k.flat[other])
    w = csr_array(coo_array((flow, (one, other)), shape=(m**3, m**3)))
    return csr_array(diags_array((w + w.T).sum(axis=1) + 1e-3) - w - w.T)


def _bricks(stiff: bool, n: int = 40) -> csr_array:
    """Trilinear elements: the Laplacian, or the mass."""
    line, mass = _stencil(n, 1), diags_array([1.0, 4, 1], offsets=[-1, 0, 1], shape=(n, n))
    kinds = [[line if d == e else mass for d in range(3)] for e in range(3)] if stiff else [[mass] * 3]
    return csr_array(sum(kron(kron(a, b), c) for a, b, c in kinds))


SYSTEMS: dict[str, Callable[[Rng], csr_array]] = {
    "mesh": _laplacian(_mesh, 1e-4),
    "mesh, in order": _laplacian(lambda g: _mesh(g, True), 1e-3),
    "small world": _laplacian(_small_world, 1e-2),
    "preferential attachment": _laplacian(_attached, 1e-3),
    "neighbours in 5 dimensions": _laplacian(_neighbours, 1e-3),
    "circuit": _laplacian(_circuit, 1e-3),
    "band": _laplacian(_band, 1e-4),
    "anisotropy aslant": lambda g: _turned(),
    "plate": lambda g: _stencil(120, 2) @ _stencil(120, 2) + 1e-3 * eye_array(120**2),
    "porous": _porous,
    "bricks": lambda g: _bricks(True),
    "mass of bricks": lambda g: _bricks(False),
}


def drawn(kinds: dict[str, Callable[[Rng], csr_array]], seed: int = 20_261_129) -> dict[str, csr_array]:
    """One matrix of every kind."""
    rng = np.random.default_rng(seed)
    return {name: csr_array(draw(rng)) for name, draw in kinds.items()}
