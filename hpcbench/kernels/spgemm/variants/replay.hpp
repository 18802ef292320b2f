/* Stencils and blocks. A row of A that has the pattern of an earlier one, moved, and takes part of rows of B that have the
 * patterns of the earlier one's, moved alike, has the earlier result's pattern, moved too: the values go straight to their
 * places, eight at a time, with neither search nor sort. A few patterns of results are kept, so that the ends of a line of a
 * grid are found again in the next line. Which result columns a row of B meets is learnt when a pattern comes back. */
#ifndef ROWS_REPLAY_HPP
#define ROWS_REPLAY_HPP
#include "csr.hpp"
#ifdef ROWS_AVX512

namespace rows {

/* Numbers for the patterns of rows of B, columns counted from the row's number: rows of one number have one pattern. */
class Patterns {
 public:
  explicit Patterns(const Csr &b) : b_(b) {}
  bool reserve() { return ids_.reserve(b_.nrows); }

  /* The number of row j; looked at once, then remembered. */
  int32_t of(int32_t j) {
    int32_t &id = ids_.at[j];
    return id ? id : id = look(j);
  }

 private:
  static constexpr int64_t kKept = 256;
  __attribute__((noinline)) int32_t look(int32_t j) {
    const int64_t from = b_.indptr[j], len = b_.indptr[j + 1] - from;
    if (len > kMost) return ++last_;
    if (j > b_.first && ids_.at[j - 1] && same(j, j - 1, len)) return ids_.at[j - 1];
    uint64_t hash = uint64_t(len);
    for (int64_t k = 0; k < len; k += len / 4 + 1) hash = (hash ^ uint32_t(b_.indices[from + k] - j)) * 0x9e3779b97f4a7c15u;
    Kept &kept = kept_[hash >> 56];
    if (!kept.id || !same(j, kept.row, len)) kept = {j, ++last_};
    return kept.id;
  }
  bool same(int32_t i, int32_t j, int64_t len) const {
    const int32_t *p = b_.indices + b_.indptr[i], *q = b_.indices + b_.indptr[j];
    if (b_.indptr[j + 1] - b_.indptr[j] != len) return false;
    const __m512i shift = _mm512_set1_epi32(i - j);
    unsigned differ = 0;
    for (int64_t k = 0; k < len; k += 16) {
      const __mmask16 m = __mmask16(_bzhi_u32(0xffff, unsigned(len - k)));
      const __m512i x = _mm512_maskz_loadu_epi32(m, p + k), y = _mm512_maskz_loadu_epi32(m, q + k);
      differ |= _mm512_mask_cmpneq_epi32_mask(m, _mm512_sub_epi32(x, y), shift);
    }
    return !differ;
  }

  struct Kept {
    int32_t row, id;
  };
  static constexpr int64_t kMost = 64; /* entries of a row that is looked at */
  const Csr b_;
  int32_t last_ = 0;
  Kept kept_[kKept] = {};
  Scratch<int32_t, true> ids_; /* 0 where not looked at */
};

class Replay {
 public:
  static constexpr int64_t kMax = 64; /* non-zeros of a row of A that is tried, and entries written */

  explicit Replay(const Csr &b)
      : b_(b), patterns_(b),
        inner_rows_(int32_t(std::upper_bound(b.indptr + b.first + 1, b.indptr + b.nrows + 1, b.indptr[b.nrows] - 8) -
                            (b.indptr + 1))),
        rest_(b.nrows - b.first < kFew ? INT32_MAX : 0) {}

  /* Whether rows are to be tried: all of them while it pays, else kWindow, and then ever more not. */
  bool worth_trying() {
    if (rest_) return --rest_, false;
    if (tried_ == kWindow) {
      if (gain_ < 0) rest_ = next_rest_, next_rest_ = std::min(2 * next_rest_, kLongest), steady_ = false;
      else next_rest_ = kRest;
      tried_ = 0, gain_ = 0;
    }
    return ++tried_;
  }

