// /// hpcbench
// model = "openmp"
// summary = "Jacobi-CG, one region, orphaned loops, shared reductions, atomic capture, single copyprivate"
// ///
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <omp.h>
#include "abi.h"
static double dots[4];
static void dot(int64_t n, const double *a, const double *b, int slot) {
  double s = 0;
#pragma omp single
  dots[slot] = 0;
#pragma omp for nowait
  for (int64_t i = 0; i < n; i++) s += a[i] * b[i];
#pragma omp atomic
  dots[slot] += s;
#pragma omp barrier
}
static void mul(const solve_in *in, const double *x, double *y) {
#pragma omp for schedule(static)
  for (int64_t i = 0; i < in->nrows; i++) { double s = 0; for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) s += in->data[k] * x[in->indices[k]]; y[i] = s; }
}
int solve_run(void *h, const solve_in *in, const void *pa, solve_out *out) {
  (void)h; (void)pa; const int64_t n = in->nrows; double *x = out->x;
  double *r = malloc(8 * (size_t)n + 8), *z = malloc(8 * (size_t)n + 8), *p = malloc(8 * (size_t)n + 8), *q = malloc(8 * (size_t)n + 8), *d = calloc((size_t)n + 1, 8);
  if (!r || !z || !p || !q || !d) return SOLVE_NO_MEMORY;
  int status = SOLVE_OK; int64_t its = 0; double bb0 = 0;
  for (int64_t i = 0; i < n; i++) bb0 += in->b[i] * in->b[i];
  if (bb0 == 0) { memset(x, 0, 8 * (size_t)n); *out->told = 0; out->history[0] = 0; return free(r), free(z), free(p), free(q), free(d), SOLVE_OK; }
  memcpy(x, in->x0, 8 * (size_t)n);
  for (int64_t i = 0; i < n; i++) for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) if (in->indices[k] == i) d[i] = in->data[k];
  for (int64_t i = 0; i < n; i++) if (!(d[i] > 0)) status = SOLVE_INDEFINITE;
  if (!status)
#pragma omp parallel
  {
    mul(in, x, q);
#pragma omp for
    for (int64_t i = 0; i < n; i++) { r[i] = in->b[i] - q[i]; z[i] = r[i] / d[i]; p[i] = z[i]; }
    dot(n, in->b, in->b, 0); const double goal = 0.99 * in->tolerance * sqrt(dots[0]);
    dot(n, r, r, 1); dot(n, r, z, 2); double rr = dots[1], rz = dots[2]; int64_t it = 0;
#pragma omp single nowait
    out->history[0] = sqrt(rr) / (dots[0] > 0 ? sqrt(dots[0]) : 1);
    while (sqrt(rr) > goal && it < in->limit) {
      mul(in, p, q); dot(n, p, q, 3); const double a = rz / dots[3];
#pragma omp for
      for (int64_t i = 0; i < n; i++) { x[i] += a * p[i]; r[i] -= a * q[i]; z[i] = r[i] / d[i]; }
      dot(n, r, r, 1); dot(n, r, z, 2); rr = dots[1]; const double b = dots[2] / rz; rz = dots[2];
#pragma omp for
      for (int64_t i = 0; i < n; i++) p[i] = z[i] + b * p[i];
      it++;
#pragma omp master
      if (it < SOLVE_HISTORY) out->history[it] = sqrt(rr / dots[0]);
    }
#pragma omp single
    { its = it; if (sqrt(rr) > goal) status = SOLVE_LIMIT; }
  }
  *out->told = (double)its; free(r), free(z), free(p), free(q), free(d); return status;
}
