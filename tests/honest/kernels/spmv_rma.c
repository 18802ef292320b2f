// /// hpcbench
// model = "mpi"
// summary = "one-sided: window created in setup, fence, Rget of each needed run of x"
// ///
#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include "abi.h"
typedef struct { MPI_Win w; double *mine, *x; int64_t nl; int nruns; int64_t *run; MPI_Comm c; } plan;
void spmv_free(void *h) { plan *p = h; MPI_Win_free(&p->w); MPI_Comm_free(&p->c); free(p->x); free(p->run); free(p); }
void *spmv_setup(const spmv_in *in, const void *pa) {
  (void)pa; plan *p = calloc(1, sizeof *p);
  MPI_Comm_dup(MPI_COMM_WORLD, &p->c);
  p->nl = in->x_offsets[in->rank + 1] - in->x_offsets[in->rank];
  MPI_Win_allocate((MPI_Aint)(8 * p->nl), 8, MPI_INFO_NULL, p->c, &p->mine, &p->w);
  p->x = malloc(8 * (size_t)(in->ncols + 1));
  char *need = calloc((size_t)in->ncols + 1, 1);
  for (int64_t k = 0; k < in->indptr[in->nrows]; k++) need[in->indices[k]] = 1;
  p->run = malloc(sizeof(int64_t) * 3 * (size_t)(in->ncols + 1));
  for (int r = 0; r < in->ranks; r++)
    for (int64_t j = in->x_offsets[r]; j < in->x_offsets[r + 1];) {
      if (!need[j]) { j++; continue; }
      int64_t e = j, gap = 0, last = j;
      while (e < in->x_offsets[r + 1] && gap < 8) { if (need[e]) last = e, gap = 0; else gap++; e++; }
      p->run[3 * p->nruns] = r, p->run[3 * p->nruns + 1] = j, p->run[3 * p->nruns + 2] = last + 1 - j, p->nruns++; j = last + 1;
    }
  free(need);
  return p;
}
int spmv_run(void *h, const spmv_in *in, const void *pa, spmv_out *out) {
  plan *p = h; (void)pa;
  memcpy(p->mine, in->x, 8 * (size_t)p->nl);
  MPI_Win_fence(MPI_MODE_NOPRECEDE, p->w);
  for (int q = 0; q < p->nruns; q++) {
    const int64_t r = p->run[3 * q], j = p->run[3 * q + 1], n = p->run[3 * q + 2];
    MPI_Get(p->x + j, (int)n, MPI_DOUBLE, (int)r, j - in->x_offsets[r], (int)n, MPI_DOUBLE, p->w);
  }
  MPI_Win_fence(MPI_MODE_NOSUCCEED, p->w);
  for (int64_t i = 0; i < in->nrows; i++) { double s = 0; for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) s += in->data[k] * p->x[in->indices[k]]; out->y[i] = s; }
  return SPMV_OK;
}
