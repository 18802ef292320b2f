/* Dense accumulator on the row's column span: sums in a window that starts at the first column, so that
 * narrow rows of a wide matrix stay in the first-level cache, and a sweep that finds the columns in order,
 * so that sorting costs nothing. A window of a few columns per flop is swept for sums that are not zero; a
 * wider one keeps one byte per column, a still wider one also a byte per 64 columns. The bytes are plain
 * stores: bit maps would chain every flop to the one before through a read-modify-write. */
#ifndef ROWS_DENSE_HPP
#define ROWS_DENSE_HPP
#include "csr.hpp"

#ifndef SWEEP_MAX /* widest window, in columns per flop, whose sums are swept themselves */
#define SWEEP_MAX 4
#endif

namespace rows {

struct Span {
  int64_t first, width;
};

class Dense {
 public:
  explicit Dense(const Csr &b) : b_(b) {}

  /* Columns that the row can touch, from the ends of B's rows. */
  Span span(const Row &a) const {
    int32_t low = INT32_MAX, high = 0;
    for (int64_t k = 0; k < a.nnz; ++k) {
      const int64_t from = b_.indptr[a.cols[k]], to = b_.indptr[a.cols[k] + 1];
      if (from < to) low = std::min(low, b_.indices[from]), high = std::max(high, b_.indices[to - 1]);
    }
    return {low, int64_t(high) - low + 1};
  }

  /* Columns ascend. Sums that are exactly zero may be left out: the contract allows it, and without a map
   * they cannot be told from columns nobody touched. Returns the entries written, -1 when out of memory. */
  ROWS_APART int64_t row(const Row &a, Span s, int32_t *cols, double *vals) {
    if (!sums_.reserve(s.width + 64)) return -1;
    if (s.width <= SWEEP_MAX * a.flops) {
      if (!looked_) look_at_b();
      runs_ ? scatter_runs(a, s) : scatter<0>(a, s);
      return sweep_sums(s, cols, vals);
    }
    const int64_t blocks = (s.width + 63) / 64;
    if (!marks_.reserve(64 * blocks) || !blocks_.reserve(blocks + 64) || !hit_.reserve(blocks + 64)) return -1;
    int64_t n = 0;
    if (s.width <= 64 * a.flops) {
      scatter<1>(a, s);
      n = sweep_marks(marks_.at, blocks, int32_t(s.first), cols);
    } else {
      scatter<2>(a, s);
      const int64_t hits = sweep_marks(blocks_.at, (blocks + 63) / 64, 0, hit_.at);
      for (int64_t h = 0; h < hits; ++h) {
        const int64_t at = 64 * int64_t(hit_.at[h]);
        n += sweep_marks(marks_.at + at, 1, int32_t(s.first + at), cols + n);
      }
    }
    double *sums = sums_.at - s.first;
    for (int64_t k = 0; k < n; ++k) vals[k] = sums[cols[k]], sums[cols[k]] = 0;
    return n;
  }

 private:
  /* Once per call, when the first row asks: are three of four entries right neighbours of the one before, as where unknowns
   * come in blocks? In a few rows: all of a large B would be a tenth of a product of few flops. */
  void look_at_b() {
    int64_t neighbours = 0, entries = 0;
    for (int64_t i = b_.first, stride = (b_.nrows - b_.first) / kLooks + 1; i < b_.nrows; i += stride) {
      entries += b_.indptr[i + 1] - b_.indptr[i];
      for (int64_t k = b_.indptr[i] + 1; k < b_.indptr[i + 1]; ++k) neighbours += b_.indices[k - 1] + 1 == b_.indices[k];
    }
    looked_ = true, runs_ = 4 * neighbours >= 3 * entries;
  }

  template <int Maps> void scatter(const Row &a, Span s) {
    double *__restrict sums = sums_.at - s.first;
    uint8_t *marks = Maps >= 1 ? marks_.at - s.first : nullptr, *blocks = blocks_.at;
    const Csr b = b_; /* locals: for all the compiler knows, a mark may be part of any other object */
    const Row row = a;
    for (int64_t k = 0; k < row.nnz; ++k) {
      const double x = row.vals[k];
#pragma GCC unroll 2 /* else its speed hangs on where the loop happens to lie: up to 1.2x */
      for (int64_t j = b.indptr[row.cols[k]], end = b.indptr[row.cols[k] + 1]; j < end; ++j) {
        const int64_t c = b.indices[j];
        sums[c] += x * b.data[j];
        if (Maps >= 1) marks[c] = 1;
        if (Maps >= 2) blocks[(c - s.first) / 64] = 1;
      }
    }
  }

