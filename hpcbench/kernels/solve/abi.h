/* Contract of the kernel solve: x with ||b - A x|| <= tolerance ||b|| in the 2-norm, A square, in CSR, float64 values,
 * int32 columns, int64 row pointers.
 *
 * A variant in C or C++ exports solve_run and, if it has a setup phase, solve_setup and solve_free. Setup sees the
 * matrix; b and x0 may be others in every run of its handle. Inputs are read-only (a write is a fault); the columns
 * of a row ascend, without duplicates. Every field is 8 bytes wide. */
#ifndef HPCBENCH_SOLVE_ABI_H
#define HPCBENCH_SOLVE_ABI_H
#include <stdint.h>

typedef struct solve_in {
  int64_t nrows;         /* under MPI of this rank */
  int64_t order;         /* rows of the whole matrix; columns are always global */
  const int64_t *indptr; /* nrows + 1, from 0 */
  const int32_t *indices;
  const double *data;
  const double *b, *x0; /* nrows; b may be zero and x0 not: then x = 0 is asked */
  double tolerance;
  int64_t limit; /* iterations at most */
  int64_t rank, ranks;
  const int64_t *offsets; /* ranks + 1: rank r has the rows, and entries of b and x, offsets[r] up to offsets[r+1] */
  int64_t device; /* 1: all arrays, of outputs too, lie in the memory of a CUDA device; 0: in the host's */
} solve_in;

enum { SOLVE_HISTORY = 1024 };

/* What is told is the variant's own account, shown and never believed; under MPI rank 0's. */
typedef struct solve_out {
  double *x;       /* nrows */
  double *told;    /* 1: iterations */
  double *history; /* SOLVE_HISTORY: norms of residuals over that of b, from the one of x0 on, one per iteration */
} solve_out;

/* Why a run stopped; the words for users stand in kernel.toml. */
enum {
  SOLVE_OK = 0,
  SOLVE_NO_MEMORY = 1,
  SOLVE_TOO_LARGE = 2,
  SOLVE_LIMIT = 3,         /* as many iterations as are allowed */
  SOLVE_STAGNATED = 4,     /* residuals have long not become smaller */
  SOLVE_DIVERGED = 5,      /* residuals grow */
  SOLVE_BREAKDOWN = 6,     /* a number that the method divides by is zero, or none */
  SOLVE_INDEFINITE = 7,    /* the method needs a symmetric positive definite matrix, and this one is not */
  SOLVE_ZERO_DIAGONAL = 8, /* the method divides by the diagonal */
};

#ifdef __cplusplus
extern "C" {
#endif
/* Optional. Work that depends on the matrix only; returns a handle, or NULL when out of memory. */
void *solve_setup(const solve_in *in, const void *params);
/* One solution. `handle` is what setup returned, NULL where there is none. Returns SOLVE_OK or why it stopped. */
int solve_run(void *handle, const solve_in *in, const void *params, solve_out *out);
void solve_free(void *handle);
#ifdef __cplusplus
}
#endif
#endif
