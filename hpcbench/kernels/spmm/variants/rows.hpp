/* Rows of a matrix in CSR times dense columns, so many columns at a time that their sums stay in registers. */
#ifndef SPMM_ROWS_HPP
#define SPMM_ROWS_HPP
#include <algorithm>
#include <cstdint>

#include "../../shared/cache.hpp"
#include "../../shared/cut.hpp"
#include "abi.h"
#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace spmm {

typedef double Vector __attribute__((vector_size(64)));
typedef double Loose __attribute__((vector_size(64), aligned(8), may_alias));
inline Vector load(const double *from) { return *reinterpret_cast<const Loose *>(from); }
inline void store(double *to, Vector v) { *reinterpret_cast<Loose *>(to) = v; }

/* Past the caches: a Y that they cannot hold need not be read before it is written. */
inline void store_past(double *to, Vector v) {
#ifdef __AVX512F__
  _mm512_stream_pd(to, (__m512d)v);
#else
  store(to, v);
#endif
}

/* Columns `at` up to `at` + 8 VECTORS of Y's rows [from, to). Rows of X some entries ahead are fetched: which ones they are is known, but
 * to no hardware. */
template <int VECTORS, bool PAST> inline void block(const spmm_in *in, int64_t from, int64_t to, int64_t at, double *y) {
  const int64_t k = in->k;
  const double *x = in->x + at;
  const int64_t end = in->indptr[to];
  for (int64_t i = from, p = in->indptr[from]; i < to; ++i) {
    Vector sum[VECTORS] = {};
    for (const int64_t last = in->indptr[i + 1]; p < last; ++p) {
      const double *next = x + in->indices[std::min(p + AHEAD, end - 1)] * k;
      for (int v = 0; v < VECTORS; ++v) __builtin_prefetch(next + 8 * v);
      const double *row = x + in->indices[p] * k;
      const Vector value = Vector{} + in->data[p];
      for (int v = 0; v < VECTORS; ++v) sum[v] += value * load(row + 8 * v);
    }
    for (int v = 0; v < VECTORS; ++v) {
      double *place = y + i * k + at + 8 * v;
      if (PAST) store_past(place, sum[v]);
      else store(place, sum[v]);
    }
  }
}

/* The columns that make up no vector. */
inline void rest(const spmm_in *in, int64_t from, int64_t to, int64_t at, double *y) {
  const int64_t k = in->k;
  for (int64_t i = from; i < to; ++i) {
    std::fill(y + i * k + at, y + (i + 1) * k, 0.0);
    for (int64_t p = in->indptr[i]; p < in->indptr[i + 1]; ++p)
      for (int64_t c = at; c < k; ++c) y[i * k + c] += in->data[p] * in->x[in->indices[p] * k + c];
  }
}

template <bool PAST> inline void columns(const spmm_in *in, int64_t from, int64_t to, double *y) {
  int64_t at = 0;
  for (; at + WIDE <= in->k; at += WIDE) block<WIDE / 8, PAST>(in, from, to, at, y);
  for (; at + 32 <= in->k; at += 32) block<4, PAST>(in, from, to, at, y);
  for (; at + 8 <= in->k; at += 8) block<1, PAST>(in, from, to, at, y);
  if (at < in->k) rest(in, from, to, at, y);
#ifdef __AVX512F__
  if (PAST) _mm_sfence(); /* who is told that Y is done finds it done */
#endif
}

const int64_t kCache = cache::last(); /* asked once: under a hypervisor an answer takes microseconds */

/* Whether Y is larger than the caches, and vectors of it lie within lines. */
inline bool beyond(const spmm_in *in, const double *y) {
  return in->k % 8 == 0 && (reinterpret_cast<uintptr_t>(y) & 63) == 0 && in->nrows * in->k * 8 > kCache;
}

/* Rows [from, to): `WIDE` columns at a time, then what is left of them. */
inline void rows(const spmm_in *in, int64_t from, int64_t to, bool past, double *y) {
  past ? columns<true>(in, from, to, y) : columns<false>(in, from, to, y);
}

}  // namespace spmm
#endif
