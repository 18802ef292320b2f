"""Matrices of linear systems: discretised equations and graphs, of the structures that decide which solver wins.

All return a ``csr_array`` with float64 values, int32 indices sorted within rows and no duplicates, unknowns
numbered along the grid's last axis. Symmetric positive definite but for :func:`convection`.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy.sparse import coo_array, csr_array, diags_array, eye_array, kron

from hpcbench.inputs import generate


def poisson(side: int, dimensions: int, weak: float = 1.0) -> csr_array:
    """-laplace(u) on side^dimensions points, zero outside; ``weak`` times as strong along the first axis."""
    axes = [weak] + [1.0] * (dimensions - 1)
    line = diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(side, side))
    total = coo_array((side**dimensions,) * 2)
    for axis, strength in enumerate(axes):
        before, behind = eye_array(side**axis), eye_array(side ** (dimensions - axis - 1))
        total = total + strength * kron(kron(before, line), behind)
    return _tidy(total)


def jumps(side: int, block: int, rng: Generator, decades: float = 6) -> csr_array:
    """-div(k grad u) in two dimensions, k over ``decades`` around one, a value for each block of block² points.

    Faces have the harmonic mean of k on both sides (Patankar, Numerical Heat Transfer, 1980, section 4.2-3).
    """
    blocks = -(-side // block)
    powers = rng.uniform(-decades / 2, decades / 2, (blocks, blocks))
    k = np.kron(10.0**powers, np.ones((block, block)))[:side, :side]
    ids = np.arange(side * side).reshape(side, side)
    faces = [np.s_[:, :-1], np.s_[:, 1:]], [np.s_[:-1], np.s_[1:]]
    first, second = (np.concatenate([ids[pair[end]].ravel() for pair in faces]) for end in (0, 1))
    one, other = k.ravel()[first], k.ravel()[second]
    graph = _laplacian(side * side, first, second, 2 * one * other / (one + other))
    edge = np.zeros((side, side))
    for rim in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        edge[rim] += 2 * k[rim]
    return _tidy(graph + diags_array(edge.ravel()))


def convection(side: int, peclet: float) -> csr_array:
    """-laplace(u) + v grad(u) in two dimensions, v circling; upwind differences, so not symmetric.

    ``peclet`` is |v| h at the rim, h the distance of two points.
    """
    at = np.linspace(-1, 1, side)
    y, x = (v.ravel() for v in np.meshgrid(at, at, indexing="ij"))
    place = np.arange(side * side)
    total = coo_array(poisson(side, 2))
    for speed, step, along in ((peclet * y, 1, place % side), (-peclet * x, side, place // side)):
        total = total + diags_array(np.abs(speed))
        for strength, back, inside in ((speed, step, along > 0), (-speed, -step, along < side - 1)):
            kept = inside & (strength > 0)
            upwind = coo_array((strength[kept], (place[kept], place[kept] - back)), shape=total.shape)
            total = total - upwind
    return _tidy(total)


def graph(pattern: csr_array, shift: float) -> csr_array:
    """The Laplacian of the graph with the edges of ``pattern``, each of weight 1, and ``shift`` on its diagonal."""
    both = (pattern + pattern.T).tocoo()
    upper = both.row < both.col
    edges = both.row[upper], both.col[upper], np.ones(int(upper.sum()))
    return _tidy(_laplacian(pattern.shape[0], *edges) + shift * eye_array(pattern.shape[0]))


def road(side: int, rng: Generator) -> csr_array:
    """The graph of :func:`generate.road`, shifted by 0.001."""
    return graph(generate.road(side, rng), 1e-3)


def power_law(scale: int, rng: Generator) -> csr_array:
    """The graph of :func:`generate.rmat` with 8 edges per vertex, shifted by 0.001."""
    return graph(generate.rmat(scale, 8, rng), 1e-3)


def elasticity(side: int) -> csr_array:
    """Plane linear elasticity on side² quadrilaterals, two unknowns per node; from pyamg's gallery."""
    from pyamg.gallery import linear_elasticity

    return _tidy(linear_elasticity((side, side))[0])


def _laplacian(n: int, first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> coo_array:
    rows, columns = np.concatenate([first, second]), np.concatenate([second, first])
    off = coo_array((-np.concatenate([weight, weight]), (rows, columns)), shape=(n, n))
    total = np.bincount(rows, np.concatenate([weight, weight]), n)
    return off + diags_array(total)


def _tidy(matrix: coo_array) -> csr_array:
    found = csr_array(matrix)
    found.sum_duplicates()
    found.eliminate_zeros()
    found.sort_indices()
    return csr_array((found.data, found.indices.astype(np.int32), found.indptr), shape=found.shape)
