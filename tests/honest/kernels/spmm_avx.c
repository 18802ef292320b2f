// /// hpcbench
// model = "openmp"
// summary = "AVX-512 or AVX2 intrinsics with function pointers chosen by constructor, masks for the tail, collapse(2)"
// flags = ["-O3"]
// ///
#include <immintrin.h>
#include <stdbool.h>
#include "abi.h"
static bool wide;
__attribute__((constructor)) static void look(void) { __builtin_cpu_init(); wide = __builtin_cpu_supports("avx512f"); }
__attribute__((target("avx512f"))) static void tile512(const spmm_in *in, int64_t i, int64_t j, int64_t w, double *y) {
  const __mmask8 m = (__mmask8)((1u << w) - 1); __m512d a = _mm512_setzero_pd();
  for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) a = _mm512_fmadd_pd(_mm512_set1_pd(in->data[k]), _mm512_maskz_loadu_pd(m, in->x + in->indices[k] * in->k + j), a);
  _mm512_mask_storeu_pd(y + i * in->k + j, m, a);
}
static void tile(const spmm_in *in, int64_t i, int64_t j, int64_t w, double *y) {
  double a[w]; for (int64_t q = 0; q < w; q++) a[q] = 0;
  for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++)
#pragma omp simd
    for (int64_t q = 0; q < w; q++) a[q] += in->data[k] * in->x[in->indices[k] * in->k + j + q];
  for (int64_t q = 0; q < w; q++) y[i * in->k + j + q] = a[q];
}
int spmm_run(void *h, const spmm_in *in, const void *pa, spmm_out *out) {
  (void)h; (void)pa;
#pragma omp parallel for collapse(2) schedule(dynamic, 128)
  for (int64_t i = 0; i < in->nrows; i++)
    for (int64_t j = 0; j < in->k; j += 8) (wide ? tile512 : tile)(in, i, j, in->k - j < 8 ? in->k - j : 8, out->y);
  return SPMM_OK;
}
