/* Multiplies a five-point matrix with sixteen columns a few times and checks every entry: what a caller of spmm_run has to
 * do. With EXAMPLE_SETUP the variant has a setup, which serves as long as the matrix stays. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "abi.h"

enum { SIDE = 500, ROWS = SIDE * SIDE, K = 16, TIMES = 5 };

/* Entry (`i`, `c`) of X in call `call`. */
static double entry(int64_t i, int c, int call) { return 1 + (double)((i + 3 * c + call) % 10); }

int main(void) {
  const int64_t offsets[2] = {0, ROWS};
  int64_t *indptr = malloc(sizeof *indptr * (ROWS + 1)), nnz = 0;
  int32_t *indices = malloc(sizeof *indices * 5 * ROWS);
  double *data = malloc(sizeof *data * 5 * ROWS), *x = malloc(sizeof *x * K * ROWS), *y = malloc(sizeof *y * K * ROWS);
  indptr[0] = 0;
  for (int64_t i = 0; i < ROWS; ++i) {
    if (i >= SIDE) indices[nnz] = (int32_t)(i - SIDE), data[nnz++] = -1;
    if (i % SIDE) indices[nnz] = (int32_t)(i - 1), data[nnz++] = -1;
    indices[nnz] = (int32_t)i, data[nnz++] = 4 + (double)(i % 7);
    if (i % SIDE < SIDE - 1) indices[nnz] = (int32_t)(i + 1), data[nnz++] = -1;
    if (i < ROWS - SIDE) indices[nnz] = (int32_t)(i + SIDE), data[nnz++] = -1;
    indptr[i + 1] = nnz;
  }

  const spmm_in in = {ROWS, ROWS, K, indptr, indices, data, x, 0, 1, offsets};
  spmm_out out = {y};
  void *handle = NULL;
#ifdef EXAMPLE_SETUP
  handle = spmm_setup(&in, NULL);
  if (!handle) return 1;
#endif
  int wrong = 0;
  double best = INFINITY;
  for (int call = 0; call < TIMES && !wrong; ++call) {
    for (int64_t i = 0; i < ROWS; ++i)
      for (int c = 0; c < K; ++c) x[i * K + c] = entry(i, c, call);
    struct timespec t0, t1;
    clock_gettime(CLOCK_MONOTONIC, &t0);
    wrong = spmm_run(handle, &in, NULL, &out);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    best = fmin(best, 1e3 * (double)(t1.tv_sec - t0.tv_sec) + 1e-6 * (double)(t1.tv_nsec - t0.tv_nsec));
    for (int64_t i = 0; i < ROWS && !wrong; ++i)
      for (int c = 0; c < K && !wrong; ++c) {
        double expected = 0;
        for (int64_t k = indptr[i]; k < indptr[i + 1]; ++k) expected += data[k] * entry(indices[k], c, call);
        wrong = !(fabs(y[i * K + c] - expected) <= 1e-12 * 1000);
      }
  }
  printf("%d rows, %d columns, %d products, %.3f ms each at best, %s\n", ROWS, K, TIMES, best, wrong ? "WRONG" : "right");
#ifdef EXAMPLE_SETUP
  spmm_free(handle);
#endif
  return wrong != 0;
}
