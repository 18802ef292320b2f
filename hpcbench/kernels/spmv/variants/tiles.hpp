/* Tiles: a few rows whose entries stand in a pattern, how it is found, and how such rows are multiplied. */
#ifndef SPMV_TILES_HPP
#define SPMV_TILES_HPP
#include <vector>

#include "csr.hpp"

namespace spmv {

constexpr int64_t kLanes = 8;    /* of a vector */
constexpr int64_t kMostRows = 4; /* that share a run */
constexpr int64_t kAhead = 2048; /* values of diagonals that are fetched before they are needed */

/* Some neighbouring entries of x, from `column` on, counted from the first row of a tile. */
struct Step {
  int32_t column;
  uint8_t mask, count;
};

inline bool same(const Step &a, const Step &b) { return a.column == b.column && a.mask == b.mask; }

/* Tiles of `height` rows with one pattern, from row `begin` up to row `end`: steps [at, at + steps). */
struct Segment {
  int64_t begin, end, at;
  int32_t steps;
  int16_t height; /* kLanes for diagonals, else of runs */
  bool full;      /* whether all lanes of all steps are taken */
};

/* The steps of eight rows from `row` on as diagonals; nothing when there would be more than `most`. */
inline void find_diagonals(const spmv_in *in, int64_t row, int64_t most, std::vector<Step> *steps) {
  steps->clear();
  int64_t at[kLanes];
  for (int64_t l = 0; l < kLanes; ++l) at[l] = in->indptr[row + l];
  for (;;) { /* the least distance that some lane has next */
    int64_t least = INT64_MAX;
    for (int64_t l = 0; l < kLanes; ++l)
      if (at[l] < in->indptr[row + l + 1]) least = std::min(least, in->indices[at[l]] - (row + l));
    if (least == INT64_MAX) return;
    if (int64_t(steps->size()) == most) return steps->clear();
    Step step = {int32_t(least), 0, 0};
    for (int64_t l = 0; l < kLanes; ++l)
      if (at[l] < in->indptr[row + l + 1] && in->indices[at[l]] - (row + l) == least)
        ++at[l], ++step.count, step.mask |= uint8_t(1 << l);
    steps->push_back(step);
  }
}

/* The steps of one row as runs of at most eight neighbouring columns; how many rows from it on have the same columns. */
inline int64_t find_runs(const spmv_in *in, int64_t row, int64_t to, std::vector<Step> *steps) {
  steps->clear();
  const int64_t begin = in->indptr[row], n = in->indptr[row + 1] - begin;
  const int32_t *columns = in->indices + begin;
  for (int64_t k = 0; k < n;) {
    int64_t length = 1;
    while (length < kLanes && k + length < n && columns[k + length] == columns[k] + length) ++length;
    steps->push_back({int32_t(columns[k] - row), uint8_t((1 << length) - 1), uint8_t(length)});
    k += length;
  }
  int64_t height = 1;
  while (height < kMostRows && row + height < to && in->indptr[row + height + 1] - in->indptr[row + height] == n &&
         std::equal(columns, columns + n, in->indices + in->indptr[row + height]))
    ++height;
  return height;
}

#ifdef SPARSE_AVX512
/* `Tiles` tiles of eight rows at once, `Sums` sums for each: additions to one sum wait for each other. */
template <int Tiles, int Sums, bool Full>
inline void diagonals(const Step *steps, int64_t n, const double *values, const double *x, double *y, bool past) {
  __m512d sum[Tiles][Sums];
  for (int t = 0; t < Tiles; ++t)
    for (int s = 0; s < Sums; ++s) sum[t][s] = _mm512_setzero_pd();
  const auto step = [&](int64_t i, int s) {
    const double *from = x + steps[i].column;
    for (int t = 0; t < Tiles; ++t) {
      const __m512d v = _mm512_load_pd(values + (t * n + i) * kLanes);
      const __m512d w = Full ? _mm512_loadu_pd(from + t * kLanes) : _mm512_maskz_loadu_pd(steps[i].mask, from + t * kLanes);
      sum[t][s] = _mm512_fmadd_pd(v, w, sum[t][s]);
      _mm_prefetch(reinterpret_cast<const char *>(values + (t * n + i) * kLanes + kAhead), _MM_HINT_T1);
    }
  };
  int64_t i = 0;
  for (; i + Sums <= n; i += Sums)
    for (int s = 0; s < Sums; ++s) step(i + s, s);
  for (; i < n; ++i) step(i, 0);
  for (int t = 0; t < Tiles; ++t) {
    for (int s = 1; s < Sums; ++s) sum[t][0] = _mm512_add_pd(sum[t][0], sum[t][s]);
    if (past && (reinterpret_cast<uintptr_t>(y) & 63) == 0) _mm512_stream_pd(y + t * kLanes, sum[t][0]);
    else _mm512_storeu_pd(y + t * kLanes, sum[t][0]);
  }
}

template <bool Full>
inline const double *diagonals(const Segment &s, const Step *steps, const double *values, const double *x, double *y,
                               bool past) {
  constexpr int kAtOnce = 4;
  const int64_t n = s.steps;
  int64_t row = s.begin;
  for (; row + kAtOnce * kLanes <= s.end; row += kAtOnce * kLanes, values += kAtOnce * n * kLanes)
    diagonals<kAtOnce, 1, Full>(steps, n, values, x + row, y + row, past);
  for (; row < s.end; row += kLanes, values += n * kLanes) diagonals<1, 4, Full>(steps, n, values, x + row, y + row, past);
  return values;
}

template <int Height, int Sums>
inline const double *runs(const Segment &s, const Step *steps, const double *values, const double *from, double *y) {
  const double *v = values;
  for (int64_t row = s.begin; row < s.end; row += Height) {
    __m512d sum[Height][Sums];
    for (int h = 0; h < Height; ++h)
      for (int u = 0; u < Sums; ++u) sum[h][u] = _mm512_setzero_pd();
    const double *x = from + row;
    const auto step = [&](const Step &t, int u) {
      const __m512d w = _mm512_maskz_loadu_pd(t.mask, x + t.column);
      for (int h = 0; h < Height; ++h, v += t.count)
        sum[h][u] = _mm512_fmadd_pd(_mm512_maskz_loadu_pd(t.mask, v), w, sum[h][u]);
    };
    int32_t i = 0;
    for (; i + Sums <= s.steps; i += Sums)
      for (int u = 0; u < Sums; ++u) step(steps[i + u], u);
    for (; i < s.steps; ++i) step(steps[i], 0);
    for (int h = 0; h < Height; ++h) {
      for (int u = 1; u < Sums; ++u) sum[h][0] = _mm512_add_pd(sum[h][0], sum[h][u]);
      y[row + h] = _mm512_reduce_add_pd(sum[h][0]);
    }
  }
  return values + (v - values + kLanes - 1) / kLanes * kLanes;
}
#endif

}  // namespace spmv
#endif
