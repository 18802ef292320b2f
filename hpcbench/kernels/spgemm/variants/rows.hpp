/* Row machinery of Gustavson's SpGEMM (ACM TOMS 4(3), 1978): one row of C = A * B at a time.
 *
 * The accumulator is chosen per row, after Nagasaka, Matsuoka, Azad, Buluc (Parallel Computing 90,
 * 2019) and Parger et al. (spECK, PPoPP 2020), from the row's flops and its column span:
 *   copy   one non-zero of A: a scaled row of B
 *   merge  few flops on a wide span: expand, sort (column, position) keys with a bitonic network in
 *          vector registers (Batcher 1968), add equal neighbours; longer rows merge such runs
 *   dense  a window of doubles over the span; narrow windows are swept for non-zeros, wide ones keep
 *          one byte per column (a plain store, no read-modify-write) and sweep the bytes
 *   hash   linear probing, memory bounded by the row's flops
 * Sums that are exactly zero may be left out: the contract allows it, and the sweep then needs no map. */
#pragma once
#include <stdint.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#if defined(__AVX512VBMI2__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__BMI2__)
#define ROWS_AVX512
#include <immintrin.h>
#endif

#ifndef ACCUMULATOR
#define ACCUMULATOR auto
#endif
#ifndef MERGE_MAX /* most flops that the sorting network takes in auto, <= 256 */
#define MERGE_MAX 64
#endif
#ifndef SWEEP_MAX /* widest dense window, in columns per flop, that is swept without byte map */
#define SWEEP_MAX 4
#endif

#ifndef REPLAY /* 1: rows whose pattern is the last one's shifted take its pattern over */
#define REPLAY 1
#endif

namespace rows {

enum Accumulator { use_auto, use_dense, use_hash, use_merge };
#define ROWS_PASTE(a, b) a##b
#define ROWS_ACCUMULATOR(name) ROWS_PASTE(use_, name)
constexpr Accumulator kUse = ROWS_ACCUMULATOR(ACCUMULATOR);

constexpr int64_t kRun = 256; /* products per sorted run: their position takes 8 bits of the key */
constexpr int64_t kPad = 64;  /* entries behind a row that vector stores may overwrite */

constexpr int64_t kWidest = 1 << 22; /* columns of the widest dense window in auto: 40 MB of scratch */

struct Csr {
  int64_t nrows, ncols;
  const int64_t *indptr;
  const int32_t *indices;
  const double *data;
};

/* Scratch that grows; contents are lost when it does, new contents are zero. */
template <class T> struct Scratch {
  T *at = nullptr;
  int64_t size = 0;
  ~Scratch() { free(at); }
  bool reserve(int64_t n) {
    if (n <= size) return true;
    free(at);
    size = 0;
    const int64_t bytes = (std::max(n, int64_t(512)) * int64_t(sizeof(T)) + 255) / 64 * 64 + 64;
    at = static_cast<T *>(aligned_alloc(64, bytes));
    if (!at) return false;
    memset(at, 0, bytes);
    size = n;
    return true;
  }
};

/* ---- the sorting network: 64-byte vectors of unsigned keys, GCC vector extensions ---- */

template <class Key> struct Lanes {
  typedef Key V __attribute__((vector_size(64)));
  static constexpr int n = 64 / sizeof(Key);
};

template <class Key, int X> inline typename Lanes<Key>::V exchange(typename Lanes<Key>::V v) {
  typename Lanes<Key>::V partner, high;
  constexpr int top = X & ~(X >> 1) & ~(X >> 2) & ~(X >> 3); /* X is 2^k or 2^k - 1 */
  for (int i = 0; i < Lanes<Key>::n; ++i) partner[i] = i ^ X, high[i] = (i & top) ? ~Key(0) : 0;
  const auto p = __builtin_shuffle(v, partner);
  const auto lo = v < p ? v : p, hi = v < p ? p : v;
  return high ? hi : lo;
}

template <class Key, int D> inline typename Lanes<Key>::V half_cleaners(typename Lanes<Key>::V v) {
  v = exchange<Key, D>(v);
  if constexpr (D > 1) v = half_cleaners<Key, D / 2>(v);
  return v;
}

template <class Key, int S = 2> inline typename Lanes<Key>::V sort_lanes(typename Lanes<Key>::V v) {
  v = exchange<Key, S - 1>(v);
  if constexpr (S > 2) v = half_cleaners<Key, S / 4>(v);
  if constexpr (S < Lanes<Key>::n) v = sort_lanes<Key, 2 * S>(v);
  return v;
}

/* Sorts v[0..nv). Vectors from nv on count as all ones, so comparators that reach them do nothing. */
template <class Key> inline __attribute__((always_inline)) void
sort_vectors(typename Lanes<Key>::V *v, const int nv) {
  typename Lanes<Key>::V reversed;
  for (int i = 0; i < Lanes<Key>::n; ++i) reversed[i] = Lanes<Key>::n - 1 - i;
  for (int i = 0; i < nv; ++i) v[i] = sort_lanes<Key>(v[i]);
  for (int w = 1; w < nv; w *= 2)
    for (int base = 0; base < nv; base += 2 * w) {
      for (int i = std::max(0, base + 2 * w - nv); i < w; ++i) {
        const auto a = v[base + i], b = __builtin_shuffle(v[base + 2 * w - 1 - i], reversed);
        v[base + i] = a < b ? a : b;
        v[base + 2 * w - 1 - i] = __builtin_shuffle(a < b ? b : a, reversed);
      }
      const int stop = std::min(nv, base + 2 * w);
      for (int d = w / 2; d; d /= 2)
        for (int i = base; i + d < stop; ++i)
          if (!((i - base) & d)) {
            const auto a = v[i], b = v[i + d];
            v[i] = a < b ? a : b;
            v[i + d] = a < b ? b : a;
          }
      for (int i = base; i < stop; ++i) v[i] = half_cleaners<Key, Lanes<Key>::n / 2>(v[i]);
    }
}

class Multiplier {
 public:
  Multiplier(const Csr &b, bool sorted)
      : b_(b), sorted_(sorted),
        inner_rows_(std::upper_bound(b.indptr + 1, b.indptr + b.nrows + 1, b.indptr[b.nrows] - 8) - (b.indptr + 1)) {}

