"""The answer of ``spmm``: some columns entry by entry, all of them along a direction; nobody knows which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpcbench.kernels.spmv.matvec import Matvec

COLUMNS = 3


@dataclass(frozen=True)
class Expected:
    """What Y times ``r`` (k, some) is expected to be, ``z`` (n, some), and the bound of each entry."""

    r: np.ndarray
    z: np.ndarray
    bound: np.ndarray


def oracle(inputs: Matvec) -> Expected:
    """A (X r) for drawn r, with error bounds of any summation order.

    One r has entries of either sign: an error in any column shows in Y r, unless errors of a row happen to cancel
    (Freivalds, IFIP Congress, 1977). Others pick a column each. Y, Y r, X r and A (X r) are sums of m, k, k and m
    products, each off by gamma_m or gamma_k of |A| |X| |r| in any order of summation (Higham, Accuracy and
    Stability, 2nd ed., section 3.1); of a column, k does not count. The bound doubles all together.
    """
    k, g = inputs.x.shape[1], np.random.default_rng()
    picked = g.choice(k, min(k, COLUMNS), replace=False)
    r = np.zeros((k, 1 + len(picked)))
    r[:, 0] = g.uniform(0.5, 1.5, k) * g.choice((-1, 1), k)
    r[picked, 1 + np.arange(len(picked))] = 1
    size = abs(inputs.a.csr) @ (np.abs(inputs.x) @ np.abs(r))
    terms = np.diff(inputs.a.indptr)[:, None] + np.array([k] + [0] * len(picked)) + 1
    least = k * np.finfo(float).smallest_subnormal  # each product that is subnormal may be off by half of it
    return Expected(r, inputs.a.csr @ (inputs.x @ r), 4 * terms * ((np.finfo(float).eps / 2) * size + least))


def cost(inputs: Matvec, expected: Expected) -> tuple[int, int]:
    """(flops, compulsory bytes): values, Y and the rows of X that are needed, once.

    What says where the entries stand may be compressed by a setup and does not count.
    """
    a, k = inputs.a, inputs.x.shape[1]
    needed = int(np.count_nonzero(np.bincount(a.indices, minlength=1)))
    return 2 * int(a.csr.nnz) * k, 8 * (int(a.csr.nnz) + (len(a.indptr) - 1 + needed) * k)


def sizes(inputs: Matvec, expected: Expected) -> tuple[int, ...]:
    """Entries of the output buffer that a right answer for the rows of ``inputs`` fills."""
    return (inputs.a.csr.shape[0] * inputs.x.shape[1],)


def gather(blocks: Sequence[Matvec], parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """One Y from the row blocks that the ranks returned."""
    return {"y": np.concatenate([part["y"] for part in parts])}


def check(inputs: Matvec, expected: Expected, output: Mapping[str, np.ndarray]) -> str:
    """Empty when Y r is A (X r) within the bound, else what is wrong in one line."""
    y = output["y"].reshape(-1, len(expected.r))
    with np.errstate(over="ignore", invalid="ignore"):
        off = np.abs(y @ expected.r - expected.z)
    wrong = ~(off <= expected.bound)
    bad = np.flatnonzero(wrong.any(axis=1))
    if not len(bad):
        return ""
    i = int(bad[0])
    if not np.all(np.isfinite(y[i])):
        return f"{len(bad)} of {len(y)} rows are off: y[{i}] has entries that are not finite"
    which = int(np.flatnonzero(wrong[i])[-1])
    what = f"y[{i}, {int(np.argmax(expected.r[:, which]))}]" if which else f"y[{i}] times a random vector"
    by, most = off[i, which], expected.bound[i, which]
    return f"{len(bad)} of {len(y)} rows are off: {what} by {by:.3g}, more than {most:.1e}"
