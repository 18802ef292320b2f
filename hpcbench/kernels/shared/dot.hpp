/* A row of a sparse matrix times a vector. */
#ifndef SHARED_DOT_HPP
#define SHARED_DOT_HPP
#include <cstdint>

#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512BW__)
#define SPARSE_AVX512
#include <immintrin.h>
#endif

namespace sparse {

#ifdef SPARSE_AVX512
#ifdef __AVX512FP16__
/* Eight entries of x by the instruction that gathers. Since Sapphire Rapids, whose new arithmetic tells it apart, it takes less time than loads
 * of one entry each; on Intel's processors before, since microcode keeps it from telling what it should not (Downfall, 2023),
 * twice as long for data in the first cache, and on AMD's Zen 4 as well. */
inline __m512d gather(const double *x, const int32_t *columns) {
  return _mm512_i32gather_pd(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(columns)), x, 8);
}
inline __m512d gather(const double *x, const uint16_t *columns) {
  return _mm512_i32gather_pd(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(columns))), x, 8);
}
#else
template <class Column> inline __m512d gather(const double *x, const Column *columns) {
  const auto two = [&](int k) { return _mm_loadh_pd(_mm_load_sd(x + columns[k]), x + columns[k + 1]); };
  const __m256d low = _mm256_insertf128_pd(_mm256_castpd128_pd256(two(0)), two(2), 1);
  const __m256d high = _mm256_insertf128_pd(_mm256_castpd128_pd256(two(4)), two(6), 1);
  return _mm512_insertf64x4(_mm512_castpd256_pd512(low), high, 1);
}
#endif
inline __m512d eight(const double *from) { return _mm512_loadu_pd(from); }
inline __m512d eight(const float *from) { return _mm512_cvtps_pd(_mm256_loadu_ps(from)); }
#endif

/* Several sums, so that a long row does not wait for its own additions. */
template <class Value> inline double dot(const Value *values, const int32_t *columns, int64_t n, const double *x) {
  double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  int64_t k = 0;
#ifdef SPARSE_AVX512
  if (n >= 16) {
    __m512d a = _mm512_setzero_pd(), b = a;
    for (; k + 16 <= n; k += 16) {
      a = _mm512_fmadd_pd(eight(values + k), gather(x, columns + k), a);
      b = _mm512_fmadd_pd(eight(values + k + 8), gather(x, columns + k + 8), b);
    }
    s0 = _mm512_reduce_add_pd(_mm512_add_pd(a, b));
  }
#endif
  for (; k + 4 <= n; k += 4) {
    s0 += values[k] * x[columns[k]];
    s1 += values[k + 1] * x[columns[k + 1]];
    s2 += values[k + 2] * x[columns[k + 2]];
    s3 += values[k + 3] * x[columns[k + 3]];
  }
  for (; k < n; ++k) s0 += values[k] * x[columns[k]];
  return (s0 + s1) + (s2 + s3);
}

}  // namespace sparse
#endif