  /* Upper bound of the entries of row i of A * B. */
  int64_t bound(const Csr &a, int64_t i) const {
    int64_t flops = 0;
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k)
      flops += b_.indptr[a.indices[k] + 1] - b_.indptr[a.indices[k]];
    return std::min(flops, b_.ncols);
  }

  /* Rows [first, last) of A * B into cols and vals, which hold `capacity` entries, at least the sum of
   * the rows' min(flops, ncols). indptr[i] becomes the end of row i, counted from 0; indptr[first] is
   * the first written. Returns the number of entries, -1 when out of memory. */
  int64_t multiply(const Csr &a, int64_t first, int64_t last, int64_t *indptr, int32_t *cols, double *vals,
                   int64_t capacity) {
    int64_t sums[kRing]; /* flops of this call up to and with a non-zero of A, by its position mod kRing */
    const int64_t end = a.indptr[last];
    int64_t nnz = 0, ahead = a.indptr[first], total = 0, before = 0;
    for (int64_t i = first; i < last; ++i) {
      const int64_t from = a.indptr[i], to = a.indptr[i + 1];
      if (from < to) {
#ifdef ROWS_AVX512
        const bool steady = last_.known;
#else
        const bool steady = false;
#endif
        if (ahead < std::min(to + kRing / 4, end))
          for (const int64_t stop = std::min(to + kRing - 1, end); ahead < stop; ++ahead) {
            const int64_t at = b_.indptr[a.indices[ahead]];
            total += b_.indptr[a.indices[ahead] + 1] - at;
            sums[ahead % kRing] = total;
            if (!steady) __builtin_prefetch(b_.indices + at), __builtin_prefetch(b_.data + at);
          }
        const int64_t flops = sums[(to - 1) % kRing] - before;
        before += flops;
        if (flops) {
          const int64_t got = row({a.indices + from, a.data + from, to - from, flops}, cols + nnz, vals + nnz, capacity - nnz);
          if (got < 0) return -1;
          nnz += got;
        }
      }
      indptr[i] = nnz;
    }
    return nnz;
  }

 private:
  static constexpr int64_t kRing = 128;

  struct RowOfA {
    const int32_t *cols;
    const double *vals;
    int64_t nnz, flops;
  };

  /* One row of C; entries behind it may be overwritten, within `room`. */
  int64_t row(const RowOfA &a, int32_t *cols, double *vals, int64_t room) {
    const int64_t bound = std::min(a.flops, b_.ncols) + kPad;
    const bool direct = room >= bound;
    if (!direct && (!tail_cols_.reserve(bound) || !tail_vals_.reserve(bound))) return -1;
    const int64_t n = choose(a, direct ? cols : tail_cols_.at, direct ? vals : tail_vals_.at);
    if (!direct && n > 0) {
      memcpy(cols, tail_cols_.at, n * sizeof *cols), memcpy(vals, tail_vals_.at, n * sizeof *vals);
#ifdef ROWS_AVX512
      last_.a.nnz = 0; /* the buffer may move */
#endif
    }
    return n;
  }

