"""The contract of ``spgemm``: C = A B, C_ij = sum_k A_ik B_kj, in CSR.

The oracle expands all products, sorts them by (row, column) and sums runs in long double: an
expand-sort-compress method, which no variant uses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from hpcbench.inputs import examples, generate
from hpcbench.inputs.features import features as product_features
from hpcbench.inputs.features import row_flops
from hpcbench.inputs.read import read_matrix
from hpcbench.spec import HpcbenchError

BASELINE = "scipy_csr"
CHUNK = 4_000_000  # products expanded at a time by the oracle: 4M x 40 bytes


@dataclass(frozen=True)
class Product:
    """One input: A (n x k), B (k x m), what is asked of C; for MPI the block that a rank holds.

    ``row0`` is the first row of C in this block; ``bound`` the sum over its rows of
    min(multiply-adds of the row, columns of B), which nnz(C) cannot pass.
    """

    a: csr_array
    b: csr_array
    sorted: bool = True
    rank: int = 0
    ranks: int = 1
    b_offsets: tuple[int, ...] = ()
    row0: int = 0
    bound: int = 0


@dataclass(frozen=True)
class Expected:
    """The oracle's C: row pointers, columns (ascending), rounded values, error bound per entry."""

    indptr: np.ndarray
    indices: np.ndarray
    data: np.ndarray
    bound: np.ndarray


def _square(a: csr_array) -> tuple[csr_array, csr_array]:
    return a, a


def _ata(rows: int, cols: int, rng: np.random.Generator) -> tuple[csr_array, csr_array]:
    a = generate.tall(rows, cols, 6, rng)
    return csr_array(a.T.tocsr()), a


def _ap(n: int, rng: np.random.Generator) -> tuple[csr_array, csr_array]:
    a, p, _ = generate.amg(n, rng)
    return a, p


def _rap(n: int, rng: np.random.Generator) -> tuple[csr_array, csr_array]:
    a, p, r = generate.amg(n, rng)
    return r, generate.redraw(a @ p, rng)


CASES: dict[str, Any] = {
    "er60k": lambda g: _square(generate.er(60_000, 4, g)),
    "er12k": lambda g: _square(generate.er(12_000, 16, g)),
    "hypersparse": lambda g: _square(generate.hypersparse(1_000_000, 250_000, g)),
    "road": lambda g: _square(generate.road(250, g)),
    "blockdiag": lambda g: _square(generate.block_diagonal(60, 48, g)),
    "ata": lambda g: _ata(30_000, 5_000, g),
    "amg_ap": lambda g: _ap(24, g),
    "amg_rap": lambda g: _rap(24, g),
    "fem27": lambda g: _square(generate.fem27(11, 3, g)),
    "rmat12": lambda g: _square(generate.rmat(12, 8, g)),
    "rmat14": lambda g: _square(generate.rmat(14, 8, g)),
    "poisson2d": lambda g: _square(generate.poisson2d(500, g)),
    "poisson3d": lambda g: _square(generate.poisson3d(48, g)),
    "er600k": lambda g: _square(generate.er(600_000, 4, g)),
    "er120k": lambda g: _square(generate.er(120_000, 16, g)),
    "hypersparse10m": lambda g: _square(generate.hypersparse(10_000_000, 2_500_000, g)),
    "road800": lambda g: _square(generate.road(800, g)),
    "blockdiag600": lambda g: _square(generate.block_diagonal(600, 48, g)),
    "ata300k": lambda g: _ata(300_000, 50_000, g),
    "amg_ap52": lambda g: _ap(52, g),
    "amg_rap52": lambda g: _rap(52, g),
    "fem27_24": lambda g: _square(generate.fem27(24, 3, g)),
    "rmat16": lambda g: _square(generate.rmat(16, 8, g)),
    "poisson2d1600": lambda g: _square(generate.poisson2d(1600, g)),
    "poisson3d104": lambda g: _square(generate.poisson3d(104, g)),
    **{
        name: (lambda g, name=name: _square(examples.example(name, min_flops=1_000_000)))
        for name in ("airfoil", "bar", "knot", "unit_cube")
    },
}


def make(case: str, contract: str, rng: np.random.Generator) -> Product:
    """The input of a named case, new values at every call."""
    a, b = CASES[case](rng)
    return product(a, b, contract, rng)


def load(paths: Sequence[Path], contract: str, rng: np.random.Generator) -> Product:
    """A B from one or two files: A A for one square matrix, A A^T for one that is not.

    Raises
    ------
    HpcbenchError
        When the shapes do not fit.
    """
    a = read_matrix(paths[0])
    if len(paths) > 1:
        b = read_matrix(paths[1])
        if a.shape[1] != b.shape[0]:
            raise HpcbenchError(
                f"{paths[0]} x {paths[1]}: shapes {a.shape[0]} x {a.shape[1]} and {b.shape[0]} x "
                f"{b.shape[1]} do not multiply; the columns of the first must equal the rows of the second"
            )
    else:
        b = a if a.shape[0] == a.shape[1] else csr_array(a.T.tocsr())
    return product(a, b, contract, rng)


