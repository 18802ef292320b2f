/* Rows of a matrix in CSR times dense columns, so many columns at a time that their sums stay in registers. */
#ifndef SPMM_ROWS_HPP
#define SPMM_ROWS_HPP
#include <algorithm>
#include <cstdint>
#include <vector>

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

/* How a row of Y is written: as one that caches hold, or past them. */
enum Way { kSet, kPast };

/* Rows of X, all in one place. */
struct Whole {
  const double *x;
  int64_t k;
  const double *row(int32_t column) const { return x + column * k; }
};

constexpr int64_t kWindow = 64;  /* rows that are taken in the same way */
constexpr int64_t kMostRows = 4; /* that share what is read of X */
constexpr int64_t kAhead = 512;  /* entries of such rows that are fetched before they are needed */

/* Bytes of Y beyond which it is written past the caches, and of X beyond which its rows are fetched ahead. Asked once: under a hypervisor an
 * answer takes microseconds. */
const int64_t kCache = cache::last(), kHeld = 2 * cache::own();

/* Of each row whether the next one has the same columns, and whether such rows are taken together there. */
enum : char { kSame = 1, kTogether = 2 };

/* Rows are taken together in windows where most entries are in rows that have their columns in common with the next or the one before. */
inline std::vector<char> *find_alike(const spmm_in *in) {
  auto *found = new std::vector<char>(size_t(in->nrows));
  char *same = found->data();
  for (int64_t i = 0; i + 1 < in->nrows; ++i) {
    const int64_t begin = in->indptr[i], next = in->indptr[i + 1], end = in->indptr[i + 2];
    same[i] = next - begin == end - next && std::equal(in->indices + begin, in->indices + next, in->indices + next);
  }
  for (int64_t low = 0; low < in->nrows; low += kWindow) {
    const int64_t high = std::min(in->nrows, low + kWindow), entries = in->indptr[high] - in->indptr[low];
    int64_t shared = 0;
    for (int64_t i = low; i < high; ++i)
      if ((same[i] & kSame) || (i > low && (same[i - 1] & kSame))) shared += in->indptr[i + 1] - in->indptr[i];
    if (2 * shared > entries)
      for (int64_t i = low; i < high; ++i) same[i] |= kTogether;
  }
  return found;
}

/* Columns `at` up to `at` + 8 VECTORS of Y's rows [from, to), one by one. Rows of a large X are fetched some entries ahead: which ones they are is
 * known, but to no hardware. */
template <int VECTORS, Way WAY, class X> inline void each(const spmm_in *in, X x, int64_t from, int64_t to, int64_t at, double *y) {
  const int64_t k = in->k;
  const int64_t end = in->indptr[to];
  const bool fetched = in->ncols * k * 8 > kHeld;
  for (int64_t i = from, p = in->indptr[from]; i < to; ++i) {
    Vector sum[VECTORS] = {};
    for (const int64_t last = in->indptr[i + 1]; p < last; ++p) {
      if (fetched) {
        const double *next = x.row(in->indices[std::min(p + AHEAD, end - 1)]) + at;
        for (int v = 0; v < VECTORS; ++v) __builtin_prefetch(next + 8 * v);
      }
      const double *row = x.row(in->indices[p]) + at;
      const Vector value = in->data[p] - Vector{}; /* in all lanes; zero plus it would be computed, since it may be -0 */
      for (int v = 0; v < VECTORS; ++v) sum[v] += value * load(row + 8 * v);
    }
    for (int v = 0; v < VECTORS; ++v) {
      double *place = y + i * k + at + 8 * v;
      if (WAY == kPast) store_past(place, sum[v]);
      else store(place, sum[v]);
    }
  }
}

/* The same of rows [i, i + ROWS), which have the same columns of A. Where there are few sums, each has several parts: additions to
 * one wait for each other. */