  int64_t choose(const RowOfA &a, int32_t *cols, double *vals) {
    if (kUse == use_hash) return hash(a, cols, vals);
    if (kUse == use_merge) return merge(a, cols, vals);
    if (kUse == use_dense) return dense(a, span(a), cols, vals);
    if (a.nnz == 1) {
      const int64_t n = copy(a, cols, vals);
      if (n) return n;
    }
#ifdef ROWS_AVX512
    if (REPLAY) {
      int64_t n = 0;
      if (a.nnz == last_.a.nnz && a.flops == last_.a.flops && last_.n <= kReplay && a.nnz <= kReplay)
        n = replay(a, cols, vals);
      if (!n) last_.known = false, n = accumulate(a, cols, vals);
      last_.a = a, last_.cols = cols, last_.n = n;
      return n;
    }
#endif
    return accumulate(a, cols, vals);
  }

  int64_t accumulate(const RowOfA &a, int32_t *cols, double *vals) {
    if (a.flops <= 32) return merge(a, cols, vals);
    const Span s = span(a);
    if (a.flops <= MERGE_MAX && s.width > 16 * a.flops) return merge(a, cols, vals);
    if (s.width > kWidest) return hash(a, cols, vals);
    return dense(a, s, cols, vals);
  }

#ifdef ROWS_AVX512
  static constexpr int64_t kReplay = 64;

  /* The row before this one. When `known`, bit p of mask[k] tells that the k-th row of B that it takes
   * part of has an entry in the p-th column of the result, and shape[p] is that column less the first. */
  struct Last {
    RowOfA a = {nullptr, nullptr, 0, 0};
    const int32_t *cols = nullptr;
    int64_t n = 0;
    bool known = false;
    uint64_t mask[kReplay];
    uint8_t place[kReplay][kReplay / 8][8]; /* which of the next entries of that row of B, by vector and lane */
    alignas(64) int32_t shape[kReplay];
  };
  Last last_;

  /* By how much row j of B is row j - 1 shifted, 0 or 1; kOther when it is not. */
  static constexpr int kOther = 2;
  int succession(int32_t j) {
    uint8_t &known = succession_.at[j]; /* 0 not looked at, else the result + 1 */
    if (!known) known = uint8_t(compare_to_previous(j) + 1);
    return known - 1;
  }
  int compare_to_previous(int32_t j) const {
    const int64_t from = b_.indptr[j], old = b_.indptr[j - 1], len = from - old;
    if (!len || b_.indptr[j + 1] - from != len) return kOther;
    const int32_t shift = b_.indices[from] - b_.indices[old];
    bool same = (shift & ~1) == 0;
    for (int64_t k = 0; k < len; ++k) same &= b_.indices[from + k] - b_.indices[old + k] == shift;
    return same ? shift : kOther;
  }

  /* Stencils and blocks: when this row takes part of the same rows of B as the last one, all shifted alike, its
   * pattern is the last one's shifted, and the values need neither search nor sort. 0 when that is not so. */
  int64_t replay(const RowOfA &a, int32_t *cols, double *vals) {
    const int32_t step = a.cols[0] - last_.a.cols[0];
    if (step & ~1) return 0; /* stencils step by 1, rows of a block by 0 */
    uint32_t differ = 0;
    for (int64_t k = 0; k < a.nnz; k += 16) {
      const __mmask16 m = __mmask16(_bzhi_u32(0xffff, unsigned(a.nnz - k)));
      const __m512i now = _mm512_maskz_loadu_epi32(m, a.cols + k), old = _mm512_maskz_loadu_epi32(m, last_.a.cols + k);
      differ |= _mm512_mask_cmpneq_epi32_mask(m, _mm512_sub_epi32(now, _mm512_set1_epi32(step)), old);
    }
    if (differ || !succession_.reserve(b_.nrows)) return 0;
    int32_t shift = 0;
    if (step) {
      shift = succession(a.cols[0]);
      for (int64_t k = 0; k < a.nnz; ++k) differ |= (shift ^ succession(a.cols[k])) | (a.cols[k] >= inner_rows_);
    }
    if (differ || shift == kOther) return 0;
    if (!last_.known && !learn()) return 0;
    const int32_t base = last_.cols[0] + shift;
    for (int64_t p = 0; p < last_.n; p += 16)
      _mm512_storeu_si512(cols + p, _mm512_add_epi32(_mm512_set1_epi32(base), _mm512_load_si512(last_.shape + p)));
    switch ((last_.n + 7) / 8) {
      case 1: replay_values<1>(a, vals); break;
      case 2: replay_values<2>(a, vals); break;
      case 3: replay_values<3>(a, vals); break;
      case 4: replay_values<4>(a, vals); break;
      case 5: replay_values<5>(a, vals); break;
      case 6: replay_values<6>(a, vals); break;
      case 7: replay_values<7>(a, vals); break;
      default: replay_values<8>(a, vals);
    }
    return last_.n;
  }