  /* Entries written, 0 when the row does not have the pattern of the one before. Its flops need not be known. */
  int64_t again(const Row &a, int32_t *cols, double *vals) {
    return (keys_[at_] & 255) == a.nnz ? replay(a, cols, vals) : 0;
  }
  /* Whether the row before was one of a pattern. */
  bool steady() const { return steady_; }

  /* Entries written, 0 when the row has no pattern that is kept. */
  int64_t row(const Row &a, int32_t *cols, double *vals) {
    steady_ = found_ = false;
    unsigned like = _mm512_cmpeq_epi64_mask(_mm512_load_si512(keys_), _mm512_set1_epi64(key(a)));
    for (; like && a.nnz <= kMax; like &= like - 1) {
      at_ = __builtin_ctz(like);
      if (const int64_t n = replay(a, cols, vals)) return n;
      if (found_) return 0;
    }
    return 0;
  }

  /* Tells of a row that was computed otherwise: of a new one its columns of A are kept, of one that has come back
   * the pattern of the result as well. */
  void note(const Row &a, const int32_t *cols, int64_t n) {
    gain_ -= kVain;
    if (a.nnz > kMax || n > kMax) return;
    if (found_ && patterns_.reserve()) {
      Template &t = kept_[at_];
      t.state = shaped, t.n = n;
      for (int64_t k = 0; k < a.nnz; ++k) t.patterns[k] = patterns_.of(a.cols[k]);
      for (int64_t p = 0; p < n; ++p) t.shape[p] = cols[p] - a.cols[0];
      return;
    }
    at_ = next_, next_ = (next_ + 1) % kKept;
    Template &t = kept_[at_];
    keys_[at_] = key(a), t.state = seen;
    for (int64_t k = 0; k < a.nnz; k += 16) {
      const __m512i cols_of_a = _mm512_maskz_loadu_epi32(__mmask16(_bzhi_u32(0xffff, unsigned(a.nnz - k))), a.cols + k);
      _mm512_store_si512(t.cols + k, _mm512_sub_epi32(cols_of_a, _mm512_set1_epi32(a.cols[0])));
    }
  }

 private:
  static constexpr int kFew = 64; /* rows of B below which no pattern would come back often enough */
  static constexpr int kKept = 8, kWindow = 16, kRest = 31 * kWindow, kLongest = 16 * kRest;
  static constexpr int kContinued = 4, kLearnt = 16, kVain = 1; /* worth and costs of a row, roughly */

  static int64_t key(const Row &a) { return a.flops << 8 | a.nnz; }

  enum State { seen, shaped, learnt };
  struct Template {
    int64_t n;
    State state;             /* seen: only cols is filled in; learnt: mask and place are, too */
    int32_t patterns[kMax];  /* of the rows of B */
    alignas(64) int32_t cols[kMax], shape[kMax]; /* columns of A and of the result less the first of A */
    uint64_t mask[kMax];     /* bit p of mask[k]: the k-th row of B has an entry in result column p */
    uint8_t place[kMax][kMax / 8][8]; /* which of its next entries, by vector and lane of the result */
  };

  /* Whether the columns of A are the pattern's, moved, and none is of a row of B too near its end. */
  bool alike(const Row &a, const Template &t) const {
    const __m512i first = _mm512_set1_epi32(a.cols[0]), inner = _mm512_set1_epi32(inner_rows_);
    unsigned differ = 0;
    for (int64_t k = 0; k < a.nnz; k += 16) {
      const __mmask16 m = __mmask16(_bzhi_u32(0xffff, unsigned(a.nnz - k)));
      const __m512i now = _mm512_maskz_loadu_epi32(m, a.cols + k);
      differ |= _mm512_mask_cmpneq_epi32_mask(m, _mm512_sub_epi32(now, first), _mm512_load_si512(t.cols + k));
      differ |= _mm512_mask_cmpge_epi32_mask(m, now, inner);
    }
    return !differ;
  }
  bool same_rows(const Row &a, const Template &t) {
    int32_t differ = 0;
    for (int64_t k = 0; k < a.nnz; ++k) differ |= patterns_.of(a.cols[k]) ^ t.patterns[k];
    return !differ;
  }

