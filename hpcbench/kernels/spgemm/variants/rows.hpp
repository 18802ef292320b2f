/* Row machinery of Gustavson's SpGEMM (ACM TOMS 4(3), 1978): rows of C = A * B, one at a time.
 *
 * The accumulator is chosen per row from its flops and its column span, after Nagasaka, Matsuoka, Azad,
 * Buluc (Parallel Computing 90, 2019) and Parger et al. (spECK, PPoPP 2020): no single one is within 2x of
 * the best on all structures. A row of one non-zero is a scaled row of B (copy below); a row that is like an
 * earlier one takes over its pattern (replay.hpp); up to four products find their places one by one (insert below); few
 * flops, or some on a wide span, are sorted (merge.hpp); what remains goes to a dense window (dense.hpp), or to a hash table
 * where that would be too wide (hash.hpp). Where all of B is narrow and its rows are long, every row but one of a pattern goes
 * to a window: that is never far from the best, and no branch has to be guessed. */
#ifndef ROWS_ROWS_HPP
#define ROWS_ROWS_HPP
#include "choice.hpp"
#include "csr.hpp"
#include "dense.hpp"
#include "hash.hpp"
#include "merge.hpp"
#include "replay.hpp"

#ifndef ACCUMULATOR /* auto, or one of dense, hash, merge for every row */
#define ACCUMULATOR auto
#endif
#ifndef REPLAY /* 0: never take over the pattern of an earlier row */
#define REPLAY 1
#endif

namespace rows {

enum Accumulator { use_auto, use_dense, use_hash, use_merge };
#define ROWS_JOIN(a, b) a##b
#define ROWS_USE(name) ROWS_JOIN(use_, name)
constexpr Accumulator kUse = ROWS_USE(ACCUMULATOR);

class Multiplier {
 public:
  /* Columns of B's rows ascend, without duplicates; unless `sorted`, those of C need not. */
  Multiplier(const Csr &b, bool sorted)
      : b_(b), narrow_(b.ncols <= kNarrow && b.indptr[b.nrows] - b.indptr[b.first] > kLimits.long_rows * (b.nrows - b.first)),
        dense_(b), hash_(b, sorted), merge_(b)
#ifdef ROWS_AVX512
        , replay_(b)
#endif
  {}

  /* Rows of A * B from `row` up to `last` into cols and vals, which hold `capacity` entries, behind the `nnz`
   * entries that a call for the rows before has put there. When `capacity` may be too small it stops before the
   * row that may not fit, unless `enough` says that all will. ends[i] becomes the end of row i. Returns the new
   * number of entries, -1 when out of memory; `row` is the next one to do. */
  int64_t multiply(const Csr &a, int64_t &row, int64_t last, int64_t *ends, int32_t *cols, double *vals,
                   int64_t capacity, int64_t nnz, bool enough) {
    /* Flops are counted a batch of A's non-zeros ahead: the random reads of B's row pointers overlap, and
     * what they point to can be prefetched. flops[k % kAhead]: up to and with non-zero k. */
    int64_t flops[kAhead];
    const int64_t stop = a.indptr[last];
    int64_t ahead = a.indptr[row], total = 0, done = 0;
    int64_t i = row;
    for (; i < last; ++i) {
      const int64_t from = a.indptr[i], to = a.indptr[i + 1];
      if (from < to) {
#ifdef ROWS_AVX512
        if (replay_.steady()) {
          const Reached at = repeat(a, {i, nnz}, last, ends, cols, vals, capacity);
          if (at.row > i) {
            if (ahead > a.indptr[at.row]) done = flops[(a.indptr[at.row] - 1) % kAhead];
            else ahead = a.indptr[at.row], total = done = 0;
            i = at.row - 1, nnz = at.nnz;
            continue;
          }
        }
#endif
        if (ahead < std::min(to + kAhead / 4, stop))
          for (const int64_t end = std::min(to + kAhead - 1, stop); ahead < end; ++ahead) {
            const int64_t at = b_.indptr[a.indices[ahead]];
            const int64_t next = b_.indptr[a.indices[ahead] + 1], last_of_row = std::max(at, next - 1);
            total += next - at;
            flops[ahead % kAhead] = total;
            __builtin_prefetch(b_.indices + at), __builtin_prefetch(b_.indices + last_of_row);
            __builtin_prefetch(b_.data + at), __builtin_prefetch(b_.data + last_of_row);
          }
        const Row part = {a.indices + from, a.data + from, to - from, flops[(to - 1) % kAhead] - done};
        done += part.flops;
        if (part.flops) {
          if (!enough && capacity - nnz < bound(part)) break;
          const int64_t got = place(part, cols + nnz, vals + nnz, capacity - nnz);
          if (got < 0) return -1;
          nnz += got;
        }
      }
      ends[i] = nnz;
    }
    row = i;
    return nnz;
  }

  /* All rows, into arrays that hold as many entries as there will be. */
  int64_t multiply(const Csr &a, int64_t *ends, int32_t *cols, double *vals, int64_t capacity) {
    int64_t row = 0;
    return multiply(a, row, a.nrows, ends, cols, vals, capacity, 0, true);
  }

 private:
  static constexpr int64_t kAhead = 128;
  static constexpr int64_t kInserted = 4;     /* flops of a row up to which each finds its place by itself */
  static constexpr int64_t kWidest = 1 << 22; /* columns of the widest dense window in auto: 40 MB */
  static constexpr int64_t kNarrow = 4096;    /* columns of a window that stays in the first-level cache */