  template <int NV> void replay_values(const RowOfA &a, double *vals) const {
    __m512d sum[NV];
    for (int i = 0; i < NV; ++i) sum[i] = _mm512_setzero_pd();
    for (int64_t k = 0; k < a.nnz; ++k) {
      const __m512d x = _mm512_set1_pd(a.vals[k]);
      const double *bv = b_.data + b_.indptr[a.cols[k]];
      for (int i = 0; i < NV; ++i) {
        const unsigned m = (last_.mask[k] >> (8 * i)) & 255;
        const __m512i place = _mm512_cvtepu8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(last_.place[k][i])));
        const __m512d y = _mm512_permutexvar_pd(place, _mm512_loadu_pd(bv));
        sum[i] = _mm512_mask3_fmadd_pd(x, y, sum[i], __mmask8(m));
        bv += __builtin_popcount(m);
      }
    }
    for (int i = 0; i < NV; ++i) _mm512_storeu_pd(vals + 8 * i, sum[i]);
  }

  /* Fills mask and shape from the last row; false when a row of B does not ascend or a sum was left out. */
  bool learn() {
    const int64_t n = last_.n;
    const int32_t *cols = last_.cols;
    for (int64_t k = 0; k < last_.a.nnz; ++k) {
      const int32_t row = last_.a.cols[k];
      if (row >= inner_rows_) return false;
      uint64_t mask = 0;
      uint8_t place[kReplay] = {0};
      int64_t p = 0;
      for (int64_t j = b_.indptr[row], end = b_.indptr[row + 1]; j < end; ++j, ++p) {
        const int32_t c = b_.indices[j];
        while (p < n && cols[p] != c) ++p;
        if (p >= n) return false;
        place[p] = uint8_t(__builtin_popcountll(mask >> (p & ~7)));
        mask |= uint64_t(1) << p;
      }
      last_.mask[k] = mask;
      memcpy(last_.place[k], place, sizeof place);
    }
    for (int64_t p = 0; p < last_.n; ++p) last_.shape[p] = last_.cols[p] - last_.cols[0];
    return last_.known = true;
  }
