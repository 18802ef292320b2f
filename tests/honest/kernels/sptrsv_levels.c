// /// hpcbench
// model = "openmp"
// summary = "level scheduled, one region, omp for per level, reciprocals in setup"
// ///
#include <stdlib.h>
#include <omp.h>
#include "abi.h"
typedef struct { int64_t nl, *ptr, *row; double *inv; } lev;
void sptrsv_free(void *h) { lev *l = h; free(l->ptr); free(l->row); free(l->inv); free(l); }
void *sptrsv_setup(const sptrsv_in *in, const void *pa) {
  (void)pa; const int64_t n = in->nrows; lev *l = malloc(sizeof *l); int64_t *d = malloc(8 * (size_t)n + 8);
  l->row = malloc(8 * (size_t)n + 8); l->inv = malloc(8 * (size_t)n + 8); l->nl = 0;
  for (int64_t i = 0; i < n; i++) { int64_t m = 0; for (int64_t k = in->indptr[i]; k < in->indptr[i + 1] - 1; k++) if (d[in->indices[k]] > m) m = d[in->indices[k]]; d[i] = m + 1; if (d[i] > l->nl) l->nl = d[i]; l->inv[i] = 1 / in->data[in->indptr[i + 1] - 1]; }
  l->ptr = calloc((size_t)l->nl + 2, 8);
  for (int64_t i = 0; i < n; i++) l->ptr[d[i] + 1]++;
  for (int64_t q = 0; q <= l->nl; q++) l->ptr[q + 1] += l->ptr[q];
  for (int64_t i = 0; i < n; i++) l->row[l->ptr[d[i]]++] = i;
  free(d); return l; /* now ptr[q] is the end of level q */
}
int sptrsv_run(void *h, const sptrsv_in *in, const void *pa, sptrsv_out *out) {
  const lev *l = h; (void)pa; double *x = out->x;
#pragma omp parallel if (in->nrows > 100)
  for (int64_t q = 1; q <= l->nl; q++)
#pragma omp for schedule(static)
    for (int64_t j = l->ptr[q - 1]; j < l->ptr[q]; j++) {
      const int64_t i = l->row[j]; double s = in->b[i];
      for (int64_t k = in->indptr[i]; k < in->indptr[i + 1] - 1; k++) s -= in->data[k] * x[in->indices[k]];
      x[i] = s * l->inv[i];
    }
  return SPTRSV_OK;
}
