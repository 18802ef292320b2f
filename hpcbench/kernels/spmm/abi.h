/* Contract of the kernel spmm: Y = A * X, A in CSR, float64 values, int32 columns, int64 row pointers; X and Y are dense and
 * lie row by row.
 *
 * A variant in C or C++ exports spmm_run and, if it has a setup phase, spmm_setup and spmm_free. Setup sees the matrix,
 * which is the same, at the same addresses, in all calls of its handle; X is another one in every call. Inputs are
 * read-only (a write is a fault); the columns of a row ascend, without duplicates. Every field is 8 bytes wide. */
#ifndef HPCBENCH_SPMM_ABI_H
#define HPCBENCH_SPMM_ABI_H
#include <stdint.h>

typedef struct spmm_in {
  int64_t nrows, ncols;  /* under MPI nrows counts this rank's rows; ncols is always global, and so are columns */
  int64_t k;             /* columns of X and Y */
  const int64_t *indptr; /* nrows + 1, from 0 */
  const int32_t *indices;
  const double *data;
  const double *x; /* ncols times k, under MPI this rank's rows of X */
  int64_t rank, ranks;
  const int64_t *x_offsets; /* ranks + 1: rank r holds the rows x_offsets[r] up to x_offsets[r+1] of X */
  int64_t device; /* 1: all arrays, of outputs too, lie in the memory of a CUDA device; 0: in the host's */
} spmm_in;

typedef struct spmm_out {
  double *y; /* nrows times k */
} spmm_out;

enum { SPMM_OK = 0, SPMM_NO_MEMORY = 1, SPMM_TOO_LARGE = 2 };

#ifdef __cplusplus
extern "C" {
#endif
/* Optional. Work that depends on the matrix only; returns a handle, or NULL when out of memory. */
void *spmm_setup(const spmm_in *in, const void *params);
/* One product. `handle` is what setup returned, NULL where there is none. Returns SPMM_OK or an error. */
int spmm_run(void *handle, const spmm_in *in, const void *params, spmm_out *out);
void spmm_free(void *handle);
#ifdef __cplusplus
}
#endif
#endif