#endif

  /* 0 when the row of B does not ascend but should. */
  int64_t copy(const RowOfA &a, int32_t *cols, double *vals) const {
    const int64_t from = b_.indptr[a.cols[0]];
    const int32_t *bc = b_.indices + from;
    const double *bv = b_.data + from, x = a.vals[0];
    bool descent = false;
    for (int64_t k = 1; k < a.flops; ++k) descent |= bc[k - 1] > bc[k];
    if (descent && sorted_) return 0;
    for (int64_t k = 0; k < a.flops; ++k) cols[k] = bc[k], vals[k] = x * bv[k];
    return a.flops;
  }

  struct Span {
    int64_t first, width;
  };

  /* Columns that the row can touch, from the ends of B's rows; everything when those do not ascend. */
  Span span(const RowOfA &a) {
    if (b_ascends_ < 0) look_at_b();
    if (!b_ascends_) return {0, b_.ncols};
    int32_t lo = INT32_MAX, hi = 0;
    for (int64_t k = 0; k < a.nnz; ++k) {
      const int64_t from = b_.indptr[a.cols[k]], to = b_.indptr[a.cols[k] + 1];
      if (from == to) continue;
      lo = std::min(lo, b_.indices[from]), hi = std::max(hi, b_.indices[to - 1]);
    }
    return {lo, int64_t(hi) - lo + 1};
  }

  /* Once per call, when the first row asks for it: do all rows of B ascend, and mostly in runs? */
  void look_at_b() {
    int64_t descents = 0, neighbours = 0;
    for (int64_t i = 0; i < b_.nrows; ++i)
      for (int64_t k = b_.indptr[i] + 1; k < b_.indptr[i + 1]; ++k) {
        descents += b_.indices[k - 1] > b_.indices[k];
        neighbours += b_.indices[k - 1] + 1 == b_.indices[k];
      }
    b_ascends_ = descents == 0;
    b_runs_ = b_ascends_ && neighbours * 4 >= b_.indptr[b_.nrows] * 3;
  }

  /* ---- merge ---- */

  int64_t merge(const RowOfA &a, int32_t *cols, double *vals) {
    return b_.ncols < (1 << 24) ? merge_keys<uint32_t>(a, cols, vals) : merge_keys<uint64_t>(a, cols, vals);
  }

  template <class Key> int64_t merge_keys(const RowOfA &a, int32_t *cols, double *vals) {
    alignas(64) Key keys[kRun + 16];
    alignas(64) double products[kRun + 8];
#ifdef ROWS_AVX512
    if (sizeof(Key) == 4 && a.flops <= 64) {
      if (a.flops <= 16) return sort_regs<1>(a, cols, vals);
      if (a.flops <= 32) return sort_regs<2>(a, cols, vals);
      expand(a, reinterpret_cast<uint32_t *>(keys), products);
      const auto *k = reinterpret_cast<const uint32_t *>(keys);
      return sort_small<4>(k, products, a.flops, cols, vals);
    }
#endif
    if (a.flops <= kRun) {
      Key n = 0;
      for (int64_t k = 0; k < a.nnz; ++k) {
        const double x = a.vals[k];
        for (int64_t j = b_.indptr[a.cols[k]]; j < b_.indptr[a.cols[k] + 1]; ++j, ++n)
          keys[n] = Key(b_.indices[j]) << 8 | n, products[n] = x * b_.data[j];
      }
      return sort_run(keys, products, n, cols, vals);
    }
    /* runs of up to kRun products, then pairwise merges between two buffers, the last into the output */
    if (!run_cols_.reserve(2 * a.flops) || !run_vals_.reserve(2 * a.flops) || !runs_.reserve(a.flops / kRun + 2))
      return -1;
    int32_t *rc = run_cols_.at, *spare_c = rc + a.flops;
    double *rv = run_vals_.at, *spare_v = rv + a.flops;
    int64_t *ends = runs_.at, nruns = 0, filled = 0;
    Key n = 0;
    for (int64_t k = 0; k < a.nnz; ++k) {
      const double x = a.vals[k];
      for (int64_t j = b_.indptr[a.cols[k]]; j < b_.indptr[a.cols[k] + 1]; ++j) {
        keys[n] = Key(b_.indices[j]) << 8 | n, products[n] = x * b_.data[j];
        if (++n < kRun) continue;
        ends[nruns++] = filled += sort_run(keys, products, n, rc + filled, rv + filled);
        n = 0;
      }
    }
    if (n) ends[nruns++] = filled += sort_run(keys, products, n, rc + filled, rv + filled);
    while (nruns > 1) {
      int32_t *oc = nruns == 2 ? cols : spare_c;
      double *ov = nruns == 2 ? vals : spare_v;
      int64_t from = 0, out = 0, kept = 0;
      for (int64_t r = 0; r < nruns; r += 2) {
        const int64_t mid = ends[r], to = r + 1 < nruns ? ends[r + 1] : mid;
        out += merge_pair(rc + from, rv + from, mid - from, rc + mid, rv + mid, to - mid, oc + out, ov + out);
        from = to, ends[kept++] = out;
      }
      nruns = kept;
      if (nruns == 1) return out;
      std::swap(rc, spare_c), std::swap(rv, spare_v);
    }
    memcpy(cols, rc, filled * sizeof *cols), memcpy(vals, rv, filled * sizeof *vals);
    return filled;
  }

