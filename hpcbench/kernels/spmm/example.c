/* Multiplies a five-point matrix with sixteen columns a few times and checks every entry: what a caller of spmm_run has to
 * do. Built with EXAMPLE_MPI every rank holds a block of rows and its rows of X, and gets its rows of Y; with EXAMPLE_SETUP
 * the variant has a setup, which serves as long as the matrix stays. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#ifdef EXAMPLE_MPI
#include <mpi.h>
#endif

#include "abi.h"

enum { SIDE = 500, ROWS = SIDE * SIDE, K = 16, TIMES = 5 };

/* Row `i` of the matrix: columns in ascending order; the number of entries. */
static int row(int64_t i, int32_t *cols, double *vals) {
  int n = 0;
  if (i >= SIDE) cols[n] = (int32_t)(i - SIDE), vals[n++] = -1;
  if (i % SIDE) cols[n] = (int32_t)(i - 1), vals[n++] = -1;
  cols[n] = (int32_t)i, vals[n++] = 4 + (double)(i % 7);
  if (i % SIDE < SIDE - 1) cols[n] = (int32_t)(i + 1), vals[n++] = -1;
  if (i < ROWS - SIDE) cols[n] = (int32_t)(i + SIDE), vals[n++] = -1;
  return n;
}

/* Entry (`i`, `c`) of X in call `call`. */
static double entry(int64_t i, int c, int call) { return 1 + (double)((i + 3 * c + call) % 10); }

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
  double *x = malloc(sizeof *x * K * (size_t)(rows + 1)), *y = malloc(sizeof *y * K * (size_t)(rows + 1));
  indptr[0] = 0;
  for (int64_t i = 0; i < rows; ++i)
    indptr[i + 1] = indptr[i] + row(first + i, indices + indptr[i], data + indptr[i]);

  const spmm_in in = {rows, ROWS, K, indptr, indices, data, x, rank, ranks, offsets};
  spmm_out out = {y};
  void *handle = NULL;
#ifdef EXAMPLE_SETUP
  handle = spmm_setup(&in, NULL);
  if (!handle) return 1;
#endif
  int wrong = 0;
  double best = INFINITY;
  for (int call = 0; call < TIMES && !wrong; ++call) {
    for (int64_t i = 0; i < rows; ++i)
      for (int c = 0; c < K; ++c) x[i * K + c] = entry(first + i, c, call);
    struct timespec t0, t1;
    clock_gettime(CLOCK_MONOTONIC, &t0);
    wrong = spmm_run(handle, &in, NULL, &out);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    best = fmin(best, 1e3 * (double)(t1.tv_sec - t0.tv_sec) + 1e-6 * (double)(t1.tv_nsec - t0.tv_nsec));
    for (int64_t i = 0; i < rows && !wrong; ++i) {
      int32_t cols[5];
      double vals[5];
      const int n = row(first + i, cols, vals);
      for (int c = 0; c < K && !wrong; ++c) {
        double expected = 0;
        for (int k = 0; k < n; ++k) expected += vals[k] * entry(cols[k], c, call);
        wrong = !(fabs(y[i * K + c] - expected) <= 1e-12 * 1000);
      }
    }
  }
  printf("rank %d: %lld rows, %d columns, %d products, %.3f ms each at best, %s\n", rank, (long long)rows, K, TIMES, best,
         wrong ? "WRONG" : "right");
#ifdef EXAMPLE_SETUP
  spmm_free(handle);
#endif
#ifdef EXAMPLE_MPI
  MPI_Finalize();
#endif
  return wrong != 0;
}
