"""A matrix that stays while vectors change, and how ranks share its rows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array

from hpcbench.inputs.odd import cuts


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
