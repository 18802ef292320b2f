/* What must be known before a product can be called: how much it takes, and how large it can become. */
#include "abi.h"

/* Multiply-adds of A * B; *entries: the most entries that the result can have. */
int64_t spgemm_bound(const spgemm_in *in, int64_t *entries) {
  int64_t flops = 0, most = 0;
  const int64_t *from = in->a_indptr, *b = in->b_indptr;
#pragma omp parallel for reduction(+ : flops, most) if (from[in->a_nrows] > 100000)
  for (int64_t i = 0; i < in->a_nrows; ++i) {
    int64_t row = 0;
    for (int64_t k = from[i]; k < from[i + 1]; ++k) row += b[in->a_indices[k] + 1] - b[in->a_indices[k]];
    flops += row, most += row < in->b_ncols ? row : in->b_ncols;
  }
  *entries = most;
  return flops;
}