def product(a: csr_array, b: csr_array, contract: str, rng: np.random.Generator) -> Product:
    """The input A B with values re-drawn, and the bound of its output."""
    bound = int(np.minimum(row_flops(a, b), b.shape[1]).sum())
    return redraw(Product(a, b, sorted=contract == "sorted", bound=bound), rng)


def redraw(inputs: Product, rng: np.random.Generator) -> Product:
    """The same pattern with every value multiplied by a fresh factor in [0.5, 1.5)."""

    def scaled(m: csr_array) -> csr_array:
        factor = rng.uniform(0.5, 1.5, m.nnz)
        return csr_array((m.data * factor, m.indices, m.indptr), shape=m.shape)

    a = scaled(inputs.a)
    return replace(inputs, a=a, b=a if inputs.b is inputs.a else scaled(inputs.b))


def features(inputs: Product) -> dict[str, int | float]:
    """Structural features of the product, for reports and for choosing a variant."""
    return product_features(inputs.a, inputs.b)


def fingerprint(inputs: Product) -> str:
    """Hash of all arrays of the input."""
    state = hashlib.sha256()
    for m in (inputs.a, inputs.b):
        for part in (m.indptr, m.indices, m.data):
            state.update(np.ascontiguousarray(part).data)
    return state.hexdigest()[:16]


def cost(inputs: Product, expected: Expected) -> tuple[int, int]:
    """(flops, compulsory bytes): one multiply and one add per product; A, B read and C written once."""
    read = sum(12 * m.nnz + 8 * (m.shape[0] + 1) for m in {id(m): m for m in (inputs.a, inputs.b)}.values())
    written = 12 * len(expected.indices) + 8 * len(expected.indptr)
    return 2 * int(row_flops(inputs.a, inputs.b).sum()), read + written


def pack(inputs: Product) -> dict[str, int | np.ndarray]:
    """The fields of ``struct spgemm_in``, in its order."""
    a, b = inputs.a, inputs.b
    return {
        "a_nrows": a.shape[0], "a_ncols": a.shape[1],
        "a_indptr": a.indptr.astype(np.int64), "a_indices": a.indices.astype(np.int32), "a_data": a.data,
        "b_nrows": b.shape[0], "b_ncols": b.shape[1],
        "b_indptr": b.indptr.astype(np.int64), "b_indices": b.indices.astype(np.int32), "b_data": b.data,
        "sorted": int(inputs.sorted), "rank": inputs.rank, "ranks": inputs.ranks,
        "b_offsets": np.array(inputs.b_offsets or (0, b.shape[0]), dtype=np.int64),
    }  # fmt: skip


def outputs(inputs: Product) -> dict[str, int | tuple[str, int]]:
    """The fields of ``struct spgemm_out``: (dtype, length) of a buffer, or a number."""
    return {
        "indptr": ("int64", inputs.a.shape[0] + 1),
        "indices": ("int32", inputs.bound),
        "data": ("float64", inputs.bound),
        "capacity": inputs.bound,
    }


def sizes(inputs: Product, expected: Expected) -> tuple[int, ...]:
    """Entries of each output buffer that a right answer for the rows of ``inputs`` fills."""
    rows = inputs.a.shape[0]
    nnz = int(expected.indptr[inputs.row0 + rows] - expected.indptr[inputs.row0])
    return rows + 1, nnz, nnz


def partition(inputs: Product, ranks: int) -> list[Product]:
    """Row blocks of A with equal multiply-adds and of B with equal non-zeros; blocks may be empty."""

    def cuts(weight: np.ndarray) -> np.ndarray:
        total = np.concatenate([[0], np.cumsum(weight)])
        inner = np.searchsorted(total, total[-1] * np.arange(1, ranks) / ranks)
        return np.concatenate([[0], np.minimum(inner, len(weight)), [len(weight)]]).astype(int)

    flops = row_flops(inputs.a, inputs.b)
    a_cut = cuts(flops + 1)
    b_cut = cuts(np.diff(inputs.b.indptr) + 1)
    return [
        replace(
            inputs,
            a=inputs.a[a_cut[r] : a_cut[r + 1]],
            b=inputs.b[b_cut[r] : b_cut[r + 1]],
            rank=r,
            ranks=ranks,
            b_offsets=tuple(int(x) for x in b_cut),
            row0=int(a_cut[r]),
            bound=int(np.minimum(flops[a_cut[r] : a_cut[r + 1]], inputs.b.shape[1]).sum()),
        )
        for r in range(ranks)
    ]


