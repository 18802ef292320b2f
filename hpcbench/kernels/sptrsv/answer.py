"""The answer of ``sptrsv``: the residual of what a candidate returned, entry by entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpcbench.kernels.sptrsv.triangle import Triangle


@dataclass(frozen=True)
class Expected:
    """The share of (|b| + |L| |x|)_i that the entry i of b - L x may have."""

    share: np.ndarray


def oracle(inputs: Triangle) -> Expected:
    """What rounding may leave of b - L x in each row; no system is solved here.

    Substitution, in any order of summation, gives the exact solution of a triangle whose entries are off by
    gamma_m, m the entries of the row (Higham, Accuracy and Stability, 2nd ed., theorem 8.5); scaling rows by the
    diagonal beforehand costs two roundings more, the product in the check as much as the solve, and all is doubled.
    |L| |x| is taken with the x that was returned, as the theorem has it: row by row it leaves room for rounding
    alone, whatever the rows before have come to.
    """
    terms = 2 * np.diff(inputs.a.indptr) + 3
    return Expected(2 * terms * (np.finfo(float).eps / 2))


def cost(inputs: Triangle, expected: Expected) -> tuple[int, int]:
    """(flops, compulsory bytes): a multiply and an add per entry, a division per row; values, b and x, once.

    What says where the entries stand may be compressed by a setup and does not count.
    """
    nnz, n = int(inputs.a.csr.nnz), inputs.a.csr.shape[0]
    return 2 * nnz - n, 8 * (nnz + 2 * n)


def sizes(inputs: Triangle, expected: Expected) -> tuple[int, ...]:
    """Entries of the output buffer that a right answer for the rows of ``inputs`` fills."""
    return (inputs.a.csr.shape[0],)


def gather(blocks: Sequence[Triangle], parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """One x from the row blocks that the ranks returned."""
    return {"x": np.concatenate([part["x"] for part in parts])}


def check(inputs: Triangle, expected: Expected, output: Mapping[str, np.ndarray]) -> str:
    """Empty when every entry of b - L x is within its bound, else what is wrong in one line."""
    x = output["x"]
    if bad := int(np.count_nonzero(~np.isfinite(x))):
        return f"{bad} of {len(x)} entries of x are not finite"
    with np.errstate(over="ignore", invalid="ignore"):
        residual = np.abs(inputs.b - inputs.a.csr @ x)
        size = np.abs(inputs.b) + abs(inputs.a.csr) @ np.abs(x)
        bound = np.where(np.isfinite(size), expected.share * size, 0)
    off = np.flatnonzero(~(residual <= bound))
    if not len(off):
        return ""
    i = int(off[0])
    return (
        f"{len(off)} of {len(x)} rows are not solved: |b - L x| is {residual[i]:.3g} in row {i}, "
        f"more than {bound[i]:.1e}"
    )
