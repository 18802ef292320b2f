"""The answer of ``spmm``: what a candidate returned, looked at along one direction that nobody could know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpcbench.kernels.spmm.matmat import Matmat


@dataclass(frozen=True)
class Expected:
    """A direction r (k,), z = A (X r) and the error bound of each of its entries."""

    r: np.ndarray
    z: np.ndarray
    bound: np.ndarray


def oracle(inputs: Matmat) -> Expected:
    """A (X r) for a drawn r, with the error bound of any summation order.

    Y r is compared with it: where any entry of Y is off by more than the bound, so is the sum, unless entries of r,
    drawn anew for every look, happen to cancel the errors of a row (Freivalds, IFIP Congress, 1977). Y, Y r,
    X r and A (X r) are sums of m, k, k and m products, each off by gamma_m or gamma_k of |A| |X| |r| in any
    order of summation (Higham, Accuracy and Stability, 2nd ed., section 3.1); the bound doubles all of them.
    """
    k = inputs.x.shape[1]
    g = np.random.default_rng()
    r = g.uniform(0.5, 1.5, k) * g.choice((-1, 1), k)
    size = abs(inputs.a.csr) @ (np.abs(inputs.x) @ np.abs(r))
    terms = 2 * (np.diff(inputs.a.indptr) + k) + 2
    return Expected(r, inputs.a.csr @ (inputs.x @ r), 2 * terms * (np.finfo(float).eps / 2) * size)


def cost(inputs: Matmat, expected: Expected) -> tuple[int, int]:
    """(flops, compulsory bytes): values, Y and the rows of X that are needed, once.

    What says where the entries stand may be compressed by a setup and does not count.
    """
    a, k = inputs.a, inputs.x.shape[1]
    needed = int(np.count_nonzero(np.bincount(a.indices, minlength=1)))
    return 2 * int(a.csr.nnz) * k, 8 * (int(a.csr.nnz) + (len(a.indptr) - 1 + needed) * k)


def sizes(inputs: Matmat, expected: Expected) -> tuple[int, ...]:
    """Entries of the output buffer that a right answer for the rows of ``inputs`` fills."""
    return (inputs.a.csr.shape[0] * inputs.x.shape[1],)


def gather(blocks: Sequence[Matmat], parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """One Y from the row blocks that the ranks returned."""
    return {"y": np.concatenate([part["y"] for part in parts])}


def check(inputs: Matmat, expected: Expected, output: Mapping[str, np.ndarray]) -> str:
    """Empty when Y r is A (X r) within the bound, else what is wrong in one line."""
    y = output["y"].reshape(-1, len(expected.r))
    with np.errstate(over="ignore", invalid="ignore"):
        off = np.abs(y @ expected.r - expected.z)
    bad = np.flatnonzero(~(off <= expected.bound))
    if not len(bad):
        return ""
    i = int(bad[0])
    if not np.all(np.isfinite(y[i])):
        return f"{len(bad)} of {len(y)} rows are off: y[{i}] has entries that are not finite"
    return (
        f"{len(bad)} of {len(y)} rows are off: y[{i}] times a random vector by {off[i]:.3g}, "
        f"more than {expected.bound[i]:.1e}"
    )
