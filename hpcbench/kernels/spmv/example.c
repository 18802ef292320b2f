/* Multiplies a five-point matrix with a vector a few times and checks every row: what a caller of spmv_run has to do.
 * Built with EXAMPLE_MPI every rank holds a block of rows and its part of x, and gets its part of y; with EXAMPLE_SETUP the
 * variant has a setup, which serves as long as the matrix stays. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#ifdef EXAMPLE_MPI
#include <mpi.h>
#endif

#include "abi.h"

enum { SIDE = 1000, ROWS = SIDE * SIDE, TIMES = 5 };

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

/* Entry `i` of the vector of call `call`. */
static double entry(int64_t i, int call) { return 1 + (double)((i + call) % 10); }

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
  double *x = malloc(sizeof *x * (size_t)(rows + 1)), *y = malloc(sizeof *y * (size_t)(rows + 1));
  indptr[0] = 0;
  for (int64_t i = 0; i < rows; ++i)
    indptr[i + 1] = indptr[i] + row(first + i, indices + indptr[i], data + indptr[i]);

  const spmv_in in = {rows, ROWS, indptr, indices, data, x, rank, ranks, offsets, 0};
  spmv_out out = {y};
  void *handle = NULL;
#ifdef EXAMPLE_SETUP
  handle = spmv_setup(&in, NULL);
  if (!handle) return 1;
#endif
  int wrong = 0;
  double best = INFINITY;
  for (int call = 0; call < TIMES && !wrong; ++call) {
    for (int64_t i = 0; i < rows; ++i) x[i] = entry(first + i, call);
    struct timespec t0, t1;
    clock_gettime(CLOCK_MONOTONIC, &t0);
    wrong = spmv_run(handle, &in, NULL, &out);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    best = fmin(best, 1e3 * (double)(t1.tv_sec - t0.tv_sec) + 1e-6 * (double)(t1.tv_nsec - t0.tv_nsec));
    for (int64_t i = 0; i < rows && !wrong; ++i) {
      int32_t cols[5];
      double vals[5], expected = 0;
      for (int k = 0, n = row(first + i, cols, vals); k < n; ++k) expected += vals[k] * entry(cols[k], call);
      wrong = !(fabs(y[i] - expected) <= 1e-12 * 1000);
    }
  }
  printf("rank %d: %lld rows, %d products, %.3f ms each at best, %s\n", rank, (long long)rows, TIMES, best,
         wrong ? "WRONG" : "right");
#ifdef EXAMPLE_SETUP
  spmv_free(handle);
#endif
#ifdef EXAMPLE_MPI
  MPI_Finalize();
#endif
  return wrong != 0;
}
