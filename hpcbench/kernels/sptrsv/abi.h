/* Contract of the kernel sptrsv: x with L x = b, L lower triangular in CSR, float64 values, int32 columns, int64 row pointers.
 *
 * A variant in C or C++ exports sptrsv_run and, if it has a setup phase, sptrsv_setup and sptrsv_free. Setup sees the
 * triangle, which is the same, at the same addresses, in all calls of its handle; b is another one in every call. Inputs
 * are read-only (a write is a fault); the columns of a row ascend, without duplicates, and the last one is the diagonal's,
 * which is not zero. Every field is 8 bytes wide. */
#ifndef HPCBENCH_SPTRSV_ABI_H
#define HPCBENCH_SPTRSV_ABI_H
#include <stdint.h>

typedef struct sptrsv_in {
  int64_t nrows;         /* under MPI of this rank */
  int64_t order;         /* rows of the whole triangle; columns are always global */
  const int64_t *indptr; /* nrows + 1, from 0 */
  const int32_t *indices;
  const double *data;
  const double *b; /* nrows */
  int64_t rank, ranks;
  const int64_t *offsets; /* ranks + 1: rank r has the rows, and entries of b and x, offsets[r] up to offsets[r+1] */
  int64_t device; /* 1: all arrays, of outputs too, lie in the memory of a CUDA device; 0: in the host's */
} sptrsv_in;

typedef struct sptrsv_out {
  double *x; /* nrows */
} sptrsv_out;

enum { SPTRSV_OK = 0, SPTRSV_NO_MEMORY = 1, SPTRSV_TOO_LARGE = 2 };

#ifdef __cplusplus
extern "C" {
#endif
/* Optional. Work that depends on the triangle only; returns a handle, or NULL when out of memory. */
void *sptrsv_setup(const sptrsv_in *in, const void *params);
/* One solve. `handle` is what setup returned, NULL where there is none. Returns SPTRSV_OK or an error. */
int sptrsv_run(void *handle, const sptrsv_in *in, const void *params, sptrsv_out *out);
void sptrsv_free(void *handle);
#ifdef __cplusplus
}
#endif
#endif
