/* Contract of the kernel spgemm: C = A * B in CSR, float64 values, int32 columns, int64 row pointers.
 *
 * A variant in C or C++ exports spgemm_run and, if it has a setup phase, spgemm_setup and spgemm_free.
 * Inputs are read-only (a write is a fault); the columns of a row ascend, without duplicates. Outputs belong to the harness; indices
 * and data hold `capacity` entries, an upper bound of nnz(C) = sum over rows of min(flops of the row, b_ncols), and
 * their pages appear when they are touched. C has no duplicate columns in a row; entries that cancel to zero may
 * stand or be left out. With sorted != 0 the columns of every row ascend.
 * Every field is 8 bytes wide. */
#ifndef HPCBENCH_SPGEMM_ABI_H
#define HPCBENCH_SPGEMM_ABI_H
#include <stdint.h>

typedef struct spgemm_in {
  int64_t a_nrows, a_ncols;
  const int64_t *a_indptr; /* a_nrows + 1, from 0 */
  const int32_t *a_indices;
  const double *a_data;
  int64_t b_nrows, b_ncols; /* under MPI b_nrows counts this rank's rows; a_ncols is always global */
  const int64_t *b_indptr;
  const int32_t *b_indices;
  const double *b_data;
  int64_t sorted;
  int64_t rank, ranks;
  const int64_t *b_offsets; /* ranks + 1: rank r holds rows [b_offsets[r], b_offsets[r+1]) of B */
  int64_t device; /* 1: all arrays, of outputs too, lie in the memory of a CUDA device; 0: in the host's */
} spgemm_in;

typedef struct spgemm_out {
  int64_t *indptr; /* a_nrows + 1 */
  int32_t *indices;
  double *data;
  int64_t capacity;
} spgemm_out;

enum { SPGEMM_OK = 0, SPGEMM_NO_MEMORY = 1, SPGEMM_TOO_LARGE = 2 };

#ifdef __cplusplus
extern "C" {
#endif
/* Optional. Work that depends on the input only; returns a handle, or NULL when out of memory. */
void *spgemm_setup(const spgemm_in *in, const void *params);
/* One product. `handle` is what setup returned, NULL where there is none. Returns SPGEMM_OK or an error. */
int spgemm_run(void *handle, const spgemm_in *in, const void *params, spgemm_out *out);
void spgemm_free(void *handle);
#ifdef __cplusplus
}
#endif
#endif
