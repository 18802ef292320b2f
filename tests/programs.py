"""Plain kernels under MPI and in Python, around which tests write theirs."""

from __future__ import annotations

import textwrap
from dataclasses import replace

from races import candidate

from hpcbench.spec import Candidate

MPI_HEAD = b"""
#include <mpi.h>
#include <cmath>
#include <cstring>
#include <thread>
#include <vector>
"""
GATHER = """
static int local(const spgemm_in *in, spgemm_out *out);
static int honest(const spgemm_in *in, spgemm_out *out) {
  const int ranks = (int)in->ranks, mine = (int)in->b_indptr[in->b_nrows];
  const int64_t rows = in->b_offsets[ranks];
  std::vector<int> count(ranks), at(ranks + 1), row_count(ranks), row_at(ranks + 1);
  MPI_Allgather(&mine, 1, MPI_INT, count.data(), 1, MPI_INT, MPI_COMM_WORLD);
  for (int r = 0; r < ranks; r++) {
    at[r + 1] = at[r] + count[r], row_count[r] = (int)(in->b_offsets[r + 1] - in->b_offsets[r]);
    row_at[r + 1] = row_at[r] + row_count[r];
  }
  std::vector<int32_t> col(at[ranks] + 1);
  std::vector<double> val(at[ranks] + 1);
  std::vector<int64_t> length(in->b_nrows + 1), all(rows + 1), ptr(rows + 1);
  for (int64_t i = 0; i < in->b_nrows; i++) length[i] = in->b_indptr[i + 1] - in->b_indptr[i];
  MPI_Allgatherv(in->b_indices, mine, MPI_INT32_T, col.data(), count.data(), at.data(), MPI_INT32_T, MPI_COMM_WORLD);
  MPI_Allgatherv(in->b_data, mine, MPI_DOUBLE, val.data(), count.data(), at.data(), MPI_DOUBLE, MPI_COMM_WORLD);
  MPI_Allgatherv(length.data(), (int)in->b_nrows, MPI_INT64_T, all.data(), row_count.data(), row_at.data(), MPI_INT64_T, MPI_COMM_WORLD);
  for (int64_t i = 0; i < rows; i++) ptr[i + 1] = ptr[i] + all[i];
  spgemm_in full = *in;
  full.b_nrows = rows, full.b_indptr = ptr.data(), full.b_indices = col.data(), full.b_data = val.data();
  return local(&full, out);
}
"""
PYTHON = """
import numpy as np
def honest(inputs):
    n, m = inputs["a_nrows"], inputs["b_ncols"]
    ap, ai, ax = inputs["a_indptr"], inputs["a_indices"], inputs["a_data"]
    bp, bi, bx = inputs["b_indptr"], inputs["b_indices"], inputs["b_data"]
    reps = np.diff(bp)[ai] if len(ai) else np.zeros(0, np.int64)
    total = int(reps.sum())
    if not total:
        return np.zeros(n + 1, np.int64), np.zeros(0, np.int32), np.zeros(0)
    ends = np.cumsum(reps)
    source = np.arange(total) + np.repeat(bp[ai] - (ends - reps), reps)
    key = np.repeat(np.repeat(np.arange(n), np.diff(ap)), reps) * m + bi[source]
    order = np.argsort(key, kind="stable")
    key, product = key[order], (np.repeat(ax, reps) * bx[source])[order]
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    cells = key[first]
    return np.searchsorted(cells, np.arange(n + 1) * m), (cells % m).astype(np.int32), np.add.reduceat(product, first)
"""


def over_mpi(name: str, body: str, front: str = "") -> Candidate:
    """A candidate under MPI; ``honest(in, out)`` computes this rank's rows of the right answer."""
    one = candidate(body, name, "mpi")
    text = one.source.replace(b"static int honest(", b"static int local(")
    text = text.replace(b"static int calls;", b"static int calls;\n" + (GATHER + front).encode(), 1)
    return replace(one, source=MPI_HEAD + text)


def in_python(front: str, body: str, name: str) -> Candidate:
    """A candidate in Python; ``honest(inputs)`` computes the right answer with NumPy."""
    head, body = textwrap.dedent(front).strip("\n"), textwrap.indent(textwrap.dedent(body).strip(), "    ")
    text = f"{PYTHON}\n{head}\ndef run(handle, inputs, params):\n{body}\n"
    return Candidate("spgemm", "python", "serial", text.encode(), {}, (), origin=name)