  /* Eight consecutive columns at a time where there are. */
  void scatter_runs(const Row &a, Span s) {
    typedef double Eight __attribute__((vector_size(64), aligned(8), may_alias));
    double *sums = sums_.at - s.first;
    for (int64_t k = 0; k < a.nnz; ++k) {
      const double x = a.vals[k];
      for (int64_t j = b_.indptr[a.cols[k]], end = b_.indptr[a.cols[k] + 1]; j < end;) {
        double *t = sums + b_.indices[j];
        if (j + 8 <= end && b_.indices[j + 7] - b_.indices[j] == 7) {
          *reinterpret_cast<Eight *>(t) += x * *reinterpret_cast<const Eight *>(b_.data + j), j += 8;
        } else {
          *t += x * b_.data[j], ++j;
        }
      }
    }
  }

  /* Writes the sums that are not zero with their columns, and clears them. */
  int64_t sweep_sums(Span s, int32_t *cols, double *vals) {
    double *sums = sums_.at;
    int64_t n = 0;
#ifdef ROWS_AVX512
    const __m512d zero = _mm512_setzero_pd();
    __m256i c = _mm256_add_epi32(_mm256_set1_epi32(int(s.first)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    for (int64_t j = 0; j < s.width; j += 8) {
      const __m512d x = _mm512_load_pd(sums + j);
      const __mmask8 m = _mm512_cmp_pd_mask(x, zero, _CMP_NEQ_UQ);
      _mm512_store_pd(sums + j, zero);
      _mm512_storeu_pd(vals + n, _mm512_maskz_compress_pd(m, x));
      _mm256_storeu_si256(reinterpret_cast<__m256i *>(cols + n), _mm256_maskz_compress_epi32(m, c));
      c = _mm256_add_epi32(c, _mm256_set1_epi32(8));
      n += __builtin_popcount(m);
    }
#else
    for (int64_t j = 0; j < s.width; ++j) {
      cols[n] = int32_t(s.first + j), vals[n] = sums[j];
      n += sums[j] != 0, sums[j] = 0;
    }
#endif
    return n;
  }

  /* Writes first + position of each mark that is set in `blocks` blocks of 64, and clears them. */
  static int64_t sweep_marks(uint8_t *marks, int64_t blocks, int32_t first, int32_t *out) {
    int64_t n = 0;
#ifdef ROWS_AVX512
    const __m512i iota = _mm512_set_epi64(0x3f3e3d3c3b3a3938, 0x3736353433323130, 0x2f2e2d2c2b2a2928,
                                          0x2726252423222120, 0x1f1e1d1c1b1a1918, 0x1716151413121110,
                                          0x0f0e0d0c0b0a0908, 0x0706050403020100);
    for (int64_t i = 0; i < blocks; ++i) {
      const __m512i w = _mm512_load_si512(marks + 64 * i);
      const __mmask64 m = _mm512_test_epi8_mask(w, w);
      _mm512_store_si512(marks + 64 * i, _mm512_setzero_si512());
      alignas(64) uint8_t position[64];
      _mm512_store_si512(position, _mm512_maskz_compress_epi8(m, iota));
      const __m512i start = _mm512_set1_epi32(int(first + 64 * i));
      const int64_t set = __builtin_popcountll(m);
      for (int64_t k = 0; k == 0 || k < set; k += 16) { /* the first vector without asking */
        const __m128i some = _mm_load_si128(reinterpret_cast<const __m128i *>(position + k));
        _mm512_storeu_si512(out + n + k, _mm512_add_epi32(start, _mm512_cvtepu8_epi32(some)));
      }
      n += set;
    }
#else
    for (int64_t i = 0; i < 8 * blocks; ++i) {
      uint64_t w; /* eight marks, each 0 or 1, the first in the low byte */
      memcpy(&w, marks + 8 * i, 8);
      memset(marks + 8 * i, 0, 8);
      for (; w; w &= w - 1) out[n++] = int32_t(first + 8 * i + __builtin_ctzll(w) / 8);
    }
#endif
    return n;
  }

  const Csr b_;
  static constexpr int64_t kLooks = 128; /* rows */
  bool looked_ = false, runs_ = false;
  Scratch<double, true> sums_;
  Scratch<uint8_t, true> marks_, blocks_;
  Scratch<int32_t> hit_;
};

}  // namespace rows
#endif