#ifdef ROWS_AVX512
  void expand(const RowOfA &a, uint32_t *keys, double *products) const {
    const __m256i iota = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    int64_t n = 0;
    for (int64_t k = 0; k < a.nnz; ++k) {
      const int64_t from = b_.indptr[a.cols[k]], len = b_.indptr[a.cols[k] + 1] - from;
      const __m512d x = _mm512_set1_pd(a.vals[k]);
      for (int64_t j = 0; j < len; j += 8) {
        const __mmask8 m = __mmask8(_bzhi_u32(255, unsigned(len - j)));
        const __m256i c = _mm256_maskz_loadu_epi32(m, b_.indices + from + j);
        const __m256i key = _mm256_or_si256(_mm256_slli_epi32(c, 8), _mm256_add_epi32(iota, _mm256_set1_epi32(int(n + j))));
        _mm256_storeu_si256(reinterpret_cast<__m256i *>(keys + n + j), key);
        _mm512_storeu_pd(products + n + j, _mm512_mul_pd(x, _mm512_maskz_loadu_pd(m, b_.data + from + j)));
      }
      n += len;
    }
  }

  template <int NV> int64_t sort_regs(const RowOfA &a, int32_t *cols, double *vals) const {
    const __m512i iota = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i v[NV];
    __m512d p[2 * NV];
    for (int i = 0; i < NV; ++i) v[i] = _mm512_set1_epi32(-1);
    for (int i = 0; i < 2 * NV; ++i) p[i] = _mm512_setzero_pd();
    int64_t n = 0;
    for (int64_t k = 0; k < a.nnz; ++k) {
      const int64_t from = b_.indptr[a.cols[k]], len = b_.indptr[a.cols[k] + 1] - from;
      const uint64_t m = ((uint64_t(1) << len) - 1) << n;
      const __m512d x = _mm512_set1_pd(a.vals[k]);
      for (int i = 0; i < NV; ++i)
        v[i] = _mm512_mask_loadu_epi32(v[i], __mmask16(m >> (16 * i)), b_.indices + from - n + 16 * i);
      for (int i = 0; i < 2 * NV; ++i) {
        const __mmask8 mi = __mmask8(m >> (8 * i));
        p[i] = _mm512_mask_mul_pd(p[i], mi, x, _mm512_maskz_loadu_pd(mi, b_.data + from - n + 8 * i));
      }
      n += len;
    }
    for (int i = 0; i < NV; ++i)
      v[i] = _mm512_or_si512(_mm512_slli_epi32(v[i], 8), _mm512_add_epi32(iota, _mm512_set1_epi32(16 * i)));
    return sort_emit<NV>(v, p, n, cols, vals);
  }

  /* Sorts n <= 16 NV keys in registers and adds up equal columns by a segmented scan. */
  template <int NV> static __attribute__((always_inline)) int64_t
  sort_small(const uint32_t *keys, const double *products, int64_t n, int32_t *cols, double *vals) {
    Lanes<uint32_t>::V v[NV];
    const __m512i iota = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (int i = 0; i < NV; ++i) {
      const __mmask16 pad = _mm512_cmpge_epi32_mask(iota, _mm512_set1_epi32(int(n) - 16 * i));
      v[i] = (Lanes<uint32_t>::V)_mm512_mask_set1_epi32(_mm512_load_si512(keys + 16 * i), pad, -1);
    }
    __m512d p[2 * NV];
    for (int i = 0; i < 2 * NV; ++i) p[i] = _mm512_load_pd(products + 8 * i);
    return sort_emit<NV>((__m512i *)v, p, n, cols, vals);
  }
  template <int NV> static __attribute__((always_inline)) int64_t
  sort_emit(__m512i *vv, const __m512d *p, int64_t n, int32_t *cols, double *vals) {
    Lanes<uint32_t>::V v[NV];
    for (int i = 0; i < NV; ++i) v[i] = (Lanes<uint32_t>::V)vv[i];
    sort_vectors<uint32_t>(v, NV);
    __m512i col[NV];
    uint64_t same = 0; /* bit k: product k has the column of product k - 1 */
    for (int i = 0; i < NV; ++i) {
      col[i] = _mm512_srli_epi32((__m512i)v[i], 8);
      const __m512i before = _mm512_alignr_epi32(col[i], i ? col[i - 1] : _mm512_set1_epi32(-1), 15);
      same |= uint64_t(_mm512_cmpeq_epi32_mask(col[i], before)) << (16 * i);
    }
    const uint64_t valid = n == 64 ? ~uint64_t(0) : (uint64_t(1) << n) - 1;
    same &= valid;
    const uint64_t last = ~(same >> 1) & valid; /* bit k: product k ends its column */
    const uint64_t s1 = same & ~0x0101010101010101u, s2 = s1 & (s1 << 1), s4 = s2 & (s2 << 2);
    const __m512d zero = _mm512_setzero_pd();
    __m512d carry = zero;
    int64_t at = 0;
    for (int i = 0; i < 2 * NV; ++i) {
      const __m256i half = i & 1 ? _mm512_extracti64x4_epi64((__m512i)v[i / 2], 1) : _mm512_castsi512_si256((__m512i)v[i / 2]);
      const __m256i hcol = i & 1 ? _mm512_extracti64x4_epi64(col[i / 2], 1) : _mm512_castsi512_si256(col[i / 2]);
      const __m512i idx = _mm512_cvtepu32_epi64(half);
      __m512d x = _mm512_permutex2var_pd(p[0], idx, p[1]);
      for (int q = 1; q < NV; ++q) {
        const __mmask8 here = NV == 2 ? _mm512_test_epi64_mask(idx, _mm512_set1_epi64(16))
                                      : _mm512_cmpeq_epi64_mask(_mm512_and_si512(idx, _mm512_set1_epi64(48)), _mm512_set1_epi64(16 * q));
        x = _mm512_mask_blend_pd(here, x, _mm512_permutex2var_pd(p[2 * q], idx, p[2 * q + 1]));
      }
      if (same) {
        x = _mm512_mask_add_pd(x, __mmask8(s1 >> (8 * i)), x, (__m512d)_mm512_alignr_epi64((__m512i)x, (__m512i)zero, 7));
        x = _mm512_mask_add_pd(x, __mmask8(s2 >> (8 * i)), x, (__m512d)_mm512_alignr_epi64((__m512i)x, (__m512i)zero, 6));
        x = _mm512_mask_add_pd(x, __mmask8(s4 >> (8 * i)), x, (__m512d)_mm512_alignr_epi64((__m512i)x, (__m512i)zero, 4));
        const unsigned here = (same >> (8 * i)) & 255, run = (~here & (here + 1)) - 1;
        x = _mm512_mask_add_pd(x, __mmask8(run), x, carry);
        carry = _mm512_permutexvar_pd(_mm512_set1_epi64(7), x);
      }
      const unsigned end = (last >> (8 * i)) & 255;
      _mm512_storeu_pd(vals + at, _mm512_maskz_compress_pd(__mmask8(end), x));
      _mm256_storeu_si256(reinterpret_cast<__m256i *>(cols + at), _mm256_maskz_compress_epi32(__mmask8(end), hcol));
      at += __builtin_popcount(end);
    }
    return at;
  }