def oracle(inputs: Product) -> Expected:
    """C with the error bound of any summation order, by expanding, sorting and compressing.

    Sums are taken in long double. An entry of m products may be off by gamma_(m+1) sum |A_ik B_kj| in
    any order of summation, fused or not (Higham, Accuracy and Stability, 2nd ed., section 3.1); the
    bound doubles it, which still leaves float32 accumulation eight decimal digits outside.
    """
    a, b = inputs.a, inputs.b
    flops = np.concatenate([[0], np.cumsum(row_flops(a, b))])
    lengths = np.diff(b.indptr).astype(np.int64)
    counts = np.zeros(a.shape[0], np.int64)
    columns, values, bounds = [], [], []
    start = 0
    while start < a.shape[0]:
        stop = max(start + 1, int(np.searchsorted(flops, flops[start] + CHUNK, side="right")) - 1)
        lo, hi = a.indptr[start], a.indptr[stop]
        inner, value = a.indices[lo:hi], a.data[lo:hi]
        reps = lengths[inner]
        ends = np.cumsum(reps)
        total = int(ends[-1]) if len(ends) else 0
        source = np.arange(total) + np.repeat(b.indptr[inner].astype(np.int64) - (ends - reps), reps)
        rows = np.repeat(np.arange(start, stop), np.diff(a.indptr[start : stop + 1]))
        key = np.repeat(rows, reps) * np.int64(b.shape[1]) + b.indices[source]
        product = np.repeat(value, reps).astype(np.longdouble) * b.data[source]
        order = np.argsort(key, kind="stable")
        key, product = key[order], product[order]
        first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if total else np.zeros(0, int)
        if total:
            columns.append((key[first] % b.shape[1]).astype(np.int32))
            values.append(np.add.reduceat(product, first).astype(float))
            terms = np.diff(np.append(first, total)) + 2  # the last for rounding the oracle's own sum
            size = np.add.reduceat(np.abs(product), first).astype(float)
            bounds.append(2 * terms * (np.finfo(float).eps / 2) * size)
            counts += np.bincount((key[first] // b.shape[1]).astype(int), minlength=a.shape[0])
        start = stop
    return Expected(
        np.concatenate([[0], np.cumsum(counts)]),
        np.concatenate(columns or [np.zeros(0, np.int32)]),
        np.concatenate(values or [np.zeros(0)]),
        np.concatenate(bounds or [np.zeros(0)]),
    )


def gather(blocks: Sequence[Product], parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """One C from the row blocks that the ranks returned.

    Raises
    ------
    ValueError
        When a block's row pointers cannot be those of its buffers.
    """
    pointers, indices, data, base = [np.zeros(1, np.int64)], [], [], 0
    for rank, part in enumerate(parts):
        indptr = part["indptr"]
        nnz = int(indptr[-1])
        steps = np.diff(indptr)
        if indptr[0] != 0 or nnz > len(part["indices"]) or nnz < 0 or (len(steps) and steps.min() < 0):
            where = f" of rank {rank}" if len(parts) > 1 else ""
            raise ValueError(f"row pointers{where} do not start at 0, descend or pass the capacity")
        pointers.append(indptr[1:] + base)
        indices.append(part["indices"][:nnz])
        data.append(part["data"][:nnz])
        base += nnz
    return {
        "indptr": np.concatenate(pointers),
        "indices": np.concatenate(indices),
        "data": np.concatenate(data),
    }


def check(inputs: Product, expected: Expected, output: Mapping[str, np.ndarray]) -> str:
    """Empty when ``output`` is C within the bound, else what is wrong in one line.

    Entries that cancel to zero may be left out; columns must be in range, without duplicates, and
    ascending when that is the contract. A value that is not a number is wrong.
    """
    indptr, indices, data = output["indptr"], output["indices"], output["data"]
    if len(indices) and not (indices.min() >= 0 and indices.max() < inputs.b.shape[1]):
        return f"a column of C lies outside [0, {inputs.b.shape[1]})"
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    key = rows * np.int64(inputs.b.shape[1]) + indices
    descents = np.flatnonzero(np.diff(key) <= 0)
    if len(descents):
        if inputs.sorted:
            return f"the columns of row {rows[descents[0] + 1]} do not ascend, or repeat"
        order = np.argsort(key)
        key, data = key[order], data[order]
        twice = np.flatnonzero(np.diff(key) == 0)
        if len(twice):
            return f"row {key[twice[0]] // inputs.b.shape[1]} holds a column twice"
    wanted = np.repeat(np.arange(len(expected.indptr) - 1), np.diff(expected.indptr))
    wanted = wanted * np.int64(inputs.b.shape[1]) + expected.indices
    got = np.zeros(len(wanted))
    if np.array_equal(key, wanted):
        got = data
    else:
        place = np.searchsorted(wanted, key)
        inside = place < len(wanted)
        if not inside.all() or not np.array_equal(wanted[place], key):
            return f"C holds {len(key)} entries, {len(wanted)} expected, and some where none can be"
        got[place] = data
    bad = np.flatnonzero(~(np.abs(got - expected.data) <= expected.bound))
    if len(bad):
        i = int(bad[0])
        row, col = divmod(int(wanted[i]), inputs.b.shape[1])
        return (
            f"{len(bad)} of {len(wanted)} entries are off: C[{row}, {col}] = {got[i]:.17g}, expected "
            f"{expected.data[i]:.17g} +- {expected.bound[i]:.1e}"
        )
    return ""