  /* The entries that a row may write, at most. */
  int64_t bound(const Row &a) const { return std::min(a.flops, b_.ncols) + kPad; }

#ifdef ROWS_AVX512
  struct Reached {
    int64_t row, nnz;
  };

  /* Rows as long as each has the pattern of the one before. */
  __attribute__((noinline)) Reached repeat(const Csr &a, Reached at, int64_t last, int64_t *ends, int32_t *cols, double *vals,
                                           int64_t capacity) {
    for (; at.row < last && capacity - at.nnz >= Replay::kMax; ends[at.row++] = at.nnz) {
      const int64_t from = a.indptr[at.row];
      const int64_t got = replay_.again({a.indices + from, a.data + from, a.indptr[at.row + 1] - from, 0}, cols + at.nnz, vals + at.nnz);
      if (!got) break;
      at.nnz += got;
    }
    return at;
  }
#endif

  /* One row of C. Its last vectors may reach beyond it, so near the end of the arrays it takes a detour. */
  int64_t place(const Row &a, int32_t *cols, double *vals, int64_t room) {
    const bool direct = room >= bound(a);
    if (!direct && (!tail_cols_.reserve(bound(a)) || !tail_vals_.reserve(bound(a)))) return -1;
    const int64_t n = choose(a, direct ? cols : tail_cols_.at, direct ? vals : tail_vals_.at);
    if (!direct && n > 0)
      memcpy(cols, tail_cols_.at, size_t(n) * sizeof *cols), memcpy(vals, tail_vals_.at, size_t(n) * sizeof *vals);
    return n;
  }

  ROWS_APART int64_t choose(const Row &a, int32_t *cols, double *vals) {
    if (kUse == use_hash) return hash_.row(a, cols, vals);
    if (kUse == use_merge) return merge_.row(a, cols, vals);
    if (kUse == use_dense) return dense_.row(a, dense_.span(a), cols, vals);
    if (a.nnz == 1 && !narrow_) return copy(a, cols, vals);
#ifdef ROWS_AVX512
    if (REPLAY && replay_.worth_trying()) return pattern(a, cols, vals);
#endif
    if (narrow_) return dense_.row(a, dense_.span(a), cols, vals);
    if (kInserted < a.flops && a.flops <= kLimits.small_max) return merge_.row(a, cols, vals); /* as below, a call earlier */
    return accumulate(a, cols, vals);
  }

#ifdef ROWS_AVX512
  __attribute__((noinline)) int64_t pattern(const Row &a, int32_t *cols, double *vals) {
    if (const int64_t n = replay_.row(a, cols, vals)) return n;
    const int64_t n = accumulate(a, cols, vals);
    replay_.note(a, cols, n);
    return n;
  }
#endif

  /* One copy of it, which branch prediction learns. */
  ROWS_APART int64_t accumulate(const Row &a, int32_t *cols, double *vals) {
    if (narrow_) return dense_.row(a, dense_.span(a), cols, vals);
    if (a.flops <= kInserted) return insert(a, cols, vals);
    if (a.flops <= kLimits.small_max) return merge_.row(a, cols, vals);
    const Span s = dense_.span(a);
    if (a.flops <= kLimits.merge_max && s.width > kLimits.merge_width) return merge_.row(a, cols, vals);
    if (s.width > kWidest) return hash_.row(a, cols, vals);
    return dense_.row(a, s, cols, vals);
  }

  /* A few products, each to its place: vectors would fetch more of B than they use. */
  int64_t insert(const Row &a, int32_t *cols, double *vals) const {
    int64_t n = 0;
    for (int64_t k = 0; k < a.nnz; ++k)
      for (int64_t j = b_.indptr[a.cols[k]], end = b_.indptr[a.cols[k] + 1]; j < end; ++j) {
        const int32_t c = b_.indices[j];
        const double product = a.vals[k] * b_.data[j];
        int64_t at = n;
        while (at > 0 && cols[at - 1] > c) --at;
        if (at > 0 && cols[at - 1] == c) {
          vals[at - 1] += product;
          continue;
        }
        for (int64_t p = n++; p > at; --p) cols[p] = cols[p - 1], vals[p] = vals[p - 1];
        cols[at] = c, vals[at] = product;
      }
    return n;
  }

  /* The scaled row of B. */
  int64_t copy(const Row &a, int32_t *cols, double *vals) const {
    const int32_t *c = b_.indices + b_.indptr[a.cols[0]];
    const double *v = b_.data + b_.indptr[a.cols[0]], x = a.vals[0];
    const int64_t n = a.flops;
#ifdef ROWS_AVX512
    if (n >= 8) {
      const auto eight = [&](int64_t k) {
        _mm256_storeu_si256(reinterpret_cast<__m256i *>(cols + k), _mm256_loadu_si256(reinterpret_cast<const __m256i *>(c + k)));
        _mm512_storeu_pd(vals + k, _mm512_mul_pd(_mm512_set1_pd(x), _mm512_loadu_pd(v + k)));
      };
      for (int64_t k = 0; k + 8 < n; k += 8) eight(k);
      eight(n - 8);
      return n;
    }
#endif
    for (int64_t k = 0; k < n; ++k) cols[k] = c[k], vals[k] = x * v[k];
    return n;
  }

  const Csr b_;
  const bool narrow_; /* and of long rows */
  Dense dense_;
  Hash hash_;
  Merge merge_;
#ifdef ROWS_AVX512
  Replay replay_;
#endif
  Scratch<int32_t> tail_cols_;
  Scratch<double> tail_vals_;
};

}  // namespace rows
#endif