#endif

  template <class Key> static int64_t sort_run(Key *keys, const double *products, int64_t n, int32_t *cols, double *vals) {
    constexpr int lanes = Lanes<Key>::n;
    auto *v = reinterpret_cast<typename Lanes<Key>::V *>(keys);
    const int nv = int((n + lanes - 1) / lanes);
    for (int64_t k = n; k < nv * lanes; ++k) keys[k] = ~Key(0);
    if (nv == 1) sort_vectors<Key>(v, 1);
    else if (nv == 2) sort_vectors<Key>(v, 2);
    else sort_vectors<Key>(v, nv);
    int64_t at = -1;
    Key last = ~Key(0);
    double sum = 0;
    for (int64_t k = 0; k < n; ++k) {
      const Key c = keys[k] >> 8;
      const double x = products[keys[k] & 255];
      const uint64_t keep = -uint64_t(c == last); /* no branch: it could not be predicted */
      uint64_t bits;
      memcpy(&bits, &sum, 8), bits &= keep, memcpy(&sum, &bits, 8);
      sum += x;
      at += c != last;
      cols[at] = int32_t(c), vals[at] = sum, last = c;
    }
    return at + 1;
  }

  static int64_t merge_pair(const int32_t *c0, const double *v0, int64_t n0, const int32_t *c1, const double *v1,
                            int64_t n1, int32_t *cols, double *vals) {
    int64_t i = 0, j = 0, n = 0;
    while (i < n0 && j < n1) {
      const int32_t x = c0[i], y = c1[j];
      cols[n] = std::min(x, y);
      vals[n++] = (x <= y ? v0[i] : 0.0) + (y <= x ? v1[j] : 0.0);
      i += x <= y, j += y <= x;
    }
    for (; i < n0; ++i, ++n) cols[n] = c0[i], vals[n] = v0[i];
    for (; j < n1; ++j, ++n) cols[n] = c1[j], vals[n] = v1[j];
    return n;
  }

  /* ---- dense ---- */

  int64_t dense(const RowOfA &a, Span s, int32_t *cols, double *vals) {
    if (!sums_.reserve(s.width + 64)) return -1;
    double *sums = sums_.at - s.first;
    if (s.width <= SWEEP_MAX * a.flops) {
      scatter<0>(a, s);
      return sweep_sums(s, cols, vals);
    }
    if (!marks_.reserve(s.width + 64) || !blocks_.reserve(s.width / 64 + 64)) return -1;
    int64_t n;
    if (s.width <= 64 * a.flops) {
      scatter<1>(a, s);
      n = sweep_marks(marks_.at, 0, (s.width + 63) / 64, s.first, cols);
    } else {
      scatter<2>(a, s);
      if (!hit_.reserve(s.width / 64 + 128)) return -1;
      const int64_t hits = sweep_marks(blocks_.at, 0, (s.width / 64 + 64) / 64, 0, hit_.at);
      n = 0;
      for (int64_t h = 0; h < hits; ++h)
        n += sweep_marks(marks_.at, hit_.at[h], 1, s.first, cols + n);
    }
    for (int64_t k = 0; k < n; ++k) {
      double &sum = sums[cols[k]];
      vals[k] = sum;
      sum = 0;
    }
    return n;
  }

  template <int Maps> void scatter(const RowOfA &a, Span s) {
    double *__restrict sums = sums_.at;
    uint8_t *marks = marks_.at, *blocks = blocks_.at;
    for (int64_t k = 0; k < a.nnz; ++k) {
      const int64_t from = b_.indptr[a.cols[k]], n = b_.indptr[a.cols[k] + 1] - from;
      const int32_t *bc = b_.indices + from;
      const double *__restrict bv = b_.data + from, x = a.vals[k];
      if (Maps == 0 && b_runs_) {
        double *__restrict t = sums - s.first;
        for (int64_t j = 0; j < n;)
          if (j + 8 <= n && bc[j + 7] - bc[j] == 7) {
            for (int l = 0; l < 8; ++l) t[bc[j] + l] += x * bv[j + l];
            j += 8;
          } else {
            t[bc[j]] += x * bv[j], ++j;
          }
        continue;
      }
      for (int64_t j = 0; j < n; ++j) {
        const int64_t c = bc[j] - s.first;
        sums[c] += x * bv[j];
        if (Maps >= 1) marks[c] = 1;
        if (Maps >= 2) blocks[c >> 6] = 1;
      }
    }
  }

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

  /* Clears the marks of `count` blocks of 64 and writes first + position of each that was set. */
  static int64_t sweep_marks(uint8_t *marks, int64_t block, int64_t count, int64_t first, int32_t *out) {
    int64_t n = 0;
#ifdef ROWS_AVX512
    alignas(64) uint8_t byte[64];
    for (int i = 0; i < 64; ++i) byte[i] = uint8_t(i);
    const __m512i iota = _mm512_load_si512(byte);
    for (int64_t i = block; i < block + count; ++i) {
      const __m512i w = _mm512_load_si512(marks + 64 * i);
      const __mmask64 m = _mm512_test_epi8_mask(w, w);
      _mm512_store_si512(marks + 64 * i, _mm512_setzero_si512());
      const __m512i pos = _mm512_maskz_compress_epi8(m, iota), at = _mm512_set1_epi32(int(first + 64 * i));
      const int64_t set = __builtin_popcountll(m);
      _mm512_storeu_si512(out + n, _mm512_add_epi32(at, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(pos))));
      if (__builtin_expect(set > 16, 0)) {
        _mm512_storeu_si512(out + n + 16, _mm512_add_epi32(at, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(pos, 1))));
        _mm512_storeu_si512(out + n + 32, _mm512_add_epi32(at, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(pos, 2))));
        _mm512_storeu_si512(out + n + 48, _mm512_add_epi32(at, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(pos, 3))));
      }
      n += set;
    }
