/* Incomplete Cholesky without fill. */
#ifndef SOLVE_FACTOR_HPP
#define SOLVE_FACTOR_HPP
#include <algorithm>
#include <numeric>
#include <vector>

#include "../../shared/dot.hpp"
#include "held.hpp"

namespace solve {

constexpr double kLeastPivot = 1e-12; /* of the diagonal */
constexpr int64_t kMuchLonger = 32, kHubRow = 256; /* a row than another, and entries of it, so that searching in it is cheaper than reading it */
constexpr double kFirstShift = 1e-3, kLargestShift = 1e3; /* of the diagonal, where pivots are not positive without one */

/* A = (I + L) D (I + L)^T in the places of A. */
struct Factor {
  std::vector<double> pivots; /* D, of each row and of those of other ranks */
  Held lower;                 /* L, the columns of a row in an order in which they can be eliminated, of long rows in that of their places */
  std::vector<uint64_t> marks; /* a bit for each column of a row of L; one may stand for several columns */
  bool plain = true; /* L D is A's own lower triangle: no two neighbours of an unknown are neighbours */
};

/* One row, once those before it are done; false when its pivot is not positive. */
class RowFactor {
 public:
  RowFactor(const Csr &a, const Order &order, const Stretch &stretch, double shift, Factor *f)
      : a_(a), order_(order), stretch_(stretch), shift_(shift), f_(f), row_(f->pivots.size()) {}

  bool plain = true; /* so far */

  bool operator()(int64_t i) {
    const int64_t start = f_->lower.indptr[size_t(i)], end = f_->lower.indptr[size_t(i) + 1];
    int32_t *columns = f_->lower.indices.data();
    double *values = f_->lower.data.data(), pivot = order_.ascending ? copied(i, columns + start, values + start) : sorted(i, columns + start, values + start);
    const double *pivots = f_->pivots.data(), least = kLeastPivot * pivot;
    uint64_t marks = 0;
    for (int64_t k = start; k < end; ++k) {
      const int32_t j = columns[k];
      if (marks & f_->marks[size_t(j)]) {
        const double both = common(j, columns + start, columns + k);
        values[k] -= both, plain = plain && both == 0;
      }
      row_[size_t(j)] = values[k], marks |= mark(j);
    }
    pivot *= 1 + shift_;
    for (int64_t k = start; k < end; ++k) {
      const double e = values[k];
      row_[size_t(columns[k])] = 0, values[k] = e / pivots[columns[k]], pivot -= e * values[k];
    }
    f_->pivots[size_t(i)] = pivot, f_->marks[size_t(i)] = marks;
    return pivot > least && least > 0;
  }

 private:
  struct Entry {
    int32_t place, column;
    double value;
    bool operator<(const Entry &other) const { return place < other.place; }
  };

  static uint64_t mark(int32_t column) { return uint64_t(1) << (uint32_t(column) * 2654435769u >> 26); }

  /* What A has before the diagonal; returns the diagonal. */
  double copied(int64_t i, int32_t *columns, double *values) const {
    int64_t k = a_.indptr[i];
    for (const int64_t end = a_.indptr[i + 1]; k < end && a_.indices[k] < i; ++k) *columns++ = a_.indices[k], *values++ = a_.data[k];
    return k < a_.indptr[i + 1] && a_.indices[k] == i ? a_.data[k] : 0;
  }
  double sorted(int64_t i, int32_t *columns, double *values) {
    const int32_t own = order_.place[size_t(i)];
    double diagonal = 0;
    bool together = true; /* in this stretch, whose rows are taken in the order of their numbers, or from the last one on */
    before_.clear();
    for (int64_t k = a_.indptr[i]; k < a_.indptr[i + 1]; ++k) {
      const int32_t place = order_.place[size_t(a_.indices[k])];
      if (place < own) before_.push_back({place, a_.indices[k], a_.data[k]}), together = together && place >= stretch_.first;
      if (place == own) diagonal = a_.data[k];
    }
    if (!together || int64_t(before_.size()) >= kHubRow) std::sort(before_.begin(), before_.end());
    else if (stretch_.descending) std::reverse(before_.begin(), before_.end());
    for (const Entry &one : before_) *columns++ = one.column, *values++ = one.value;
    return diagonal;
  }

