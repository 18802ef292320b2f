"""The registry's solvers as functions of a SciPy matrix and omega, in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from hpcbench import registry
from hpcbench.native import Native
from hpcbench.spec import HpcbenchError

HISTORY = 1024
IN, WORDS = 12, 15  # words of solve_in, and with those of solve_out (abi.h)


class Csr:
    """A square SciPy matrix as native code takes it: int64 row pointers, int32 columns that ascend, float64 values.

    What has these types already is not copied.

    Raises
    ------
    HpcbenchError
        When the matrix is not square, or has more columns than 32 bits count.
    """

    def __init__(self, a: Any):
        if a.shape[0] != a.shape[1] or a.shape[1] >= 2**31:
            raise HpcbenchError(f"a system needs a square matrix of less than 2^31 rows, not {a.shape}")
        if a.format != "csr" or a.dtype != np.float64 or not a.has_canonical_format:
            a = csr_array(a, dtype=np.float64, copy=True)
            a.sum_duplicates()
        self.n = a.shape[0]
        self.indptr, self.indices = a.indptr.astype(np.int64), np.ascontiguousarray(a.indices, np.int32)
        self.data = np.ascontiguousarray(a.data)
        self.words = (self.indptr.ctypes.data, self.indices.ctypes.data, self.data.ctypes.data)

    @classmethod
    def of(cls, a: Any) -> Csr:
        """``a`` itself if it is one."""
        return a if isinstance(a, cls) else cls(a)

    def diagonal(self) -> np.ndarray:
        """(n,), zero where a row has no entry there."""
        found: np.ndarray = csr_array((self.data, self.indices, self.indptr), shape=(self.n,) * 2).diagonal()
        return found


@dataclass(frozen=True)
class Solution:
    """x (n,), float64, and how it was found.

    ``residuals`` are norms over that of b, from x0's on, one per iteration, 1024 at most; ``stopped`` is empty for
    a solution, else why there is none.
    """

    x: np.ndarray
    iterations: int
    residuals: np.ndarray
    stopped: str = ""


class Solver:
    """A native variant of the kernel ``solve`` for one process: ``sor``, ``ssor_cg`` and others.

    Parameters
    ----------
    variant : its name.
    threads : of OpenMP, for those that have them.
    tolerance : of the residual's 2-norm, in terms of b's.
    limit : iterations at most.

    Raises
    ------
    HpcbenchError
        When there is no such variant, or it is not native, or needs ranks.
    """

    def __init__(
        self, variant: str = "sor", *, threads: int = 1, tolerance: float = 1e-8, limit: int = 100_000
    ):
        kernel = registry.kernel("solve")
        one = kernel.variant(variant)
        if "mpi" in one.model or one.language == "python":
            raise HpcbenchError(f"{variant}: not a native solver of one process")
        self.variant, self.limit = variant, limit
        self.has_omega = "omega" in {p.name for p in one.params}
        self._native = Native(one.candidate(), threads)
        self._words = {int(code): words for code, words in kernel.status.items()}
        self._tolerance = int(np.float64(tolerance).view(np.int64))
        self._told, self._history, self._cut = np.zeros(1), np.zeros(HISTORY), np.zeros(2, np.int64)
        self._block = np.zeros(WORDS, np.int64)
        self._at = self._block.ctypes.data
        self._ends = [array.ctypes.data for array in (self._told, self._history)]

    def __call__(
        self, a: Any, b: np.ndarray, x0: np.ndarray | None = None, *, omega: float = 1.5, limit: int = 0
    ) -> Solution:
        """Solve a x = b.

        Parameters
        ----------
        a : (n, n) SciPy matrix, float64, or its :class:`Csr`; other formats and types are converted.
        b, x0 : (n,), the right-hand side and a first guess, zero if None.
        omega : in (0, 2), for variants that have one.
        limit : iterations at most; the solver's own if 0.

        Raises
        ------
        HpcbenchError
            When the sizes do not fit, or there is no memory.
        """
        a = Csr.of(a)
        b = np.ascontiguousarray(b, np.float64)
        x0 = np.zeros(a.n) if x0 is None else np.ascontiguousarray(x0, np.float64)
        if b.shape != (a.n,) or x0.shape != (a.n,):
            raise HpcbenchError(f"A has {a.n} rows, b is {b.shape} and x0 {x0.shape}: ({a.n},) is expected")
        x = np.empty(a.n)
        self._cut[1] = a.n
        self._block[:] = (
            a.n, a.n, *a.words, b.ctypes.data, x0.ctypes.data, self._tolerance, limit or self.limit, 0, 1,
            self._cut.ctypes.data, x.ctypes.data, *self._ends,
        )  # fmt: skip
        if self.has_omega:
            self._native.choose(omega=float(omega))
        status = self._native(self._at, self._at + 8 * IN)
        count = int(self._told[0])
        return Solution(x, count, self._history[: count + 1].copy(), self._words.get(status, ""))
