/* Expand, sort, add up: the products of a row are sorted by (column, position) keys in a bitonic network,
 * and equal neighbours are added. No scratch as wide as B, so this is the accumulator of few flops on a
 * wide span; the idea is Dalton, Olson, Bell (ACM TOMS 41(4), 2015), there for GPUs. Rows beyond kRun
 * products become sorted runs that are merged in pairs. */
#ifndef ROWS_MERGE_HPP
#define ROWS_MERGE_HPP
#include "csr.hpp"
#include "network.hpp"

namespace rows {

class Merge {
 public:
  explicit Merge(const Csr &b) : b_(b) {}

  /* Columns ascend. Returns the entries written, -1 when out of memory. */
  ROWS_APART int64_t row(const Row &a, int32_t *cols, double *vals) {
    if (b_.ncols >= 1 << 24) return by_key<uint64_t>(a, cols, vals); /* column and position exceed 32 bits */
#ifdef ROWS_AVX512
    if (a.flops <= 16) return in_registers<1>(a, cols, vals);
    if (a.flops <= 32) return in_registers<2>(a, cols, vals);
    if (a.flops <= 64) return in_registers<4>(a, cols, vals);
#endif
    return by_key<uint32_t>(a, cols, vals);
  }

 private:
  static constexpr int64_t kRun = 256; /* products per run: the position takes the low 8 bits of the key */

#ifdef ROWS_AVX512
  /* At most 16 NV products, from B into registers without a detour through memory: a masked load from n
   * entries before the row of B puts its entries behind the n that are there already. */
  template <int NV> int64_t in_registers(const Row &a, int32_t *cols, double *vals) const {
    const __m512i iota = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    Vector<uint32_t> keys[NV];
    __m512i c[NV];
    __m512d p[2 * NV];
    for (int i = 0; i < NV; ++i) c[i] = _mm512_set1_epi32(-1);
    for (int i = 0; i < 2 * NV; ++i) p[i] = _mm512_setzero_pd();
    int64_t n = 0;
    for (int64_t k = 0; k < a.nnz; ++k) {
      const int64_t from = b_.indptr[a.cols[k]], len = b_.indptr[a.cols[k] + 1] - from;
      const uint64_t here = NV < 4 || n < 64 ? _bzhi_u64(~uint64_t(0), unsigned(len)) << n : 0;
      const __m512d x = _mm512_set1_pd(a.vals[k]);
      for (int i = 0; i < NV; ++i)
        c[i] = _mm512_mask_loadu_epi32(c[i], __mmask16(here >> (16 * i)), b_.indices + from - n + 16 * i);
      for (int i = 0; i < 2 * NV; ++i) {
        const __mmask8 m = __mmask8(here >> (8 * i));
        p[i] = _mm512_mask_mul_pd(p[i], m, x, _mm512_maskz_loadu_pd(m, b_.data + from - n + 8 * i));
      }
      n += len;
    }
    for (int i = 0; i < NV; ++i)
      keys[i] = Vector<uint32_t>(_mm512_or_si512(
          _mm512_slli_epi32(c[i], 8), _mm512_add_epi32(iota, _mm512_set1_epi32(16 * i))));
    sort_vectors<uint32_t>(keys, NV);
    return add_up<NV>(keys, p, n, cols, vals);
  }

  /* Sums of equal columns by a segmented scan (Blelloch 1990), eight products at a time. */
  template <int NV> static __attribute__((always_inline)) int64_t
  add_up(const Vector<uint32_t> *keys, const __m512d *p, int64_t n, int32_t *cols, double *vals) {
    __m512i col[NV];
    uint64_t same = 0; /* bit k: product k has the column of product k - 1 */
    for (int i = 0; i < NV; ++i) {
      col[i] = _mm512_srli_epi32(__m512i(keys[i]), 8);
      const __m512i before = _mm512_alignr_epi32(col[i], i ? col[i - 1] : _mm512_set1_epi32(-1), 15);
      same |= uint64_t(_mm512_cmpeq_epi32_mask(col[i], before)) << (16 * i);
    }
    const uint64_t valid = _bzhi_u64(~uint64_t(0), unsigned(n));
    same &= valid;
    const uint64_t last = ~(same >> 1) & valid; /* bit k: product k is the last of its column */
    /* bit k of s1, s2, s4: product k adds the partial sum 1, 2, 4 lanes before it, within its vector */
    const uint64_t s1 = same & ~0x0101010101010101u, s2 = s1 & (s1 << 1), s4 = s2 & (s2 << 2);
    __m512d carry = _mm512_setzero_pd();
    int64_t at = 0;
    for (int i = 0; i < 2 * NV; ++i) {
      const __m512i key = __m512i(keys[i / 2]);
      const __m256i half = i % 2 ? _mm512_extracti64x4_epi64(key, 1) : _mm512_castsi512_si256(key);
      const __m512i pos = _mm512_cvtepu32_epi64(half);
      __m512d x = _mm512_permutex2var_pd(p[0], pos, p[1]);
      for (int q = 1; q < NV; ++q) {
        const __m512i source = _mm512_and_si512(pos, _mm512_set1_epi64(16 * (NV - 1)));
        const __mmask8 here = NV == 2 ? _mm512_test_epi64_mask(pos, _mm512_set1_epi64(16))
                                      : _mm512_cmpeq_epi64_mask(source, _mm512_set1_epi64(16 * q));
        x = _mm512_mask_blend_pd(here, x, _mm512_permutex2var_pd(p[2 * q], pos, p[2 * q + 1]));
      }
      if (same) {
        x = add_lanes_before<1>(x, s1 >> (8 * i));
        x = add_lanes_before<2>(x, s2 >> (8 * i));
        x = add_lanes_before<4>(x, s4 >> (8 * i));
        const unsigned here = unsigned(same >> (8 * i)) & 255, open = (~here & (here + 1)) - 1;
        x = _mm512_mask_add_pd(x, __mmask8(open), x, carry);
        carry = _mm512_permutexvar_pd(_mm512_set1_epi64(7), x);
      }
      const __mmask8 end = __mmask8(last >> (8 * i));
      _mm512_storeu_pd(vals + at, _mm512_maskz_compress_pd(end, x));
      const __m256i c = _mm256_maskz_compress_epi32(end, _mm256_srli_epi32(half, 8));
      _mm256_storeu_si256(reinterpret_cast<__m256i *>(cols + at), c);
      at += __builtin_popcount(end);
    }
    return at;
  }

