"""A matrix that stays while vectors change, and how ranks share its rows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array

from hpcbench.inputs.odd import cuts


def draw(shape: int | tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Entries of either sign, their sizes in [0.01, 100), one in 50 of them zero."""
    values: np.ndarray = 10.0 ** rng.uniform(-2, 2, shape) * rng.choice((-1.0, 1.0), shape)
    values[rng.random(shape) < 0.02] = 0
    return values


class Matrix:
    """A, or some rows of it, in the types of ``abi.h``; made once, since all calls of a race share it."""

    def __init__(self, a: csr_array) -> None:
        self.csr = a
        self.indptr, self.indices = a.indptr.astype(np.int64), a.indices.astype(np.int32)
        self._blocks: dict[int, tuple[np.ndarray, list[Matrix]]] = {}

    def blocks(self, ranks: int) -> tuple[np.ndarray, list[Matrix]]:
        """Blocks of rows with equal non-zeros, and where they are cut."""
        if ranks not in self._blocks:
            cut = cuts(np.diff(self.indptr) + 1, ranks)
            made = [Matrix(self.csr[low:high]) for low, high in pairwise(cut)]
            self._blocks[ranks] = cut, made
        return self._blocks[ranks]
