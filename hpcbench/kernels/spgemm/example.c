/* Multiplies a five-point matrix by itself and checks every row: what a caller of spgemm_run has to do.
 * Built with EXAMPLE_MPI every rank holds a block of rows of A and of B, and gets its rows of C; with
 * EXAMPLE_SETUP the variant has a setup, which serves as long as the pattern stays. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#ifdef EXAMPLE_MPI
#include <mpi.h>
#endif

#include "abi.h"

enum { SIDE = 300, ROWS = SIDE * SIDE };

/* Row `i` of the matrix: columns in ascending order; the number of entries. */
static int row(int64_t i, int32_t *cols, double *vals) {
  const int64_t x = i % SIDE, y = i / SIDE;
  int n = 0;
  if (y > 0) cols[n] = (int32_t)(i - SIDE), vals[n++] = -1;
  if (x > 0) cols[n] = (int32_t)(i - 1), vals[n++] = -1;
  cols[n] = (int32_t)i, vals[n++] = 4 + (double)(i % 7);
  if (x < SIDE - 1) cols[n] = (int32_t)(i + 1), vals[n++] = -1;
  if (y < SIDE - 1) cols[n] = (int32_t)(i + SIDE), vals[n++] = -1;
  return n;
}

static double row_sum(int64_t i) {
  int32_t cols[5];
  double vals[5], sum = 0;
  for (int k = 0, n = row(i, cols, vals); k < n; ++k) sum += vals[k];
  return sum;
}

int main(int argc, char **argv) {
  int rank = 0, ranks = 1;
#ifdef EXAMPLE_MPI
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank), MPI_Comm_size(MPI_COMM_WORLD, &ranks);
#endif
  (void)argc, (void)argv;
  int64_t *offsets = malloc(sizeof *offsets * (size_t)(ranks + 1));
  for (int r = 0; r <= ranks; ++r) offsets[r] = (int64_t)ROWS * r / ranks;
  const int64_t first = offsets[rank], rows = offsets[rank + 1] - first;

  int64_t *indptr = malloc(sizeof *indptr * (size_t)(rows + 1));
  int32_t *indices = malloc(sizeof *indices * 5 * (size_t)(rows + 1));
  double *data = malloc(sizeof *data * 5 * (size_t)(rows + 1));
  indptr[0] = 0;
  for (int64_t i = 0; i < rows; ++i)
    indptr[i + 1] = indptr[i] + row(first + i, indices + indptr[i], data + indptr[i]);

  const spgemm_in in = {rows, ROWS, indptr, indices, data, rows, ROWS, indptr, indices, data, 1, rank, ranks, offsets, 0};
  spgemm_out out = {.capacity = 25 * rows}; /* five rows of five entries each, at most */
  out.indptr = malloc(sizeof *out.indptr * (size_t)(rows + 1));
  out.indices = malloc(sizeof *out.indices * (size_t)(out.capacity + 1));
  out.data = malloc(sizeof *out.data * (size_t)(out.capacity + 1));

  void *handle = NULL;
#ifdef EXAMPLE_SETUP
  handle = spgemm_setup(&in, NULL);
  if (!handle) return 1;
#endif
  struct timespec t0, t1;
  clock_gettime(CLOCK_MONOTONIC, &t0);
  const int status = spgemm_run(handle, &in, NULL, &out);
  clock_gettime(CLOCK_MONOTONIC, &t1);

  int wrong = status;
  for (int64_t i = 0; i < rows && !wrong; ++i) { /* C 1 = A (B 1), and columns ascend */
    int32_t cols[5];
    double vals[5], sum = 0, expected = 0;
    for (int k = 0, n = row(first + i, cols, vals); k < n; ++k) expected += vals[k] * row_sum(cols[k]);
    for (int64_t k = out.indptr[i]; k < out.indptr[i + 1]; ++k) {
      sum += out.data[k];
      wrong |= k > out.indptr[i] && out.indices[k] <= out.indices[k - 1];
    }
    wrong |= fabs(sum - expected) > 1e-12 * 1000;
  }
  printf("rank %d: %lld rows, %lld entries, %.3f ms, %s\n", rank, (long long)rows, (long long)out.indptr[rows],
         1e3 * (double)(t1.tv_sec - t0.tv_sec) + 1e-6 * (double)(t1.tv_nsec - t0.tv_nsec), wrong ? "WRONG" : "right");
#ifdef EXAMPLE_SETUP
  spgemm_free(handle);
#endif
#ifdef EXAMPLE_MPI
  MPI_Finalize();
#endif
  return wrong != 0;
}