  /* What row j of L and this row's entries that are done have in common. */
  double common(int32_t j, const int32_t *done, const int32_t *end) const {
    const Held &l = f_->lower;
    const int64_t start = l.indptr[size_t(j)], n = l.indptr[size_t(j) + 1] - start;
    const int32_t *columns = l.indices.data() + start;
    const double *values = l.data.data() + start;
    double sum = 0;
    if (n < kHubRow || n <= kMuchLonger * (end - done)) {
      for (int64_t k = 0; k < n; ++k) sum += values[k] * row_[size_t(columns[k])];
      return sum;
    }
    const auto earlier = [&](int32_t x, int32_t y) { return order_.ascending ? x < y : order_.place[size_t(x)] < order_.place[size_t(y)]; };
    for (; done < end; ++done) { /* of a hub not all is looked at */
      const int32_t *found = std::lower_bound(columns, columns + n, *done, earlier);
      if (found < columns + n && *found == *done) sum += values[found - columns] * row_[size_t(*done)];
    }
    return sum;
  }

  const Csr &a_;
  const Order &order_;
  const Stretch &stretch_;
  double shift_;
  Factor *f_;
  std::vector<double> row_; /* this row's entries of L D that are done, else 0 */
  std::vector<Entry> before_;
};

/* Room for L; `others`: how many columns stand behind a's own. */
inline void begin(const Csr &a, const Order &order, int64_t others, Factor *f) {
  Held &l = f->lower;
  f->plain = true, l.nrows = l.ncols = a.nrows;
  f->pivots.assign(size_t(a.nrows + others), 0.0), f->marks.assign(f->pivots.size(), 0), l.indptr.assign(size_t(a.nrows) + 1, 0);
#pragma omp parallel for num_threads(int(order.threads)) if (order.threads > 1)
  for (int64_t i = 0; i < a.nrows; ++i) {
    int64_t n = 0;
    if (order.ascending)
      for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) n += a.indices[k] < i;
    else
      for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) n += order.place[size_t(a.indices[k])] < order.place[size_t(i)];
    l.indptr[size_t(i) + 1] = n;
  }
  std::partial_sum(l.indptr.begin(), l.indptr.end(), l.indptr.begin());
  l.indices.resize(size_t(l.indptr.back())), l.data.resize(l.indices.size());
}

/* The rows of one phase, threads side by side; false when a pivot is not positive. */
inline bool factorize(const Csr &a, const Order &order, int64_t phase, double shift, Factor *f) {
  bool right = true, plain = f->plain;
#pragma omp parallel for schedule(static, 1) reduction(&& : right, plain) num_threads(int(order.threads)) if (order.threads > 1)
  for (int64_t t = 0; t < order.threads; ++t) {
    const Stretch &s = order.stretch(phase, t);
    RowFactor row(a, order, s, shift, f);
    for (int64_t n = 0; right && n < a.nrows; ++n) {
      const int64_t i = s.descending ? a.nrows - 1 - n : n, place = order.place[size_t(i)];
      if (place >= s.first && place < s.last) right = row(i);
    }
    plain = plain && row.plain;
  }
  f->plain = plain;
  return right;
}

inline bool factorize(const Csr &a, const Order &order, double shift, Factor *f) {
  begin(a, order, 0, f);
  for (int64_t phase = 0; phase < order.phases(); ++phase)
    if (!factorize(a, order, phase, shift, f)) return false;
  return true;
}

/* v^T M^-1 v of what the factors make up, for signs v without a pattern. */
inline double energy(const Order &order, const Factor &f) {
  const auto sign = [](uint32_t i) { return (i * 2654435761u ^ i * 2654435761u >> 15) * 2246822519u >> 31 ? 1.0 : -1.0; };
  const Csr l = f.lower.view();
  std::vector<double> t(size_t(l.nrows));
  double sum = 0;
  for (const int32_t i : order.row) {
    if (i < 0) continue;
    const int64_t start = l.indptr[i];
    const double v = sign(uint32_t(i)) - sparse::dot(l.data + start, l.indices + start, l.indptr[i + 1] - start, t.data());
    t[size_t(i)] = v, sum += v * v / f.pivots[size_t(i)];
  }
  return sum;
}

/* With the least shift of the diagonal that makes all pivots positive, and factors that can be solved with; false when none does.
 * Twice the shift cannot make less than half of v^T (A + shift D)^-1 v: where it does so to factors, errors grow in the smaller one's. */
inline bool shifted(const Csr &a, const Order &order, Factor *f) {
  double shift = 0;
  while (!factorize(a, order, shift, f))
    if ((shift = shift > 0 ? 2 * shift : kFirstShift) > kLargestShift) return false;
  if (shift == 0) return true;
  for (double last = energy(order, *f), now; shift <= kLargestShift; last = now) {
    Factor next;
    if (!factorize(a, order, shift *= 2, &next)) break;
    now = energy(order, next);
    if (last <= 2 * now) break;
    *f = std::move(next);
  }
  return true;
}

}  // namespace solve
#endif
