/* Contract of the kernel spmv: y = A * x, A in CSR, float64 values, int32 columns, int64 row pointers.
 *
 * A variant in C or C++ exports spmv_run and, if it has a setup phase, spmv_setup and spmv_free. Setup sees the
 * matrix, which is the same, at the same addresses, in all calls of its handle; x is another one in every
 * call. Inputs are read-only (a write is a fault); the columns of a row ascend, without duplicates.
 * Every field is 8 bytes wide. */
#ifndef HPCBENCH_SPMV_ABI_H
#define HPCBENCH_SPMV_ABI_H
#include <stdint.h>

typedef struct spmv_in {
  int64_t nrows, ncols;  /* under MPI nrows counts this rank's rows; ncols is always global, and so are columns */
  const int64_t *indptr; /* nrows + 1, from 0 */
  const int32_t *indices;
  const double *data;
  const double *x; /* ncols, under MPI this rank's part */
  int64_t rank, ranks;
  const int64_t *x_offsets; /* ranks + 1: rank r holds x[x_offsets[r]] up to x[x_offsets[r+1]] */
  int64_t device; /* 1: all arrays, of outputs too, lie in the memory of a CUDA device; 0: in the host's */
} spmv_in;

typedef struct spmv_out {
  double *y; /* nrows */
} spmv_out;

enum { SPMV_OK = 0, SPMV_NO_MEMORY = 1, SPMV_TOO_LARGE = 2 };

#ifdef __cplusplus
extern "C" {
#endif
/* Optional. Work that depends on the matrix only; returns a handle, or NULL when out of memory. */
void *spmv_setup(const spmv_in *in, const void *params);
/* One product. `handle` is what setup returned, NULL where there is none. Returns SPMV_OK or an error. */
int spmv_run(void *handle, const spmv_in *in, const void *params, spmv_out *out);
void spmv_free(void *handle);
#ifdef __cplusplus
}
#endif
#endif
