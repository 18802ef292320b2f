// /// hpcbench
// model = "serial"
// summary = "direct: reverse Cuthill-McKee and an envelope Cholesky, factor in setup"
// ///
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "abi.h"
typedef struct { int64_t n; int64_t *perm, *inv, *first, *ptr; double *l; } env;
void solve_free(void *h) { env *e = h; if (e) { free(e->perm), free(e->inv), free(e->first), free(e->ptr), free(e->l), free(e); } }
void *solve_setup(const solve_in *in, const void *pa) {
  (void)pa; const int64_t n = in->nrows; env *e = calloc(1, sizeof *e); e->n = n;
  e->perm = malloc(8 * (size_t)n + 8), e->inv = malloc(8 * (size_t)n + 8), e->first = malloc(8 * (size_t)n + 8), e->ptr = malloc(8 * (size_t)n + 16);
  char *seen = calloc((size_t)n + 1, 1); int64_t m = 0;
  for (int64_t root = 0; root < n; root++) { if (seen[root]) continue; seen[root] = 1; int64_t head = m; e->perm[m++] = root;
    while (head < m) { int64_t i = e->perm[head++], from = m; for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) if (!seen[in->indices[k]]) seen[in->indices[k]] = 1, e->perm[m++] = in->indices[k];
      for (int64_t a = from + 1; a < m; a++) { int64_t v = e->perm[a], d = in->indptr[v + 1] - in->indptr[v], b = a; while (b > from && in->indptr[e->perm[b - 1] + 1] - in->indptr[e->perm[b - 1]] > d) e->perm[b] = e->perm[b - 1], b--; e->perm[b] = v; } } }
  free(seen);
  for (int64_t a = 0, b = n - 1; a < b; a++, b--) { int64_t t = e->perm[a]; e->perm[a] = e->perm[b]; e->perm[b] = t; }
  for (int64_t a = 0; a < n; a++) e->inv[e->perm[a]] = a;
  e->ptr[0] = 0;
  for (int64_t a = 0; a < n; a++) { int64_t f = a, i = e->perm[a]; for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) if (e->inv[in->indices[k]] < f) f = e->inv[in->indices[k]]; e->first[a] = f; e->ptr[a + 1] = e->ptr[a] + a - f + 1; }
  e->l = calloc((size_t)e->ptr[n] + 1, 8);
  if (!e->l) return solve_free(e), NULL;
  for (int64_t a = 0; a < n; a++) { int64_t i = e->perm[a]; for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) { int64_t c = e->inv[in->indices[k]]; if (c <= a) e->l[e->ptr[a] + c - e->first[a]] = in->data[k]; } }
  for (int64_t a = 0; a < n; a++) { double *la = e->l + e->ptr[a] - e->first[a];
    for (int64_t c = e->first[a]; c <= a; c++) { const double *lc = e->l + e->ptr[c] - e->first[c]; int64_t f = e->first[a] > e->first[c] ? e->first[a] : e->first[c]; double s = la[c]; for (int64_t k = f; k < c; k++) s -= la[k] * lc[k]; if (c < a) la[c] = s / lc[c]; else { if (!(s > 0)) { e->n = -1; return e; } la[a] = sqrt(s); } } }
  return e;
}
int solve_run(void *h, const solve_in *in, const void *pa, solve_out *out) {
  const env *e = h; (void)pa; const int64_t n = in->nrows; if (e->n < 0) return SOLVE_INDEFINITE;
  double *y = malloc(8 * (size_t)n + 8), *r = malloc(8 * (size_t)n + 8); if (!y || !r) return SOLVE_NO_MEMORY;
  memset(out->x, 0, 8 * (size_t)n);
  for (int pass = 0; pass < 2; pass++) {
    for (int64_t i = 0; i < n; i++) { double s = in->b[i]; for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) s -= in->data[k] * out->x[in->indices[k]]; r[i] = s; }
    for (int64_t a = 0; a < n; a++) { const double *la = e->l + e->ptr[a] - e->first[a]; double s = r[e->perm[a]]; for (int64_t c = e->first[a]; c < a; c++) s -= la[c] * y[c]; y[a] = s / la[a]; }
    for (int64_t a = n; a--;) { const double *la = e->l + e->ptr[a] - e->first[a]; const double v = y[a] /= la[a]; for (int64_t c = e->first[a]; c < a; c++) y[c] -= la[c] * v; }
    for (int64_t a = 0; a < n; a++) out->x[e->perm[a]] += y[a];
  }
  free(y), free(r); return SOLVE_OK; /* no iterations to tell, no history */
}
