"""The answer of ``spgemm``: an oracle with error bounds, and the look at what a candidate returned.

The oracle expands all products, sorts them by (row, column) and sums runs in long double: an
expand-sort-compress method, which no variant uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpcbench.inputs.features import row_flops
from hpcbench.kernels.spgemm.product import Product

CHUNK = 4_000_000  # products expanded at a time by the oracle: 4M x 40 bytes


@dataclass(frozen=True)
class Expected:
    """The oracle's C: row pointers, columns (ascending), rounded values, error bound per entry."""

    indptr: np.ndarray
    indices: np.ndarray
    data: np.ndarray
    bound: np.ndarray


def oracle(inputs: Product) -> Expected:
    """C with the error bound of any summation order, by expanding, sorting and compressing.

    Sums are taken in long double. An entry of m products may be off by gamma_(m+1) sum |A_ik B_kj| in
    any order of summation, fused or not (Higham, Accuracy and Stability, 2nd ed., section 3.1); the
    bound doubles it, which still leaves float32 accumulation eight decimal digits outside. Where products are
    subnormal each may be off by half of the least of them (section 2.8).
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
            bounds.append(2 * terms * ((np.finfo(float).eps / 2) * size + np.finfo(float).smallest_subnormal))
            counts += np.bincount((key[first] // b.shape[1]).astype(int), minlength=a.shape[0])
        start = stop
    return Expected(
        np.concatenate([[0], np.cumsum(counts)]),
        np.concatenate(columns or [np.zeros(0, np.int32)]),
        np.concatenate(values or [np.zeros(0)]),
        np.concatenate(bounds or [np.zeros(0)]),
    )


def cost(inputs: Product, expected: Expected) -> tuple[int, int]:
    """(flops, compulsory bytes): one multiply and one add per product; A, B read and C written once."""
    read = sum(12 * m.nnz + 8 * (m.shape[0] + 1) for m in {id(m): m for m in (inputs.a, inputs.b)}.values())
    written = 12 * len(expected.indices) + 8 * len(expected.indptr)
    return 2 * int(row_flops(inputs.a, inputs.b).sum()), read + written


def sizes(inputs: Product, expected: Expected) -> tuple[int, ...]:
    """Entries of each output buffer that a right answer for the rows of ``inputs`` fills."""
    rows = inputs.a.shape[0]
    nnz = int(expected.indptr[inputs.row0 + rows] - expected.indptr[inputs.row0])
    return rows + 1, nnz, nnz


def gather(blocks: Sequence[Product], parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """One C from the row blocks that the ranks returned.

    Raises
    ------
    ValueError
        When a block's row pointers cannot be those of its buffers.
    """
    pointers, indices, data, base = [np.zeros(1, np.int64)], [], [], 0
    for rank, part in enumerate(parts):
        indptr = part["indptr"].copy()  # a candidate's thread may still write where it lies
        nnz = int(indptr[-1])
        inside = indptr[0] == 0 and nnz <= len(part["indices"]) and indptr.min() >= 0 and indptr.max() <= nnz
        if not inside or np.any(np.diff(indptr) < 0):
            where = f" of rank {rank}" if len(parts) > 1 else ""
            raise ValueError(f"row pointers{where} do not start at 0, descend or pass the capacity")
        pointers.append(indptr[1:] + base)
        indices.append(part["indices"][:nnz].copy())
        data.append(part["data"][:nnz].copy())
        base += nnz
    if len(parts) == 1:
        return {"indptr": indptr, "indices": indices[0], "data": data[0]}
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
    values = output["data"]
    if not (
        np.array_equal(output["indices"], expected.indices)
        and np.array_equal(output["indptr"], expected.indptr)
    ):
        values, problem = _aligned(inputs, expected, output)
        if problem:
            return problem
    bad = np.flatnonzero(~(np.abs(values - expected.data) <= expected.bound))
    if len(bad):
        i = int(bad[0])
        row = int(np.searchsorted(expected.indptr, i, side="right")) - 1
        return (
            f"{len(bad)} of {len(values)} entries are off: C[{row}, {expected.indices[i]}] = {values[i]:.17g}, "
            f"expected {expected.data[i]:.17g} +- {expected.bound[i]:.1e}"
        )
    return ""


def _aligned(inputs: Product, expected: Expected, output: Mapping[str, np.ndarray]) -> tuple[np.ndarray, str]:
    """The values of ``output`` at the places of ``expected``, zero where left out; or why there are none."""
    indptr, indices, data = output["indptr"], output["indices"], output["data"]
    columns = np.int64(inputs.b.shape[1])
    if len(indices) and not (indices.min() >= 0 and indices.max() < columns):
        return data, f"a column of C lies outside [0, {columns})"
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    key = rows * columns + indices
    descents = np.flatnonzero(np.diff(key) <= 0)
    if len(descents):
        if inputs.sorted:
            return data, f"the columns of row {rows[descents[0] + 1]} do not ascend, or repeat"
        order = np.argsort(key)
        key, data = key[order], data[order]
        twice = np.flatnonzero(np.diff(key) == 0)
        if len(twice):
            return data, f"row {key[twice[0]] // columns} holds a column twice"
    wanted = np.repeat(np.arange(len(expected.indptr) - 1), np.diff(expected.indptr)) * columns
    wanted += expected.indices
    place = np.searchsorted(wanted, key)
    inside = place < len(wanted)
    if not inside.all() or not np.array_equal(wanted[place], key):
        return data, f"C holds {len(key)} entries, {len(wanted)} expected, and some where none can be"
    values = np.zeros(len(wanted))
    values[place] = data
    return values, ""
