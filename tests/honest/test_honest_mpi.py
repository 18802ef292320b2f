"""Correct kernels under MPI, each with another way to give every rank all rows of B: all are called correct.

A row is the body of ``spread``, which gathers ``n`` entries of every rank in ``whole``, at ``at[rank]``; ``first`` is
true in the first call of the process. They are C and C++ alike, and judged as C.
"""

import pytest
from judges import judged

from hpcbench.spec import Candidate

SOURCE = """
#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include "abi.h"
#define ALL MPI_COMM_WORLD
#define NO MPI_STATUS_IGNORE
static void spread(const void *mine, int n, void *whole, const int *count, const int *at, MPI_Datatype type, int size, int rank, int ranks) {
  char *to = (char *)whole;
  (void)to, (void)size;
  BODY
}
static int ascending(const void *a, const void *b) { return (*(int32_t *)a > *(int32_t *)b) - (*(int32_t *)a < *(int32_t *)b); }
int spgemm_run(void *handle, const spgemm_in *in, const void *params, spgemm_out *out) {
  const int ranks = (int)in->ranks, rank = (int)in->rank, mine = (int)in->b_indptr[in->b_nrows];
  const int64_t rows = in->b_offsets[ranks];
  (void)handle, (void)params;
  int *count = calloc(4 * ranks + 4, sizeof *count), *at = count + ranks, *row_count = at + ranks + 1, *row_at = row_count + ranks;
  MPI_Allgather(&mine, 1, MPI_INT, count, 1, MPI_INT, ALL);
  for (int r = 0; r < ranks; r++) {
    at[r + 1] = at[r] + count[r], row_count[r] = (int)(in->b_offsets[r + 1] - in->b_offsets[r]);
    row_at[r + 1] = row_at[r] + row_count[r];
  }
  int32_t *col = malloc(4 * (at[ranks] + 1));
  double *val = malloc(8 * (at[ranks] + 1)), *sum = calloc(in->b_ncols + 1, sizeof *sum);
  int64_t *length = malloc(8 * (in->b_nrows + 1)), *all = malloc(8 * (rows + 1)), *ptr = malloc(8 * (rows + 1));
  int64_t *seen = calloc(in->b_ncols + 1, sizeof *seen), nnz = 0;
  for (int64_t i = 0; i < in->b_nrows; i++) length[i] = in->b_indptr[i + 1] - in->b_indptr[i];
  spread(length, (int)in->b_nrows, all, row_count, row_at, MPI_INT64_T, 8, rank, ranks);
  spread(in->b_indices, mine, col, count, at, MPI_INT32_T, 4, rank, ranks);
  spread(in->b_data, mine, val, count, at, MPI_DOUBLE, 8, rank, ranks);
  ptr[0] = out->indptr[0] = 0;
  for (int64_t i = 0; i < rows; i++) ptr[i + 1] = ptr[i] + all[i];
  for (int64_t i = 0; i < in->a_nrows; i++) {
    const int64_t first = nnz;
    for (int64_t p = in->a_indptr[i]; p < in->a_indptr[i + 1]; p++)
      for (int64_t q = ptr[in->a_indices[p]]; q < ptr[in->a_indices[p] + 1]; q++) {
        const int32_t j = col[q];
        if (seen[j] != i + 1) seen[j] = i + 1, sum[j] = 0, out->indices[nnz++] = j;
        sum[j] += in->a_data[p] * val[q];
      }
    qsort(out->indices + first, nnz - first, sizeof(int32_t), ascending);
    for (int64_t k = first; k < nnz; k++) out->data[k] = sum[out->indices[k]];
    out->indptr[i + 1] = nnz;
  }
  free(count), free(col), free(val), free(sum), free(length), free(all), free(ptr), free(seen);
  return 0;
}
"""
OWN = "memcpy(to + (size_t)at[rank] * size, mine, (size_t)n * size); "
EACH = "for (int r = 0; r < ranks; r++) "
AT = "to + (size_t)at[r] * size"
WAYS = {
    "one collective": "MPI_Allgatherv(mine, n, type, whole, count, at, type, ALL);",
    "a collective in the background": "MPI_Request q; MPI_Iallgatherv(mine, n, type, whole, count, at, type, ALL, &q); MPI_Wait(&q, NO);",
    "asks until it is done": "MPI_Request q; int done = 0; MPI_Iallgatherv(mine, n, type, whole, count, at, type, ALL, &q); while (!done) MPI_Test(&q, &done, NO), sched_yield();",
    "messages in the background": OWN + "MPI_Request q[64]; int m = 0; " + EACH + "if (r != rank) { MPI_Irecv(" + AT + ", count[r], type, r, 7, ALL, q + m++); MPI_Isend(mine, n, "
        "type, r, 7, ALL, q + m++); } MPI_Waitall(m, q, MPI_STATUSES_IGNORE);",
    "round a ring": OWN + "const int next = (rank + 1) % ranks, last = (rank + ranks - 1) % ranks; for (int s = 0; s < ranks - 1; s++) { const int a = (rank + ranks - s) % ranks, "
        "b = (last + ranks - s) % ranks; MPI_Sendrecv(to + (size_t)at[a] * size, count[a], type, next, 3, to + (size_t)at[b] * size, count[b], type, last, 3, ALL, NO); }",
    "one broadcast each": OWN + EACH + "MPI_Bcast(" + AT + ", count[r], type, r, ALL);",
    "through the first rank": "MPI_Gatherv(mine, n, type, whole, count, at, type, 0, ALL); MPI_Bcast(whole, at[ranks], type, 0, ALL);",
    "synchronous sends, and looks first": OWN + EACH + "if (r == rank) { for (int s = 0; s < ranks; s++) if (s != rank) MPI_Ssend(mine, n, type, s, 1, ALL); } else { MPI_Status st; "
        "int got; MPI_Probe(r, 1, ALL, &st); MPI_Get_count(&st, type, &got); MPI_Recv(" + AT + ", got, type, r, 1, ALL, NO); }",
    "a window over its own memory": OWN + "MPI_Win w; MPI_Win_create((void *)mine, (MPI_Aint)n * size, size, MPI_INFO_NULL, ALL, &w); MPI_Win_fence(0, w); " + EACH +
        "if (r != rank) MPI_Get(" + AT + ", count[r], type, r, 0, count[r], type, w); MPI_Win_fence(0, w); MPI_Win_free(&w);",
    "a window that it locks": OWN + "MPI_Win w; MPI_Win_create((void *)mine, (MPI_Aint)n * size, size, MPI_INFO_NULL, ALL, &w); MPI_Win_lock_all(0, w); " + EACH +
        "if (r != rank) MPI_Get(" + AT + ", count[r], type, r, 0, count[r], type, w); MPI_Win_flush_all(w); MPI_Win_unlock_all(w); MPI_Barrier(ALL); MPI_Win_free(&w);",
    "a window that MPI allocates": OWN + "void *base; MPI_Win w; MPI_Win_allocate((MPI_Aint)at[ranks] * size, size, MPI_INFO_NULL, ALL, &base, &w); MPI_Win_fence(0, w); " + EACH +
        "MPI_Put(mine, n, type, r, at[rank], n, type, w); MPI_Win_fence(0, w); memcpy(whole, base, (size_t)at[ranks] * size); MPI_Win_free(&w);",
    "a window of shared memory": "void *base; MPI_Win w; MPI_Win_allocate_shared((MPI_Aint)n * size, size, MPI_INFO_NULL, ALL, &base, &w); MPI_Win_fence(0, w); if (n) memcpy(base, "
        "mine, (size_t)n * size); MPI_Win_fence(0, w); " + EACH + "{ MPI_Aint bytes; int unit; void *its; MPI_Win_shared_query(w, r, &bytes, &unit, &its); if (bytes) memcpy(" + AT +
        ", its, (size_t)bytes); } MPI_Win_fence(0, w); MPI_Win_free(&w);",
    "requests that it keeps": OWN + "MPI_Request q[64]; int m = 0; " + EACH + "if (r != rank) { MPI_Recv_init(" + AT + ", count[r], type, r, 7, ALL, q + m++); MPI_Send_init(mine, n, "
        "type, r, 7, ALL, q + m++); } MPI_Startall(m, q); MPI_Waitall(m, q, MPI_STATUSES_IGNORE); for (int i = 0; i < m; i++) MPI_Request_free(q + i);",
    "a type of its own": "MPI_Datatype whole_type; MPI_Type_contiguous(size, MPI_BYTE, &whole_type); MPI_Type_commit(&whole_type); MPI_Allgatherv(mine, n, whole_type, whole, count, at, "
        "whole_type, ALL); MPI_Type_free(&whole_type); (void)type;",
    "a communicator of its own": "static MPI_Comm own = MPI_COMM_NULL; if (own == MPI_COMM_NULL) { MPI_Comm half; MPI_Comm_dup(ALL, &half); MPI_Comm_split(half, 0, rank, &own); "
        "MPI_Comm_free(&half); } MPI_Allgatherv(mine, n, type, whole, count, at, type, own);",
    "the ranks of its node": "static MPI_Comm node = MPI_COMM_NULL; if (node == MPI_COMM_NULL) MPI_Comm_split_type(ALL, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node); "
        "MPI_Allgatherv(mine, n, type, whole, count, at, type, node);",
    "packed": OWN + "int most; MPI_Pack_size(at[ranks], type, ALL, &most); char *b = malloc(most + 1); " + EACH + "{ int p = 0; if (r == rank) MPI_Pack(mine, n, type, b, most, &p, ALL); "
        "MPI_Bcast(&p, 1, MPI_INT, r, ALL); MPI_Bcast(b, p, MPI_PACKED, r, ALL); int from = 0; MPI_Unpack(b, p, &from, " + AT + ", count[r], type, ALL); } free(b);",
    "buffered sends": OWN + "const int room = ranks * (n * size + MPI_BSEND_OVERHEAD + 64); void *b = malloc(room); MPI_Buffer_attach(b, room); " + EACH +
        "if (r != rank) MPI_Bsend(mine, n, type, r, 2, ALL); " + EACH + "if (r != rank) MPI_Recv(" + AT + ", count[r], type, r, 2, ALL, NO); int bytes; MPI_Buffer_detach(&b, &bytes); free(b);",
    "everybody to everybody": "int *same = malloc(8 * ranks + 8), *zero = same + ranks; " + EACH + "same[r] = n, zero[r] = 0; MPI_Alltoallv(mine, same, zero, type, whole, count, at, type, "
        "ALL); free(same);",
    "a graph of neighbours": "static MPI_Comm graph = MPI_COMM_NULL; int who[64], w[64]; " + EACH + "who[r] = r, w[r] = 1; if (graph == MPI_COMM_NULL) MPI_Dist_graph_create_adjacent(ALL, "
        "ranks, who, w, ranks, who, w, MPI_INFO_NULL, 0, &graph); MPI_Neighbor_allgatherv(mine, n, type, whole, count, at, type, graph);",
    "prints what it does": 'if (rank == 0) printf("%d entries\\n", at[ranks]), fflush(stdout); MPI_Allgatherv(mine, n, type, whole, count, at, type, ALL);',
}  # fmt: skip
QUICK = {"a window of shared memory", "messages in the background"}


def over_mpi_in_c(name: str) -> Candidate:
    text = SOURCE.replace("BODY", WAYS[name]).replace(
        "#include <sched.h>", "#include <sched.h>\n#include <stdio.h>"
    )
    return Candidate("spgemm", "c", "mpi", text.encode(), {}, ("-O2",), origin=name)


HONEST = {f"MPI, {name}": over_mpi_in_c(name) for name in WAYS}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in WAYS]
)
def test_an_honest_kernel_under_mpi_is_correct(name, tmp_path, request):
    if name == "a window of shared memory" and request.config.getoption("--without") & 32:
        pytest.skip("shared memory of their own takes namespaces")
    result = judged(over_mpi_in_c(name), tmp_path, ranks=2, seconds=10)
    assert result.verdict == "correct", result.stages
    assert result.speedup is not None
