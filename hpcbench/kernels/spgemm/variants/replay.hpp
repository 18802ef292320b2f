/* Stencils and blocks. When a row of A has the pattern of the row before, moved by 0 or 1 columns, and the
 * rows of B it takes part of are those of the row before, moved alike, then the pattern of the result is
 * that of the row before, moved too: the values go straight to their places, eight at a time, with neither
 * search nor sort. Which result columns a row of B meets is learnt once and used as long as it holds. */
#ifndef ROWS_REPLAY_HPP
#define ROWS_REPLAY_HPP
#include "csr.hpp"
#ifdef ROWS_AVX512

namespace rows {

class Replay {
 public:
  explicit Replay(const Csr &b)
      : b_(b), inner_rows_(std::upper_bound(b.indptr + b.first + 1, b.indptr + b.nrows + 1, b.indptr[b.nrows] - 8) - (b.indptr + 1)) {}

  /* Whether rows are to be tried: all of them while it pays, else kWindow in each kRest more. */
  bool worth_trying() {
    if (rest_) return --rest_, false;
    if (tried_ == kWindow) {
      if (gain_ < 0) rest_ = kRest;
      tried_ = 0, gain_ = 0;
      if (rest_) forget();
    }
    return ++tried_;
  }

  /* Entries written, 0 when the row does not continue the one before. */
  int64_t row(const Row &a, int32_t *cols, double *vals) {
    if (a.nnz != last_.nnz || a.flops != last_.flops || n_ > kMax || a.nnz > kMax) return 0;
    return continued(a, cols, vals);
  }

  /* Tells of a row that was computed otherwise; `cols` must stay readable until the next one. */
  void note(const Row &a, const int32_t *cols, int64_t n) {
    last_ = a, cols_ = cols, n_ = n, known_ = false;
    gain_ -= kVain;
  }
  void forget() { last_.nnz = 0, known_ = false; }
  bool steady() const { return known_; }

 private:
  static constexpr int64_t kMax = 64; /* non-zeros of the row of A and entries of the result */
  static constexpr int kOther = 2, kWindow = 64, kRest = 31 * kWindow;
  static constexpr int kContinued = 4, kLearnt = 16, kVain = 1; /* worth and costs of a row, roughly */

  __attribute__((noinline)) int64_t continued(const Row &a, int32_t *cols, double *vals) {
    const int shift = continues(a);
    if (shift == kOther || !(known_ || learn())) return 0;
    gain_ += kContinued;
    for (int64_t p = 0; p < n_; p += 16) {
      const __m512i c = _mm512_add_epi32(_mm512_load_si512(shape_ + p), _mm512_set1_epi32(cols_[0] + shift));
      _mm512_storeu_si512(cols + p, c);
    }
    switch ((n_ + 7) / 8) {
      case 1: values<1>(a, vals); break;
      case 2: values<2>(a, vals); break;
      case 3: values<3>(a, vals); break;
      case 4: values<4>(a, vals); break;
      case 5: values<5>(a, vals); break;
      case 6: values<6>(a, vals); break;
      case 7: values<7>(a, vals); break;
      default: values<8>(a, vals);
    }
    last_ = a, cols_ = cols;
    return n_;
  }

  /* How far the result moves, 0 or 1; kOther when the row does not continue the one before. */
  int continues(const Row &a) {
    const int32_t step = a.cols[0] - last_.cols[0];
    if (step & ~1) return kOther;
    unsigned differ = 0;
    for (int64_t k = 0; k < a.nnz; k += 16) {
      const __mmask16 m = __mmask16(_bzhi_u32(0xffff, unsigned(a.nnz - k)));
      const __m512i now = _mm512_maskz_loadu_epi32(m, a.cols + k), old = _mm512_maskz_loadu_epi32(m, last_.cols + k);
      differ |= _mm512_mask_cmpneq_epi32_mask(m, _mm512_sub_epi32(now, _mm512_set1_epi32(step)), old);
    }
    if (differ) return kOther;
    if (!step) return 0; /* the very same rows of B */
    if (!follows_.reserve(b_.nrows)) return kOther;
    const int shift = follows(a.cols[0]);
    for (int64_t k = 0; k < a.nnz; ++k) differ |= unsigned(shift ^ follows(a.cols[k])) | (a.cols[k] >= inner_rows_);
    return differ ? kOther : shift;
  }

