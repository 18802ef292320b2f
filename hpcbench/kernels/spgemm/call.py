"""``spgemm`` as a function of two SciPy matrices, computed in this process by a native variant."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.sparse import csr_array, csr_matrix, sparray

HELPER = "bound.c"
OFFSETS, BOUND, OUT, WORDS = 15, 17, 18, 22  # where they stand in the words handed over
INT32_MAX = 2**31 - 1
SERIAL_BELOW = 200_000  # multiply-adds that are done sooner than threads are woken


def default(flops: int, threads: int) -> tuple[str, int]:
    """The variant, and its threads, for a product of so many multiply-adds where nothing was measured."""
    return ("gustavson", 1) if threads == 1 or flops < SERIAL_BELOW else ("gustavson_omp", threads)


def plain(contract: str) -> Callable[[Any, Any], Any]:
    """SciPy's product: what there is without a compiler."""

    def multiply(a: Any, b: Any) -> Any:
        c = a @ b
        if contract == "sorted":
            c.sort_indices()
        return c

    return multiply


def caller(
    pick: Callable[[int], Callable[[int, int], None]], helper: ctypes.CDLL, contract: str
) -> Callable[[Any, Any], Any]:
    """A function ``C = multiply(A, B)``.

    Parameters
    ----------
    pick : the variant for a product of so many multiply-adds, called with the addresses of its structs.
    helper : ``bound.c``, compiled.
    contract : ``"sorted"`` or ``"unsorted"`` columns in the rows of C.
    """
    bound = helper.spgemm_bound
    bound.argtypes, bound.restype = [ctypes.c_void_p, ctypes.c_void_p], ctypes.c_int64
    in_order = contract == "sorted"

    def multiply(a: Any, b: Any) -> Any:
        """C = A B of two SciPy matrices of float64; other formats and types are converted."""
        if a.shape[1] != b.shape[0]:
            raise ValueError(f"A is {a.shape} and B is {b.shape}: the inner dimensions differ")
        left = _arrays(a)
        right = left if b is a else _arrays(b)
        rows, cols = left[0][0], right[0][1]
        words = np.empty(WORDS, np.int64)  # spgemm_in, the two offsets of B's rows, the bound, spgemm_out
        at = words.ctypes.data
        words[:5] = *left[0], *left[1]
        words[5:10] = words[:5] if right is left else (*right[0], *right[1])
        words[10:17] = in_order, 0, 1, at + 8 * OFFSETS, 0, 0, b.shape[0]
        native = pick(bound(at, at + 8 * BOUND))
        most = int(words[BOUND])
        try:
            indptr, indices, data = np.empty(rows + 1, np.int64), np.empty(most, np.int32), np.empty(most)
        except MemoryError:
            return plain(contract)(a, b)  # which counts the entries before it asks for memory
        words[OUT:] = indptr.ctypes.data, indices.ctypes.data, data.ctypes.data, most
        native(at, at + 8 * OUT)
        nnz = int(indptr[rows])
        indices.resize(nnz, refcheck=False)
        data.resize(nnz, refcheck=False)
        made = csr_array if isinstance(a, sparray) else csr_matrix
        if max(nnz, rows) > INT32_MAX:
            return made((data, indices, indptr), shape=(rows, cols))
        c = made.__new__(made)
        c.__dict__.update(_without_arrays(made, rows, cols))
        c.indptr, c.indices, c.data = indptr.astype(np.int32), indices, data
        if in_order:
            c.has_canonical_format = True
        return c

    return multiply


@lru_cache(maxsize=64)
def _without_arrays(made: type, rows: int, cols: int) -> dict[str, Any]:
    """What SciPy keeps of a matrix beside its arrays; its constructor looks at all of those, which takes 15 us."""
    return {k: v for k, v in vars(made((rows, cols))).items() if k not in ("indptr", "indices", "data")}


def _arrays(m: Any) -> tuple[tuple[int, int], tuple[int, int, int], tuple[np.ndarray, ...]]:
    """Shape, addresses and arrays of ``m`` in CSR: sorted, without duplicates, in the types of ``abi.h``."""
    if m.format != "csr" or m.dtype != np.float64:
        m = csr_array(m, dtype=np.float64)
    if m.shape[1] > INT32_MAX:
        raise ValueError(f"{m.shape[1]} columns: at most {INT32_MAX} can be counted in 32 bits")
    if not m.has_canonical_format:
        m = m.copy()
        m.sum_duplicates()
    kept = m.indptr.astype(np.int64), np.ascontiguousarray(m.indices, np.int32), np.ascontiguousarray(m.data)
    return m.shape, (kept[0].ctypes.data, kept[1].ctypes.data, kept[2].ctypes.data), kept
