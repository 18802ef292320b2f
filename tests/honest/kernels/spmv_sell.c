// /// hpcbench
// model = "openmp"
// summary = "SELL-8-sigma, AVX-512 or AVX2 by cpu supports, posix_memalign"
// ///
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include "abi.h"
typedef struct { int64_t n, ns, *off; int32_t *perm, *col; double *val; int avx; } sell;
static const int64_t *gp;
static int longer(const void *a, const void *b) {
  const int64_t i = *(const int32_t *)a, j = *(const int32_t *)b, x = gp[i + 1] - gp[i], y = gp[j + 1] - gp[j];
  return x != y ? (x < y) - (x > y) : (i > j) - (i < j);
}
void spmv_free(void *h) { sell *s = h; if (s) { free(s->off); free(s->perm); free(s->col); free(s->val); free(s); } }
void *spmv_setup(const spmv_in *in, const void *pa) {
  (void)pa;
  sell *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->n = in->nrows; s->ns = (s->n + 7) / 8;
  s->avx = __builtin_cpu_supports("avx512f") ? 2 : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? 1 : 0;
  s->off = malloc(8 * (size_t)(s->ns + 1)); s->perm = malloc(4 * (size_t)(8 * s->ns + 8));
  if (!s->off || !s->perm) goto bad;
  for (int64_t i = 0; i < s->n; i++) s->perm[i] = (int32_t)i;
  gp = in->indptr;
  for (int64_t i = 0; i < s->n; i += 256) qsort(s->perm + i, (size_t)(s->n - i < 256 ? s->n - i : 256), 4, longer);
  s->off[0] = 0;
  for (int64_t b = 0; b < s->ns; b++) {
    int64_t w = 0;
    for (int64_t i = 8 * b; i < 8 * b + 8 && i < s->n; i++) { int64_t l = gp[s->perm[i] + 1] - gp[s->perm[i]]; if (l > w) w = l; }
    s->off[b + 1] = s->off[b] + 8 * w;
  }
  if (posix_memalign((void **)&s->val, 64, 8 * (size_t)s->off[s->ns] + 64) || posix_memalign((void **)&s->col, 64, 4 * (size_t)s->off[s->ns] + 64)) goto bad;
  memset(s->val, 0, 8 * (size_t)s->off[s->ns]); memset(s->col, 0, 4 * (size_t)s->off[s->ns]);
  for (int64_t i = 0; i < s->n; i++) {
    const int64_t r = s->perm[i], b = i / 8;
    for (int64_t k = gp[r], q = 0; k < gp[r + 1]; k++, q++) s->col[s->off[b] + 8 * q + i % 8] = in->indices[k], s->val[s->off[b] + 8 * q + i % 8] = in->data[k];
  }
  return s;
bad: fprintf(stderr, "spmv_setup: out of memory\n"); spmv_free(s); return NULL;
}
__attribute__((target("avx512f"))) static void s512(const sell *s, int64_t b, const double *x, double *t) {
  __m512d a = _mm512_setzero_pd();
  for (int64_t k = s->off[b]; k < s->off[b + 1]; k += 8) {
    _mm_prefetch((const char *)(s->val + k + 64), _MM_HINT_NTA);
    a = _mm512_fmadd_pd(_mm512_load_pd(s->val + k), _mm512_i32gather_pd(_mm256_load_si256((const __m256i *)(s->col + k)), x, 8), a);
  }
  _mm512_storeu_pd(t, a);
}
__attribute__((target("avx2,fma"))) static void s256(const sell *s, int64_t b, const double *x, double *t) {
  __m256d a = _mm256_setzero_pd(), c = a;
  for (int64_t k = s->off[b]; k < s->off[b + 1]; k += 8) {
    a = _mm256_fmadd_pd(_mm256_load_pd(s->val + k), _mm256_i32gather_pd(x, _mm_load_si128((const __m128i *)(s->col + k)), 8), a);
    c = _mm256_fmadd_pd(_mm256_load_pd(s->val + k + 4), _mm256_i32gather_pd(x, _mm_load_si128((const __m128i *)(s->col + k + 4)), 8), c);
  }
  _mm256_storeu_pd(t, a); _mm256_storeu_pd(t + 4, c);
}
static void plain(const sell *s, int64_t b, const double *x, double *t) {
  memset(t, 0, 64);
  for (int64_t k = s->off[b]; k < s->off[b + 1]; k++) t[k % 8] += s->val[k] * x[s->col[k]];
}
int spmv_run(void *h, const spmv_in *in, const void *pa, spmv_out *out) {
  const sell *s = h; (void)pa;
  void (*f)(const sell *, int64_t, const double *, double *) = s->avx == 2 ? s512 : s->avx ? s256 : plain;
#pragma omp parallel for schedule(static)
  for (int64_t b = 0; b < s->ns; b++) {
    double t[8]; f(s, b, in->x, t);
    for (int64_t i = 8 * b; i < 8 * b + 8 && i < s->n; i++) out->y[s->perm[i]] = t[i % 8];
  }
  return SPMV_OK;
}
