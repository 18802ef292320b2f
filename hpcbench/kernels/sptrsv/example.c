/* Solves with the lower triangle of a five-point matrix a few times and checks every row: what a caller of sptrsv_run has to
 * do. With EXAMPLE_SETUP the variant has a setup, which serves as long as the triangle stays. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "abi.h"

enum { SIDE = 1000, ROWS = SIDE * SIDE, TIMES = 5 };

/* Entry `i` of the solution of call `call`. */
static double entry(int64_t i, int call) { return 1 + (double)((i + call) % 10); }

int main(void) {
  const int64_t offsets[2] = {0, ROWS};
  int64_t *indptr = malloc(sizeof *indptr * (ROWS + 1)), nnz = 0;
  int32_t *indices = malloc(sizeof *indices * 3 * ROWS);
  double *data = malloc(sizeof *data * 3 * ROWS), *b = malloc(sizeof *b * ROWS), *x = malloc(sizeof *x * ROWS);
  indptr[0] = 0;
  for (int64_t i = 0; i < ROWS; ++i) { /* the one above, the one to the left, itself: the diagonal comes last */
    if (i >= SIDE) indices[nnz] = (int32_t)(i - SIDE), data[nnz++] = -1;
    if (i % SIDE) indices[nnz] = (int32_t)(i - 1), data[nnz++] = -1;
    indices[nnz] = (int32_t)i, data[nnz++] = 4 + (double)(i % 7);
    indptr[i + 1] = nnz;
  }

  const sptrsv_in in = {ROWS, ROWS, indptr, indices, data, b, 0, 1, offsets};
  sptrsv_out out = {x};
  void *handle = NULL;
#ifdef EXAMPLE_SETUP
  handle = sptrsv_setup(&in, NULL);
  if (!handle) return 1;
#endif
  int wrong = 0;
  double best = INFINITY;
  for (int call = 0; call < TIMES && !wrong; ++call) {
    for (int64_t i = 0; i < ROWS; ++i) {
      b[i] = 0;
      for (int64_t k = indptr[i]; k < indptr[i + 1]; ++k) b[i] += data[k] * entry(indices[k], call);
    }
    struct timespec t0, t1;
    clock_gettime(CLOCK_MONOTONIC, &t0);
    wrong = sptrsv_run(handle, &in, NULL, &out);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    best = fmin(best, 1e3 * (double)(t1.tv_sec - t0.tv_sec) + 1e-6 * (double)(t1.tv_nsec - t0.tv_nsec));
    for (int64_t i = 0; i < ROWS && !wrong; ++i) wrong = !(fabs(x[i] - entry(i, call)) <= 1e-12 * 10);
  }
  printf("%d rows, %d solves, %.3f ms each at best, %s\n", ROWS, TIMES, best, wrong ? "WRONG" : "right");
#ifdef EXAMPLE_SETUP
  sptrsv_free(handle);
#endif
  return wrong != 0;
}
