/* Solves a five-point system and checks the residual: what a caller of solve_run has to do.
 * Built with EXAMPLE_MPI every rank holds a block of rows, of b and of x; with EXAMPLE_SETUP the variant has a setup, which
 * serves as long as the matrix stays; EXAMPLE_PARAMS are the values of its run-time parameters, all of type double. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#ifdef EXAMPLE_MPI
#include <mpi.h>
#endif

#include "abi.h"

enum { SIDE = 300, ROWS = SIDE * SIDE };
#ifdef EXAMPLE_PARAMS
static const double values[] = {EXAMPLE_PARAMS};
static const void *const params = values;
#else
static const void *const params = NULL;
#endif

/* Row `i` of the matrix: columns in ascending order; the number of entries. */
static int row(int64_t i, int32_t *cols, double *vals) {
  const int64_t x = i % SIDE, y = i / SIDE;
  int n = 0;
  if (y > 0) cols[n] = (int32_t)(i - SIDE), vals[n++] = -1;
  if (x > 0) cols[n] = (int32_t)(i - 1), vals[n++] = -1;
  cols[n] = (int32_t)i, vals[n++] = 4.05;
  if (x < SIDE - 1) cols[n] = (int32_t)(i + 1), vals[n++] = -1;
  if (y < SIDE - 1) cols[n] = (int32_t)(i + SIDE), vals[n++] = -1;
  return n;
}

static double milliseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
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
  double *b = malloc(sizeof *b * (size_t)(rows + 1)), *x0 = calloc((size_t)(rows + 1), sizeof *x0);
  double *x = malloc(sizeof *x * ROWS), told[1], history[SOLVE_HISTORY]; /* all of x, to check it */
  indptr[0] = 0;
  for (int64_t i = 0; i < rows; ++i) {
    indptr[i + 1] = indptr[i] + row(first + i, indices + indptr[i], data + indptr[i]);
    b[i] = 1 + (double)((first + i) % 10);
  }

  const solve_in in = {rows, ROWS, indptr, indices, data, b, x0, 1e-8, 100000, rank, ranks, offsets, 0};
  solve_out out = {x + first, told, history};
  void *handle = NULL;
  const double start = milliseconds();
#ifdef EXAMPLE_SETUP
  handle = solve_setup(&in, params);
  if (!handle) return 1;
#endif
  const double ready = milliseconds();
  int wrong = solve_run(handle, &in, params, &out);
  const double end = milliseconds();

  double sums[2] = {0, 0}; /* of the residual and of b, squared */
#ifdef EXAMPLE_MPI
  for (int r = 0; r < ranks; ++r) MPI_Bcast(x + offsets[r], (int)(offsets[r + 1] - offsets[r]), MPI_DOUBLE, r, MPI_COMM_WORLD);
#endif
  for (int64_t i = 0; i < rows; ++i) {
    double rest = b[i];
    for (int64_t k = indptr[i]; k < indptr[i + 1]; ++k) rest -= data[k] * x[indices[k]];
    sums[0] += rest * rest, sums[1] += b[i] * b[i];
  }
#ifdef EXAMPLE_MPI
  MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
#endif
  wrong = wrong || !(sqrt(sums[0]) <= 1.001e-8 * sqrt(sums[1]));
  printf("rank %d: %lld rows, setup %.3f ms, %.0f iterations in %.3f ms, residual %.2e, %s\n", rank, (long long)rows,
         ready - start, told[0], end - ready, sqrt(sums[0] / sums[1]), wrong ? "WRONG" : "right");
#ifdef EXAMPLE_SETUP
  solve_free(handle);
#endif
#ifdef EXAMPLE_MPI
  MPI_Finalize();
#endif
  return wrong != 0;
}