template <int ROWS, int VECTORS, Way WAY, class X> inline void tile(const spmm_in *in, X x, int64_t i, int64_t at, double *y) {
  constexpr int PARTS = ROWS * VECTORS < 4 ? 4 / (ROWS * VECTORS) : 1;
  const int64_t k = in->k, begin = in->indptr[i], n = in->indptr[i + 1] - begin;
  const double *data = in->data + begin;
  const int32_t *column = in->indices + begin;
  Vector sum[PARTS][ROWS][VECTORS] = {};
  const auto entry = [&](int64_t p, int part) {
    __builtin_prefetch(data + ROWS * p + kAhead, 0, 2); /* several short streams are none to a prefetcher */
    const double *row = x.row(column[p]) + at;
    for (int r = 0; r < ROWS; ++r) {
      const Vector value = data[r * n + p] - Vector{};
      for (int v = 0; v < VECTORS; ++v) sum[part][r][v] += value * load(row + 8 * v);
    }
  };
  int64_t p = 0;
  for (; p + PARTS <= n; p += PARTS)
    for (int part = 0; part < PARTS; ++part) entry(p + part, part);
  for (; PARTS > 1 && p < n; ++p) entry(p, 0);
  for (int r = 0; r < ROWS; ++r)
    for (int v = 0; v < VECTORS; ++v) {
      for (int part = 1; part < PARTS; ++part) sum[0][r][v] += sum[part][r][v];
      double *place = y + (i + r) * k + at + 8 * v;
      if (WAY == kPast) store_past(place, sum[0][r][v]);
      else store(place, sum[0][r][v]);
    }
}

/* Rows [from, to), those that are alike together. */
template <int VECTORS, Way WAY, class X> inline void together(const spmm_in *in, X x, const char *found, int64_t from, int64_t to, int64_t at, double *y) {
  constexpr int FEWER = VECTORS > 4 ? 4 : VECTORS; /* for the sums of several rows to stay in registers */
  for (int64_t i = from, rows; i < to; i += rows) {
    for (rows = 1; rows < kMostRows && i + rows < to && (found[i + rows - 1] & kSame);) ++rows;
    if (rows == 1) tile<1, VECTORS, WAY>(in, x, i, at, y);
    for (int v = 0; rows > 1 && v < VECTORS; v += FEWER)
      if (rows == 2) tile<2, FEWER, WAY>(in, x, i, at + 8 * v, y);
      else if (rows == 3) tile<3, FEWER, WAY>(in, x, i, at + 8 * v, y);
      else tile<4, FEWER, WAY>(in, x, i, at + 8 * v, y);
  }
}

template <int VECTORS, Way WAY, class X>
inline void block(const spmm_in *in, X x, const std::vector<char> &found, int64_t from, int64_t to, int64_t at, double *y) {
  for (int64_t i = from, j = from; i < to; i = j) {
    const char way = found[size_t(i)] & kTogether;
    while (j < to && (found[size_t(j)] & kTogether) == way) j = std::min(to, (j / kWindow + 1) * kWindow);
    way ? together<VECTORS, WAY>(in, x, found.data(), i, j, at, y) : each<VECTORS, WAY>(in, x, i, j, at, y);
  }
}

/* The columns that make up no vector. */
template <class X> inline void rest(const spmm_in *in, X x, int64_t from, int64_t to, int64_t at, double *y) {
  const int64_t k = in->k;
  for (int64_t i = from; i < to; ++i) {
    std::fill(y + i * k + at, y + (i + 1) * k, 0.0);
    for (int64_t p = in->indptr[i]; p < in->indptr[i + 1]; ++p)
      for (int64_t c = at; c < k; ++c) y[i * k + c] += in->data[p] * x.row(in->indices[p])[c];
  }
}

template <Way WAY, class X> inline void columns(const spmm_in *in, X x, const std::vector<char> &found, int64_t from, int64_t to, double *y) {
  int64_t at = 0;
  for (; at + WIDE <= in->k; at += WIDE) block<WIDE / 8, WAY>(in, x, found, from, to, at, y);
  for (; at + 32 <= in->k; at += 32) block<4, WAY>(in, x, found, from, to, at, y);
  for (; at + 8 <= in->k; at += 8) block<1, WAY>(in, x, found, from, to, at, y);
  if (at < in->k) rest(in, x, from, to, at, y);
#ifdef __AVX512F__
  if (WAY == kPast) _mm_sfence(); /* who is told that Y is done finds it done */
#endif
}

/* Past the caches where Y is larger than they are, and vectors of it lie within lines. */
inline Way way(const spmm_in *in, const double *y) {
  return in->k % 8 == 0 && (reinterpret_cast<uintptr_t>(y) & 63) == 0 && in->nrows * in->k * 8 > kCache ? kPast : kSet;
}

/* Rows [from, to): `WIDE` columns at a time, then what is left of them. */
template <class X> inline void rows(const spmm_in *in, X x, const std::vector<char> &found, int64_t from, int64_t to, Way way, double *y) {
  way == kPast ? columns<kPast>(in, x, found, from, to, y) : columns<kSet>(in, x, found, from, to, y);
}

}  // namespace spmm
#endif
