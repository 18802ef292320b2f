"""Odd matrices of either sign for verification, and how ranks share rows."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

Rng = np.random.Generator


def odd(g: Rng, low: int, high: int) -> int:
    """An odd number in [low, high], so that no blocking divides it."""
    return 2 * int(g.integers(low // 2, high // 2)) + 1


def scattered(n: int, m: int, nnz: int, g: Rng) -> csr_array:
    """n x m, about ``nnz`` entries of either sign whose sizes differ by four orders of magnitude."""
    keys = np.unique(g.integers(0, n * m, nnz)) if nnz else np.zeros(0, np.int64)
    values = g.choice([-1.0, 1.0], len(keys)) * 10.0 ** g.uniform(-2, 2, len(keys))
    matrix = csr_array((values, (keys // m, keys % m)), shape=(n, m))
    matrix.sort_indices()
    return matrix


def empty_rows(n: int, m: int, nnz: int, g: Rng) -> csr_array:
    """As :func:`scattered`, every second or third row empty."""
    a = scattered(n, m, nnz, g).tolil()
    a[:: int(g.integers(2, 4))] = 0
    return csr_array(a.tocsr())


def dense_rows(n: int, g: Rng) -> csr_array:
    """n x n with three entries per row, and one full row and one full column."""
    a = scattered(n, n, 3 * n, g).tolil()
    a[int(g.integers(n))] = 1.5
    a[:, int(g.integers(n))] = -0.5
    return csr_array(a.tocsr())


def cuts(weight: np.ndarray, parts: int) -> np.ndarray:
    """Where to cut rows of these weights into ``parts`` blocks of equal weight: (parts + 1,); some may be empty."""
    total = np.concatenate([[0], np.cumsum(weight)])
    inner = np.searchsorted(total, total[-1] * np.arange(1, parts) / parts)
    return np.concatenate([[0], np.minimum(inner, len(weight)), [len(weight)]]).astype(int)
