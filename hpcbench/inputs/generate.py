"""Seeded sparse matrices of the structures that decide which kernel wins.

All return a ``csr_array`` with float64 values uniform in [0.5, 1.5) (no cancellation, so a product's
pattern is the pattern of its values), int32 indices sorted within rows and no duplicates. The same sizes
and the same state of `rng` give the same matrix.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.sparse import csr_array

from hpcbench.inputs.errors import InputError

Indices = NDArray[np.int64]


def er(n: int, degree: float, rng: Generator) -> csr_array:
    """Erdős-Rényi G(n, m): n x n with exactly m = round(n degree) non-zeros, all places equally likely."""
    return hypersparse(n, round(n * degree), rng)


def hypersparse(n: int, nnz: int, rng: Generator) -> csr_array:
    """n x n with exactly `nnz` non-zeros in random places; with nnz < n most rows are empty."""
    return _csr(*np.divmod(_distinct(nnz, n * n, rng), n), (n, n), rng)


def road(side: int, rng: Generator) -> csr_array:
    """Road-like graph on side² vertices, symmetric pattern, empty diagonal.

    The edges of the side x side grid, of which a random 70 % are kept; ids run along the grid's rows
    and are shuffled within blocks of 4096, so that neighbours are near in memory but not adjacent.
    """
    n = side * side
    grid = np.arange(n).reshape(side, side)
    u = np.concatenate([grid[:, :-1].ravel(), grid[:-1].ravel()])
    v = np.concatenate([grid[:, 1:].ravel(), grid[1:].ravel()])
    kept = rng.permutation(u.size)[: round(0.7 * u.size)]
    ids = np.concatenate([start + rng.permutation(min(4096, n - start)) for start in range(0, n, 4096)])
    u, v = ids[u[kept]], ids[v[kept]]
    return _csr(np.concatenate([u, v]), np.concatenate([v, u]), (n, n), rng)


def block_diagonal(blocks: int, size: int, rng: Generator) -> csr_array:
    """`blocks` dense blocks of size x size on the diagonal."""
    row, col = _blocks(np.arange(blocks), np.arange(blocks), size)
    return _csr(row, col, (blocks * size, blocks * size), rng)


def tall(nrows: int, ncols: int, per_row: int, rng: Generator) -> csr_array:
    """nrows x ncols with exactly `per_row` non-zeros in each row, in random columns; A of AᵀA.

    Distinct columns by Floyd's sampling, all rows at once (Bentley and Floyd, CACM 30(9), 1987, p. 754).
    """
    if per_row > ncols:
        raise InputError(f"tall: {per_row} non-zeros do not fit into a row of {ncols} columns; lower per_row")
    col = np.empty((nrows, per_row), np.int64)
    for k, last in enumerate(range(ncols - per_row, ncols)):
        drawn = rng.integers(last + 1, size=nrows)
        taken = (col[:, :k] == drawn[:, None]).any(axis=1)
        col[:, k] = np.where(taken, last, drawn)
    return _csr(np.repeat(np.arange(nrows), per_row), col.ravel(), (nrows, ncols), rng)


def poisson2d(n: int, rng: Generator) -> csr_array:
    """n² x n², the pattern of the 5-point stencil on an n x n grid."""
    return _csr(*_stencil(n, 2, reach=1), (n**2, n**2), rng)


def poisson3d(n: int, rng: Generator) -> csr_array:
    """n³ x n³, the pattern of the 7-point stencil on an n x n x n grid."""
    return _csr(*_stencil(n, 3, reach=1), (n**3, n**3), rng)


def fem27(n: int, block: int, rng: Generator) -> csr_array:
    """Trilinear finite elements with `block` unknowns per node (3: elasticity) on n x n x n nodes.

    The 27-point stencil, each entry a dense block x block; (block n³) x (block n³).
    """
    row, col = _blocks(*_stencil(n, 3, reach=3), block)
    return _csr(row, col, (block * n**3, block * n**3), rng)


def rmat(scale: int, edges_per_vertex: int, rng: Generator) -> csr_array:
    """Recursive matrix (a power-law graph), directed, on 2^scale vertices.

    Quadrant probabilities .57 .19 .19 .05, ids permuted, 2^scale edges_per_vertex edges drawn and
    duplicates merged, loops kept (Chakrabarti, Zhan, Faloutsos, SDM 2004; parameters of Graph500).
    """
    n = 1 << scale
    row = np.zeros(n * edges_per_vertex, np.int64)
    col = np.zeros_like(row)
    for _ in range(scale):
        draw = rng.random(row.size)
        row = 2 * row + (draw >= 0.76)
        col = 2 * col + (((draw >= 0.57) & (draw < 0.76)) | (draw >= 0.95))
    ids = rng.permutation(n)
    return _csr(ids[row], ids[col], (n, n), rng)


def amg(n: int, rng: Generator) -> tuple[csr_array, csr_array, csr_array]:
    """Operators of one level of smoothed aggregation for the 3D Poisson equation on n x n x n.

    Returns
    -------
    A, P, R : csr_array
        n³ x n³ seven-point, n³ x m prolongator, m x n³ restrictor with the pattern of Pᵀ.

    Notes
    -----
    P is built from the true values (6 and -1), with Jacobi smoothing under local weights, which needs no
    random vector. Only then are the values of all three drawn anew in [0.5, 1.5), each by itself:
    the products A P and R (A P) keep the real patterns, without cancellation. Vaněk, Mandel,
    Brezina, Computing 56, 1996.
    """
    from pyamg import smoothed_aggregation_solver
    from pyamg.gallery import poisson

    solver = smoothed_aggregation_solver(
        poisson((n, n, n), format="csr"),
        max_levels=2,
        max_coarse=1,
        smooth=("jacobi", {"weighting": "local"}),
    )
    if len(solver.levels) < 2:
        raise InputError(f"amg: a grid of {n}³ has nothing to coarsen; take n >= 2")
    fine = csr_array(solver.levels[0].A)
    prolongator = csr_array(solver.levels[0].P)
    restrictor = csr_array(prolongator.T)
    return redraw(_int32(fine), rng), redraw(_int32(prolongator), rng), redraw(_int32(restrictor), rng)


def redraw(matrix: csr_array, rng: Generator) -> csr_array:
    """Return the pattern of `matrix`, whose index arrays are shared, with values drawn anew in [0.5, 1.5)."""
    data = rng.uniform(0.5, 1.5, matrix.nnz)
    return csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _csr(row: Indices, col: Indices, shape: tuple[int, int], rng: Generator) -> csr_array:
    """Merge duplicate coordinates, sort, and draw the values."""
    row, col = np.divmod(_sorted_unique(row * np.int64(shape[1]) + col), shape[1])
    indptr = np.zeros(shape[0] + 1, np.int32)
    np.cumsum(np.bincount(row, minlength=shape[0]), out=indptr[1:])
    data = rng.uniform(0.5, 1.5, col.size)
    return csr_array((data, col.astype(np.int32), indptr), shape=shape)


def _int32(matrix: csr_array) -> csr_array:
    matrix.eliminate_zeros()
    matrix.sum_duplicates()
    indices, indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return csr_array((matrix.data, indices, indptr), shape=matrix.shape)


def _distinct(count: int, bound: int, rng: Generator) -> Indices:
    """Draw `count` different integers below `bound`, sorted."""
    if count > bound:
        raise InputError(f"{count} non-zeros do not fit into {bound} places; ask for fewer")
    keys = _sorted_unique(rng.integers(bound, size=count))
    while keys.size < count:
        keys = _sorted_unique(np.concatenate([keys, rng.integers(bound, size=count)]))
    return np.delete(keys, rng.permutation(keys.size)[count:])


def _sorted_unique(keys: Indices) -> Indices:
    """Sort and drop duplicates; the hashing np.unique of NumPy 2.3 and later takes ten times as long."""
    keys = np.sort(keys)
    return keys[np.append(True, keys[1:] != keys[:-1])] if keys.size else keys


def _stencil(n: int, dimensions: int, reach: int) -> tuple[Indices, Indices]:
    """Coordinates of a stencil on n^dimensions points: the neighbours at most `reach` unit steps away.

    Offsets are in {-1, 0, 1} per axis: reach 1 in 3D is the 7-point stencil, reach 3 the 27-point one.
    """
    points = np.indices((n,) * dimensions).reshape(dimensions, -1)
    number = np.arange(n**dimensions)
    rows, cols = [], []
    for offset in product((-1, 0, 1), repeat=dimensions):
        if np.abs(offset).sum() > reach:
            continue
        moved = points + np.array(offset)[:, None]
        inside = ((moved >= 0) & (moved < n)).all(axis=0)
        rows.append(number[inside])
        cols.append(np.ravel_multi_index(tuple(moved[:, inside]), (n,) * dimensions))
    return np.concatenate(rows), np.concatenate(cols)


def _blocks(row: Indices, col: Indices, size: int) -> tuple[Indices, Indices]:
    """Replace each coordinate by a dense size x size block."""
    i, j = np.divmod(np.arange(size * size), size)
    return (row[:, None] * size + i).ravel(), (col[:, None] * size + j).ravel()
