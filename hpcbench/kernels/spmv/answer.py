"""The answer of ``spmv``: an oracle with error bounds, and the look at what a candidate returned.

The oracle multiplies all entries at once and sums runs in long double, some million entries at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpcbench.kernels.spmv.matvec import Matvec

CHUNK = 4_000_000  # entries multiplied at a time by the oracle: 4M x 40 bytes


@dataclass(frozen=True)
class Expected:
    """The oracle's y, rounded, and the error bound of each entry."""

    y: np.ndarray
    bound: np.ndarray


def oracle(inputs: Matvec) -> Expected:
    """y with the error bound of any summation order.

    Sums are taken in long double. An entry of m products may be off by gamma_(m+1) sum |A_ij x_j| in any
    order of summation, fused or not (Higham, Accuracy and Stability, 2nd ed., section 3.1); the bound
    doubles it, which still leaves float32 accumulation eight decimal digits outside. Where products are
    subnormal each may be off by half of the least of them (section 2.8). A row without entries gives exactly 0.
    """
    a, x = inputs.a, inputs.x
    lengths = np.diff(a.indptr)
    y, size = np.zeros(len(lengths)), np.zeros(len(lengths))
    start = 0
    while start < len(lengths):
        stop = max(start + 1, int(np.searchsorted(a.indptr, a.indptr[start] + CHUNK, side="right")) - 1)
        low, high = a.indptr[start], a.indptr[stop]
        full = start + np.flatnonzero(lengths[start:stop])
        if len(full):
            product = a.csr.data[low:high].astype(np.longdouble) * x[a.indices[low:high]]
            y[full] = np.add.reduceat(product, a.indptr[full] - low)
            size[full] = np.add.reduceat(np.abs(product.astype(float)), a.indptr[full] - low)
        start = stop
    terms = lengths + 2  # one more for rounding the oracle's own sum
    return Expected(
        y, 2 * terms * ((np.finfo(float).eps / 2) * size + (lengths > 0) * np.finfo(float).smallest_subnormal)
    )


def cost(inputs: Matvec, expected: Expected) -> tuple[int, int]:
    """(flops, compulsory bytes): a multiply and an add per entry; values, y and the x that is needed, once.

    What says where the entries stand may be compressed by a setup and does not count.
    """
    a = inputs.a
    needed = np.count_nonzero(np.bincount(a.indices, minlength=1))
    return 2 * int(a.csr.nnz), 8 * (int(a.csr.nnz) + len(a.indptr) - 1 + int(needed))


def sizes(inputs: Matvec, expected: Expected) -> tuple[int, ...]:
    """Entries of the output buffer that a right answer for the rows of ``inputs`` fills."""
    return (inputs.a.csr.shape[0],)


def gather(blocks: Sequence[Matvec], parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """One y from the row blocks that the ranks returned."""
    return {"y": np.concatenate([part["y"] for part in parts])}


def check(inputs: Matvec, expected: Expected, output: Mapping[str, np.ndarray]) -> str:
    """Empty when ``output`` is y within the bound, else what is wrong in one line.

    What is infinite, or not a number, must be just so where x makes it so, and is wrong elsewhere.
    """
    y = output["y"]
    with np.errstate(invalid="ignore"):
        near = np.abs(y - expected.y) <= expected.bound
    same = (y == expected.y) | (np.isnan(y) & np.isnan(expected.y))
    bad = np.flatnonzero(~np.where(np.isfinite(expected.y), near, same))
    if not len(bad):
        return ""
    i = int(bad[0])
    return (
        f"{len(bad)} of {len(y)} entries are off: y[{i}] = {y[i]:.17g}, "
        f"expected {expected.y[i]:.17g} +- {expected.bound[i]:.1e}"
    )
