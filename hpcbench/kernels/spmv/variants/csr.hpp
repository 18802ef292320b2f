/* Rows of a matrix in CSR times a vector, and how threads share them. */
#ifndef SPMV_CSR_HPP
#define SPMV_CSR_HPP
#include <algorithm>

#include "abi.h"
#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512BW__)
#define SPMV_AVX512
#include <immintrin.h>
#endif

namespace spmv {

#ifdef SPMV_AVX512
/* Eight entries of x. Loads of one entry each: the instruction that gathers takes twice the time on Zen 4. */
template <class Column> inline __m512d gather(const double *x, const Column *columns) {
  const auto two = [&](int k) { return _mm_loadh_pd(_mm_load_sd(x + columns[k]), x + columns[k + 1]); };
  const __m256d low = _mm256_insertf128_pd(_mm256_castpd128_pd256(two(0)), two(2), 1);
  const __m256d high = _mm256_insertf128_pd(_mm256_castpd128_pd256(two(4)), two(6), 1);
  return _mm512_insertf64x4(_mm512_castpd256_pd512(low), high, 1);
}
#endif

/* Several sums, so that a long row does not wait for its own additions. */
inline double dot(const double *values, const int32_t *columns, int64_t n, const double *x) {
  double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  int64_t k = 0;
#ifdef SPMV_AVX512
  if (n >= 16) {
    __m512d a = _mm512_setzero_pd(), b = a;
    for (; k + 16 <= n; k += 16) {
      a = _mm512_fmadd_pd(_mm512_loadu_pd(values + k), gather(x, columns + k), a);
      b = _mm512_fmadd_pd(_mm512_loadu_pd(values + k + 8), gather(x, columns + k + 8), b);
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

inline void rows(const spmv_in *in, int64_t from, int64_t to, double *y) {
  const int64_t *indptr = in->indptr;
  for (int64_t i = from, k = indptr[from]; i < to; ++i) {
    const int64_t end = indptr[i + 1];
    y[i] = dot(in->data + k, in->indices + k, end - k, in->x);
    k = end;
  }
}

/* Where part `part` of `parts` begins, entries and rows weighing the same. */
inline int64_t cut(const spmv_in *in, int64_t part, int64_t parts) {
  if (part == parts) return in->nrows;
  const double goal = double(in->indptr[in->nrows] + in->nrows) * double(part) / double(parts);
  int64_t low = 0, high = in->nrows;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (double(in->indptr[middle] + middle) >= goal) high = middle;
    else low = middle + 1;
  }
  return low;
}

}  // namespace spmv
#endif
