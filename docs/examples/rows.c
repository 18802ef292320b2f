/* A plain SpGEMM in C, one dense accumulator: `hpcbench judge docs/examples/rows.c --case amg_rap`. */
#include <stdlib.h>

#include "abi.h"

static int ascending(const void *a, const void *b) { return (*(int32_t *)a > *(int32_t *)b) - (*(int32_t *)a < *(int32_t *)b); }

int spgemm_run(void *handle, const spgemm_in *in, const void *params, spgemm_out *out) {
  (void)handle, (void)params;
  double *sum = calloc(in->b_ncols + 1, sizeof *sum);
  int64_t *row = calloc(in->b_ncols + 1, sizeof *row); /* the row that met this column last, from 1 */
  if (!sum || !row) return free(sum), free(row), SPGEMM_NO_MEMORY;
  int64_t nnz = out->indptr[0] = 0;
  for (int64_t i = 0; i < in->a_nrows; i++) {
    const int64_t first = nnz;
    for (int64_t p = in->a_indptr[i]; p < in->a_indptr[i + 1]; p++)
      for (int64_t q = in->b_indptr[in->a_indices[p]]; q < in->b_indptr[in->a_indices[p] + 1]; q++) {
        const int32_t j = in->b_indices[q];
        if (row[j] != i + 1) row[j] = i + 1, sum[j] = 0, out->indices[nnz++] = j;
        sum[j] += in->a_data[p] * in->b_data[q];
      }
    if (in->sorted) qsort(out->indices + first, nnz - first, sizeof(int32_t), ascending);
    for (int64_t k = first; k < nnz; k++) out->data[k] = sum[out->indices[k]];
    out->indptr[i + 1] = nnz;
  }
  return free(sum), free(row), SPGEMM_OK;
}