#else
    for (int64_t i = 8 * block; i < 8 * (block + count); ++i) {
      uint64_t w; /* eight marks, each 0 or 1, first in the low byte */
      memcpy(&w, marks + 8 * i, 8);
      memset(marks + 8 * i, 0, 8);
      for (; w; w &= w - 1) out[n++] = int32_t(first + 8 * i + (__builtin_ctzll(w) >> 3));
    }
#endif
    return n;
  }

  /* ---- hash ---- */

  int64_t hash(const RowOfA &a, int32_t *cols, double *vals) {
    int bits = 6;
    while ((int64_t(1) << bits) < 2 * std::min(a.flops, b_.ncols)) ++bits;
    const int64_t size = int64_t(1) << bits, mask = size - 1;
    if (!key_.reserve(size) || !value_.reserve(size) || !order_.reserve(size)) return -1;
    int64_t n = 0;
    for (int64_t k = 0; k < a.nnz; ++k) {
      const double x = a.vals[k];
      for (int64_t j = b_.indptr[a.cols[k]]; j < b_.indptr[a.cols[k] + 1]; ++j) {
        const uint32_t c = uint32_t(b_.indices[j]) + 1; /* 0 marks a free slot */
        int64_t slot = (c * 2654435769u) >> (32 - std::min(bits, 31)) & mask;
        while (key_.at[slot] != c && key_.at[slot]) slot = (slot + 1) & mask;
        if (!key_.at[slot]) key_.at[slot] = c, value_.at[slot] = 0, order_.at[n++] = uint64_t(c) << 32 | uint64_t(slot);
        value_.at[slot] += x * b_.data[j];
      }
    }
    if (sorted_) std::sort(order_.at, order_.at + n);
    for (int64_t k = 0; k < n; ++k) {
      const int64_t slot = order_.at[k] & 0xffffffff;
      cols[k] = int32_t((order_.at[k] >> 32) - 1), vals[k] = value_.at[slot], key_.at[slot] = 0;
    }
    return n;
  }

  const Csr b_;
  const bool sorted_;
  const int64_t inner_rows_; /* the leading rows of B with at least eight entries behind them */
  int b_ascends_ = -1; /* -1: not looked at yet */
  bool b_runs_ = false; /* at least three of four entries follow their left neighbour */
  Scratch<double> sums_, run_vals_, value_, tail_vals_;
  Scratch<uint8_t> marks_, blocks_, succession_;
  Scratch<int32_t> hit_, run_cols_, tail_cols_;
  Scratch<uint32_t> key_;
  Scratch<uint64_t> order_;
  Scratch<int64_t> runs_;
};

}  // namespace rows