  template <int D> static __m512d add_lanes_before(__m512d x, uint64_t mask) {
    const __m512i moved = _mm512_alignr_epi64(_mm512_castpd_si512(x), _mm512_setzero_si512(), 8 - D);
    return _mm512_mask_add_pd(x, __mmask8(mask), x, _mm512_castsi512_pd(moved));
  }
#endif

  template <class Key> int64_t by_key(const Row &a, int32_t *cols, double *vals) {
    alignas(64) Key keys[kRun];
    double products[kRun];
    const bool one_run = a.flops <= kRun;
    if (!one_run && !(cols_.reserve(2 * a.flops) && vals_.reserve(2 * a.flops) && ends_.reserve(a.flops / kRun + 2)))
      return -1;
    int32_t *run_cols = one_run ? cols : cols_.at;
    double *run_vals = one_run ? vals : vals_.at;
    int64_t filled = 0, runs = 0;
    Key n = 0;
    for (int64_t k = 0; k < a.nnz; ++k) {
      const double x = a.vals[k];
      for (int64_t j = b_.indptr[a.cols[k]], end = b_.indptr[a.cols[k] + 1]; j < end; ++j) {
        keys[n] = Key(b_.indices[j]) << 8 | n, products[n] = x * b_.data[j];
        if (++n < Key(kRun)) continue;
        filled += sort_run(keys, products, n, run_cols + filled, run_vals + filled);
        if (!one_run) ends_.at[runs++] = filled;
        n = 0;
      }
    }
    if (n) filled += sort_run(keys, products, n, run_cols + filled, run_vals + filled);
    if (one_run) return filled;
    if (n) ends_.at[runs++] = filled;
    return merge_runs(runs, a.flops, cols, vals);
  }

  template <class Key>
  static int64_t sort_run(Key *keys, const double *products, int64_t n, int32_t *cols, double *vals) {
    const int64_t nv = (n + Lanes<Key>::n - 1) / Lanes<Key>::n;
    for (int64_t k = n; k < nv * Lanes<Key>::n; ++k) keys[k] = ~Key(0);
    sort_vectors<Key>(reinterpret_cast<Vector<Key> *>(keys), int(nv));
    int64_t at = -1;
    Key last = ~Key(0);
    uint64_t sum = 0;
    for (int64_t k = 0; k < n; ++k) {
      const Key c = keys[k] >> 8;
      double x;
      sum &= -uint64_t(c == last); /* by mask: a branch could not be predicted */
      memcpy(&x, &sum, sizeof x);
      x += products[keys[k] & 255];
      memcpy(&sum, &x, sizeof x);
      at += c != last;
      cols[at] = int32_t(c), vals[at] = x, last = c;
    }
    return at + 1;
  }

  /* Merges the runs in pairs, to and fro between two buffers and at last into the result. */
  int64_t merge_runs(int64_t runs, int64_t half, int32_t *cols, double *vals) {
    int32_t *from_c = cols_.at, *to_c = from_c + half;
    double *from_v = vals_.at, *to_v = from_v + half;
    int64_t *ends = ends_.at;
    for (;;) {
      const bool final = runs <= 2;
      int32_t *c = final ? cols : to_c;
      double *v = final ? vals : to_v;
      int64_t start = 0, out = 0, kept = 0;
      for (int64_t r = 0; r < runs; r += 2) {
        const int64_t mid = ends[r], stop = r + 1 < runs ? ends[r + 1] : mid;
        out += merge_pair(from_c, from_v, start, mid, stop, c + out, v + out);
        start = stop, ends[kept++] = out;
      }
      if (final) return out;
      runs = kept;
      std::swap(from_c, to_c), std::swap(from_v, to_v);
    }
  }

  /* Merges entries [i, mid) and [mid, stop). */
  static int64_t merge_pair(const int32_t *c, const double *v, int64_t i, int64_t mid, int64_t stop,
                            int32_t *cols, double *vals) {
    int64_t j = mid, n = 0;
    for (; i < mid && j < stop; ++n) {
      const int32_t x = c[i], y = c[j];
      cols[n] = std::min(x, y), vals[n] = (x <= y ? v[i] : 0.0) + (y <= x ? v[j] : 0.0);
      i += x <= y, j += y <= x;
    }
    for (; i < mid; ++i, ++n) cols[n] = c[i], vals[n] = v[i];
    for (; j < stop; ++j, ++n) cols[n] = c[j], vals[n] = v[j];
    return n;
  }

  const Csr b_;
  Scratch<int32_t> cols_;
  Scratch<double> vals_;
  Scratch<int64_t> ends_;
};

}  // namespace rows
#endif
