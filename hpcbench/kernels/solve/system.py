"""The input of ``solve``: a matrix, a right-hand side, a first guess; how workers see them and ranks share them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array

from hpcbench.inputs.features import structure
from hpcbench.inputs.odd import cuts

TOLERANCE = 1e-8
LIMIT = 100_000
HISTORY = 1024


@dataclass(frozen=True)
class System:
    """One input: A (n x n), b (n,), x0 (n,), and the x (n,) that b was made from; for MPI the rows of a rank.

    ``resident`` tells that it lies in a device's memory. ``row0`` is the first row of this block.
    """

    a: csr_array
    b: np.ndarray
    x0: np.ndarray
    x: np.ndarray = field(repr=False)
    resident: bool = False
    rank: int = 0
    ranks: int = 1
    offsets: tuple[int, ...] = ()
    row0: int = 0


def system(a: csr_array, rng: np.random.Generator, contract: str = "residual") -> System:
    """The system of ``a`` with the right-hand side of a drawn solution, to be solved from zero."""
    n = a.shape[0]
    zeros = np.zeros(n)
    return redraw(System(a, zeros, zeros, zeros, contract.endswith("-device")), rng)


def redraw(inputs: System, rng: np.random.Generator) -> System:
    """The same matrix times a factor in [0.5, 2), and another solution.

    Its entries are in [0.5, 1.5) times a number that changes in size and sign: it is no good guess for the next.
    """
    x = rng.uniform(0.5, 1.5, len(inputs.b)) * rng.choice([-1.0, 1.0]) * 2.0 ** rng.uniform(-1, 1)
    old = inputs.a
    a = csr_array((old.data * 2.0 ** rng.uniform(-1, 1), old.indices, old.indptr), shape=old.shape)
    return replace(inputs, a=a, b=a @ x, x=x)


def vary(inputs: System, rng: np.random.Generator, ranks: int) -> System:
    """As :func:`redraw`, and the unknowns begin elsewhere: what was made of another matrix is of no use as it is.

    In every rank's block some unknown becomes the first one, and those before it follow the last one. Neighbours
    stay neighbours, so that all methods have the same work to do, but for the few pairs that are now parted.
    """
    cut = _cut(inputs, ranks)
    blocks = [
        np.roll(np.arange(low, high), -int(rng.integers(max(1, high - low)))) for low, high in pairwise(cut)
    ]
    order = np.concatenate(blocks)
    a = csr_array(inputs.a[order][:, order])
    a.sort_indices()
    return redraw(replace(inputs, a=a, offsets=tuple(cut)), rng)


def _cut(inputs: System, ranks: int) -> list[int]:
    """Where rows are cut: blocks with equal non-zeros, or those that they had before they were varied."""
    if len(inputs.offsets) == ranks + 1:
        return list(inputs.offsets)
    return [int(c) for c in cuts(np.diff(inputs.a.indptr) + 1, ranks)]


def features(inputs: System) -> dict[str, int | float]:
    """Structural features of the matrix, and the multiply-adds of a product with it."""
    return structure(inputs.a) | {"flops": int(inputs.a.nnz)}


def fingerprint(inputs: System) -> str:
    """Hash of all arrays of the input."""
    state = hashlib.sha256()
    for part in (inputs.a.indptr, inputs.a.indices, inputs.a.data, inputs.b, inputs.x0):
        state.update(np.ascontiguousarray(part).data)
    return state.hexdigest()[:16]


def pack(inputs: System) -> dict[str, int | float | np.ndarray]:
    """The fields of ``struct solve_in``, in its order."""
    a = inputs.a
    return {
        "nrows": a.shape[0], "order": a.shape[1], "indptr": a.indptr.astype(np.int64),
        "indices": a.indices.astype(np.int32), "data": a.data, "b": inputs.b, "x0": inputs.x0,
        "tolerance": TOLERANCE, "limit": LIMIT, "rank": inputs.rank, "ranks": inputs.ranks,
        "offsets": np.array(inputs.offsets or (0, a.shape[1]), dtype=np.int64), "device": int(inputs.resident),
    }  # fmt: skip


def outputs(inputs: System) -> dict[str, int | tuple[str, int]]:
    """The fields of ``struct solve_out``: (dtype, length)."""
    return {"x": ("float64", inputs.a.shape[0]), "told": ("float64", 1), "history": ("float64", HISTORY)}


def partition(inputs: System, ranks: int) -> list[System]:
    """Blocks of rows with equal non-zeros; b, x0 and x are cut as the rows are."""
    offsets = tuple(_cut(inputs, ranks))
    return [
        System(
            inputs.a[low:high], inputs.b[low:high], inputs.x0[low:high], inputs.x[low:high], inputs.resident,
            r, ranks, offsets, low,
        )
        for r, (low, high) in enumerate(pairwise(offsets))
    ]  # fmt: skip
