"""The registry's solvers as functions of a SciPy matrix and omega, in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from hpcbench import registry
from hpcbench.native import Native
from hpcbench.spec import HpcbenchError
from tuners.sor.core import Phases

HISTORY = 1024
IN, WORDS, LIMIT = 13, 16, 8  # words of solve_in, and with those of solve_out; the limit's place (abi.h)


class Csr:
    """A square SciPy matrix as native code takes it: int64 row pointers, int32 columns that ascend, float64 values.

    What has these types already is not copied.

    Raises
    ------
    HpcbenchError
        When the matrix is not square, or has more columns than 32 bits count.
    """

    def __init__(self, a: Any):
        if not issparse(a) or a.ndim != 2 or np.iscomplexobj(a):
            raise HpcbenchError(
                f"a real sparse SciPy matrix is expected, not {type(a).__name__} of {a.dtype}"
            )
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

    def matrix(self) -> csr_array:
        """As SciPy's, around the same arrays."""
        return csr_array((self.data, self.indices, self.indptr), shape=(self.n, self.n))


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


def names() -> list[str]:
    """Native variants of the kernel ``solve`` for one process, on the host."""
    variants = registry.kernel("solve").variants()
    return [v.name for v in variants if v.model in ("serial", "openmp") and v.language != "python"]


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
        When there is no such variant, it is not native, or needs ranks; when tolerance or limit cannot be.
    """

    def __init__(
        self, variant: str = "sor", *, threads: int = 1, tolerance: float = 1e-8, limit: int = 100_000
    ):
        if variant not in names():
            raise HpcbenchError(f"{variant}: not a native solver of one process; {', '.join(names())} are")
        if not 0 < tolerance < 1 or not 1 <= limit < 2**62:
            raise HpcbenchError(
                f"tolerance {tolerance}, limit {limit}: in (0, 1), and at least 1, are expected"
            )
        kernel = registry.kernel("solve")
        one = kernel.variant(variant)
        self.variant, self.limit = variant, int(limit)
        self._lock = threading.Lock()
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
            When the sizes do not fit, omega is not in (0, 2), or there is no memory.
        """
        a = Csr.of(a)
        b, x0 = vectors(a, b, x0)
        if not 0 < omega < 2:
            raise HpcbenchError(f"omega {omega}: between 0 and 2 is expected")
        return self.run(a, b, x0, omega, limit or self.limit)

    def phases(self) -> Phases:
        """Where native code finds what it needs to solve in :meth:`run`'s place."""
        setup, run, free, params, omega = self._native.addresses("omega")
        at, (told, history) = self._at, self._ends
        return Phases(setup, run, free, at, params, at + 8 * IN, omega, at + 8 * LIMIT, told, history)

    def run(
        self, a: Csr, b: np.ndarray, x0: np.ndarray, omega: float, limit: int,
        phases: Callable[[], int] | None = None,
    ) -> Solution:  # fmt: skip
        """As calling it, where all arguments are known to be as native code takes them.

        ``phases`` may do the work in the variant's place, with :meth:`phases`, and with an omega of its own.
        """
        x = np.empty(a.n)
        with self._lock:  # the words are this solver's own, and native code runs beside other threads
            self._cut[1] = a.n
            self._block[:] = (
                a.n, a.n, *a.words, b.ctypes.data, x0.ctypes.data, self._tolerance, limit, 0, 1,
                self._cut.ctypes.data, 0, x.ctypes.data, *self._ends,
            )  # fmt: skip
            self._history[0] = self._told[0] = 0.0
            if self.has_omega and not phases:
                self._native.choose(omega=omega)
            status = self._native(self._at, self._at + 8 * IN, phases)
            count = int(self._told[0])
            residuals = self._history[: count + 1].copy()
        stopped = self._words.get(status, f"it returned status {status}") if status else ""
        return Solution(x, count, residuals, stopped)


def vectors(a: Csr, b: np.ndarray, x0: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """b and x0 as native code takes them.

    Raises
    ------
    HpcbenchError
        When they are complex, or not (n,).
    """
    if np.iscomplexobj(b) or (x0 is not None and np.iscomplexobj(x0)):
        raise HpcbenchError("b and x0 are complex: real ones are expected")
    b = np.ascontiguousarray(b, np.float64)
    x0 = np.zeros(a.n) if x0 is None else np.ascontiguousarray(x0, np.float64)
    if b.shape != (a.n,) or x0.shape != (a.n,):
        raise HpcbenchError(f"A has {a.n} rows, b is {b.shape} and x0 {x0.shape}: ({a.n},) is expected")
    return b, x0