  /* How far row j of B is row j - 1 moved, 0 or 1, else kOther; looked at once, then remembered. */
  int follows(int32_t j) {
    uint8_t &known = follows_.at[j]; /* 0 not looked at, else the answer + 1 */
    if (!known) known = uint8_t(compare(j) + 1);
    return known - 1;
  }
  int compare(int32_t j) const {
    const int64_t from = b_.indptr[j], old = b_.indptr[j - 1], len = from - old;
    if (!len || b_.indptr[j + 1] - from != len) return kOther;
    const int32_t shift = b_.indices[from] - b_.indices[old];
    bool same = (shift & ~1) == 0;
    for (int64_t k = 0; k < len; ++k) same &= b_.indices[from + k] - b_.indices[old + k] == shift;
    return same ? shift : kOther;
  }

  /* Fills mask_, place_ and shape_ from the last row; false when a row of B does not ascend, a sum was left
   * out, or vectors read from a row of B would pass the end of B. */
  bool learn() {
    for (int64_t k = 0; k < last_.nnz; ++k) {
      const int32_t row = last_.cols[k];
      if (row >= inner_rows_) return false;
      uint8_t place[kMax] = {0};
      uint64_t mask = 0;
      int64_t p = 0;
      for (int64_t j = b_.indptr[row], end = b_.indptr[row + 1]; j < end; ++j, ++p) {
        const int32_t c = b_.indices[j];
        while (p < n_ && cols_[p] != c) ++p;
        if (p >= n_) return false;
        place[p] = uint8_t(__builtin_popcountll(mask >> (p & ~7)));
        mask |= uint64_t(1) << p;
      }
      mask_[k] = mask;
      memcpy(place_[k], place, sizeof place);
    }
    for (int64_t p = 0; p < n_; ++p) shape_[p] = cols_[p] - cols_[0];
    gain_ -= kLearnt;
    return known_ = true;
  }

  template <int NV> void values(const Row &a, double *vals) const {
    __m512d sum[NV];
    for (int i = 0; i < NV; ++i) sum[i] = _mm512_setzero_pd();
    for (int64_t k = 0; k < a.nnz; ++k) {
      const __m512d x = _mm512_set1_pd(a.vals[k]);
      const double *y = b_.data + b_.indptr[a.cols[k]];
      for (int i = 0; i < NV; ++i) {
        const unsigned m = unsigned(mask_[k] >> (8 * i)) & 255;
        const __m128i place = _mm_loadl_epi64(reinterpret_cast<const __m128i *>(place_[k][i]));
        const __m512d moved = _mm512_permutexvar_pd(_mm512_cvtepu8_epi64(place), _mm512_loadu_pd(y));
        sum[i] = _mm512_mask3_fmadd_pd(x, moved, sum[i], __mmask8(m));
        y += __builtin_popcount(m);
      }
    }
    for (int i = 0; i < NV; ++i) _mm512_storeu_pd(vals + 8 * i, sum[i]);
  }

  const Csr b_;
  const int64_t inner_rows_; /* the leading rows of B with at least eight entries behind them */
  Row last_ = {nullptr, nullptr, 0, 0};
  const int32_t *cols_ = nullptr; /* the result of the last row */
  int64_t n_ = 0;
  int tried_ = 0, gain_ = 0; /* in this window */
  int rest_ = 0;             /* rows that are not tried */
  bool known_ = false; /* whether the next three describe the last row */
  uint64_t mask_[kMax]; /* bit p of mask_[k]: the k-th row of B has an entry in result column p */
  uint8_t place_[kMax][kMax / 8][8]; /* which of its next entries, by vector and lane of the result */
  alignas(64) int32_t shape_[kMax]; /* result columns less the first */
  Scratch<uint8_t, true> follows_;
};

}  // namespace rows
#endif
#endif