  /* As pattern at_, if the row has it. */
  __attribute__((noinline)) int64_t replay(const Row &a, int32_t *cols, double *vals) {
    Template &t = kept_[at_];
    if (!alike(a, t)) return 0;
    if (t.state == seen) return found_ = true, 0;
    if (!same_rows(a, t) || (t.state == shaped && !learn(a, &t))) return 0;
    gain_ += kContinued, steady_ = true;
    const __m512i first = _mm512_set1_epi32(a.cols[0]);
    for (int64_t p = 0; p < t.n; p += 16)
      _mm512_storeu_si512(cols + p, _mm512_add_epi32(_mm512_load_si512(t.shape + p), first));
    switch ((t.n + 7) / 8) {
      case 1: values<1>(a, t, vals); break;
      case 2: values<2>(a, t, vals); break;
      case 3: values<3>(a, t, vals); break;
      case 4: values<4>(a, t, vals); break;
      case 5: values<5>(a, t, vals); break;
      case 6: values<6>(a, t, vals); break;
      case 7: values<7>(a, t, vals); break;
      default: values<8>(a, t, vals);
    }
    return t.n;
  }

  /* Fills mask and place from a row of the same pattern; false when a row of B does not ascend or a sum was left out. */
  bool learn(const Row &a, Template *t) {
    for (int64_t k = 0; k < a.nnz; ++k) {
      uint8_t place[kMax] = {0};
      uint64_t mask = 0;
      int64_t p = 0;
      for (int64_t j = b_.indptr[a.cols[k]], end = b_.indptr[a.cols[k] + 1]; j < end; ++j, ++p) {
        const int32_t c = b_.indices[j] - a.cols[0];
        while (p < t->n && t->shape[p] != c) ++p;
        if (p >= t->n) return keys_[at_] = 0, false;
        place[p] = uint8_t(__builtin_popcountll(mask >> (p & ~7)));
        mask |= uint64_t(1) << p;
      }
      t->mask[k] = mask;
      memcpy(t->place[k], place, sizeof place);
    }
    gain_ -= kLearnt;
    t->state = learnt;
    return true;
  }

  template <int NV> void values(const Row &a, const Template &t, double *vals) const {
    __m512d sum[NV];
    for (int i = 0; i < NV; ++i) sum[i] = _mm512_setzero_pd();
    for (int64_t k = 0; k < a.nnz; ++k) {
      const __m512d x = _mm512_set1_pd(a.vals[k]);
      const double *y = b_.data + b_.indptr[a.cols[k]];
      for (int i = 0; i < NV; ++i) {
        const unsigned m = unsigned(t.mask[k] >> (8 * i)) & 255;
        if (!m) continue;
        const __m128i place = _mm_loadl_epi64(reinterpret_cast<const __m128i *>(t.place[k][i]));
        const __m512d moved = _mm512_permutexvar_pd(_mm512_cvtepu8_epi64(place), _mm512_loadu_pd(y));
        sum[i] = _mm512_mask3_fmadd_pd(x, moved, sum[i], __mmask8(m));
        y += __builtin_popcount(m);
      }
    }
    for (int i = 0; i < NV; ++i) _mm512_storeu_pd(vals + 8 * i, sum[i]);
  }

  const Csr b_;
  Patterns patterns_;
  const int32_t inner_rows_; /* the leading rows of B with at least eight entries behind them */
  int at_ = 0, next_ = 0;    /* the pattern that matched last, and the one that gives way next */
  int tried_ = 0;
  int64_t gain_ = 0; /* in this window */
  int rest_;                 /* rows that are not tried */
  int next_rest_ = kRest;    /* and how many the next time */
  bool steady_ = false;      /* the row before was one of a pattern */
  bool found_ = false;       /* the row in work has the columns of pattern at_, seen once */
  alignas(64) int64_t keys_[kKept] = {}; /* non-zeros and flops of the patterns, 0 for none */
  Template kept_[kKept];
};

}  // namespace rows
#endif
#endif
