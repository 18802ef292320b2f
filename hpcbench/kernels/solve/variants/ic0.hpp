/* Incomplete Cholesky without fill. */
#ifndef SOLVE_IC0_HPP
#define SOLVE_IC0_HPP
#include "../../shared/dot.hpp"
#include "hubs.hpp"
#include "pcg.hpp"

namespace solve {

constexpr double kLeastPivot = 1e-12; /* of the diagonal */
constexpr int64_t kMuchLonger = 32; /* a row than another, so that searching in it is cheaper than reading it */
constexpr double kFirstShift = 1e-3, kLargestShift = 1e3; /* of the diagonal, where pivots are not positive without one */

/* A = (D + L) D^-1 (D + L)^T on the pattern of A: D, and L in the places of A's entries before and, mirrored, behind the
 * diagonal. */
struct Factor {
  std::vector<double> pivots, entries;
  std::vector<int32_t> counts, columns; /* of each row's entries before it: how many, and which, from where A's row begins */
  std::vector<double> lower;            /* and their values */
  bool plain = true; /* L is A's own lower triangle: no two neighbours of an unknown are neighbours */
};

/* The place of (j, i) for every (i, j); false where the pattern is not symmetric. */
inline bool mirror(const Csr &a, std::vector<int64_t> *found) {
  std::vector<int64_t> next(a.indptr, a.indptr + a.nrows);
  found->resize(size_t(a.indptr[a.nrows]));
  for (int64_t i = 0; i < a.nrows; ++i)
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) {
      const int64_t j = a.indices[k], at = next[size_t(j)]++;
      if (at >= a.indptr[j + 1] || a.indices[at] != i) return false;
      (*found)[size_t(k)] = at;
    }
  return true;
}

/* One row, once those before it are done; false when its pivot is not positive. */
class RowFactor {
 public:
  RowFactor(const Csr &a, const Order &order, double shift, Factor *f)
      : a_(a), order_(order), shift_(shift), f_(f), over_(f->pivots.size()) {}

  bool plain = true; /* so far */

  bool operator()(int64_t i) {
    const int64_t start = a_.indptr[i];
    double *e = f_->entries.data(), *d = f_->pivots.data(), pivot = 0;
    const int32_t own = order_.place[size_t(i)];
    before_.clear();
    int32_t *columns = f_->columns.data() + start;
    for (int64_t k = start; k < a_.indptr[i + 1]; ++k) {
      const int32_t j = a_.indices[k], place = order_.place[size_t(j)];
      if (place == own) pivot = a_.data[k];
      if (place >= own) continue;
      columns[before_.size()] = j, before_.push_back({place, int32_t(before_.size()), k});
    }
    f_->counts[size_t(i)] = int32_t(before_.size());
    const double least = kLeastPivot * pivot;
    pivot *= 1 + shift_;
    if (!order_.ascending) std::sort(before_.begin(), before_.end());
    for (const Entry &one : before_) {
      const int32_t j = a_.indices[one.k];
      if (j < a_.nrows) { /* else another rank's row, which is not known here */
        const double both = common(j, &one);
        e[one.k] -= both, plain = plain && both == 0;
      }
      f_->lower[size_t(start + one.at)] = e[one.k], over_[size_t(j)] = e[one.k] / d[j];
      pivot -= e[one.k] * over_[size_t(j)];
    }
    for (const Entry &one : before_) over_[size_t(a_.indices[one.k])] = 0;
    d[i] = pivot;
    return pivot > least && least > 0;
  }

 private:
  struct Entry {
    int32_t place, at; /* of its column in the order, and of it among those before the row */
    int64_t k;
    bool operator<(const Entry &other) const { return place < other.place; }
  };

  /* What row j and this row's entries up to `end`, which are done, have in common. */
  double common(int32_t j, const Entry *end) const {
    const int64_t start = a_.indptr[j], n = f_->counts[size_t(j)];
    const int32_t *row = f_->columns.data() + start;
    const double *values = f_->lower.data() + start;
    if (n <= kMuchLonger * int64_t(before_.size())) return sparse::dot(values, row, n, over_.data());
    double sum = 0; /* of a hub not all is looked at */
    for (const Entry *earlier = before_.data(); earlier < end; ++earlier) {
      const int32_t column = a_.indices[earlier->k], *found = std::lower_bound(row, row + n, column);
      if (found < row + n && *found == column) sum += values[found - row] * over_[size_t(column)];
    }
    return sum;
  }

  const Csr &a_;
  const Order &order_;
  double shift_;
  Factor *f_;
  std::vector<double> over_; /* this row's entries that are done over the pivots of their columns, else 0 */
  std::vector<Entry> before_;
};

/* `others`: how many columns stand behind a's own. */
inline void begin(const Csr &a, int64_t others, Factor *f) {
  f->plain = true;
  f->entries.assign(a.data, a.data + a.indptr[a.nrows]), f->pivots.assign(size_t(a.nrows + others), 0.0);
  f->counts.resize(size_t(a.nrows)), f->columns.resize(f->entries.size()), f->lower.resize(f->entries.size());
}

/* The rows of one phase, threads side by side; false when a pivot is not positive. */
inline bool factorize(const Csr &a, const Order &order, int64_t phase, double shift, Factor *f) {
  bool right = true, plain = f->plain;
#pragma omp parallel for schedule(static, 1) reduction(&& : right, plain) num_threads(int(order.threads)) if (order.threads > 1)
  for (int64_t t = 0; t < order.threads; ++t) {
    const Stretch &s = order.stretch(phase, t);
    RowFactor row(a, order, shift, f);
    for (int64_t p = s.first; p < s.last; ++p)
      if (order.row[size_t(p)] >= 0) right = row(order.row[size_t(p)]) && right;
    plain = plain && row.plain;
  }
  f->plain = plain;
  return right;
}

inline bool factorize(const Csr &a, const Order &order, double shift, Factor *f) {
  begin(a, 0, f);
  for (int64_t phase = 0; phase < order.phases(); ++phase)
    if (!factorize(a, order, phase, shift, f)) return false;
  return true;
}

/* v^T M^-1 v of what the factors make up, for signs v without a pattern. */
inline double energy(const Csr &a, const Order &order, const Factor &f) {
  const auto sign = [](uint32_t i) { return (i * 2654435761u ^ i * 2654435761u >> 15) * 2246822519u >> 31 ? 1.0 : -1.0; };
  std::vector<double> t(size_t(a.nrows));
  double sum = 0;
  for (const int32_t i : order.row) {
    if (i < 0) continue;
    const int64_t start = a.indptr[i];
    const double v = sign(uint32_t(i)) - sparse::dot(f.lower.data() + start, f.columns.data() + start, f.counts[size_t(i)], t.data());
    t[size_t(i)] = v / f.pivots[size_t(i)], sum += v * t[size_t(i)];
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
  for (double last = energy(a, order, *f), now; shift <= kLargestShift; last = now) {
    Factor next;
    if (!factorize(a, order, shift *= 2, &next)) break;
    now = energy(a, order, next);
    if (last <= 2 * now) break;
    *f = std::move(next);
  }
  return true;
}

/* z = ((I + L) (I + L)^T)^-1 r, L in units of the pivots' roots and in single precision: half as much to read, and as symmetric. */
template <int LANES> class Triangles {
 public:
  using L = Lane<LANES>;
  using Vector = typename L::Vector;
  static constexpr bool kCopies = false;

  Triangles(const Csr &a, const Order &order, const Factor &f, const std::vector<double> &scale, const std::vector<int64_t> &mirrored)
      : half_(
            a, order, [&](int64_t i, int64_t k) { return f.entries[size_t(k)] * scale[size_t(i)] * scale[size_t(a.indices[k])]; },
            [&](int64_t i, int64_t k) { return f.entries[size_t(mirrored[size_t(k)])] * scale[size_t(i)] * scale[size_t(a.indices[k])]; }),
        y_(memory::array<double>(order.places + LANES)) {
    std::fill(y_.get(), y_.get() + order.places + LANES, 0.0);
  }

  /* Also r z. */
  template <class Crew> double apply(Crew &team, const double *r, double *z) {
    double *y = y_.get();
    team.barrier();
    half_.below.sweep(team, [&](const auto &part) {
      half_.below.forward(part, y, [&](int64_t i) { return L::load(r + i); }, [&](int64_t i, Vector v) { L::store(y + i, v); });
    });
    Vector dot = L::all(0);
    half_.above.sweep(team, [&](const auto &part) {
      half_.above.backward(part, z, [&](int64_t i) { return L::load(y + i); }, [&](int64_t i, Vector v) { L::store(z + i, v), dot += v * L::load(r + i); });
    });
    return team.sum(L::sum(dot));
  }

 private:
  Halves<LANES, float> half_;
  memory::Array<double> y_;
};

/* With triangles that are not A's own. */
template <int LANES> struct Factored : Method {
  Factored(const Csr &a, Order order, const std::vector<double> &diagonal, const Factor &f, const std::vector<double> &scale,
           const std::vector<int64_t> &mirrored)
      : Method(SOLVE_OK),
        threads_(order.threads),
        order_(std::move(order)),
        a_(a, order_, diagonal, scale),
        triangles_(a, order_, f, scale, mirrored),
        cg_(&order_, scale) {}

  int iterate(const solve_in *, solve_out *out, double *r, Progress *progress, double) override {
    return together(threads_, [&](auto team) { return cg_.run(team, a_, triangles_, out, r, progress); });
  }

 private:
  int64_t threads_;
  Order order_;
  Whole<LANES> a_;
  Triangles<LANES> triangles_;
  Pcg<LANES> cg_;
};

template <int LANES> std::unique_ptr<Method> ic0(const Csr &a, Order order, const std::vector<double> &diagonal) {
  Factor f;
  if (!shifted(a, order, &f)) return std::make_unique<Refused>(SOLVE_INDEFINITE);
  const auto scale = inverse_roots(f.pivots);
  if (f.plain) return std::make_unique<Split<LANES>>(a, std::move(order), diagonal, scale);
  std::vector<int64_t> mirrored;
  if (!mirror(a, &mirrored)) return std::make_unique<Refused>(SOLVE_INDEFINITE);
  return std::make_unique<Factored<LANES>>(a, std::move(order), diagonal, f, scale, mirrored);
}

inline void *ic0_setup(const solve_in *in, int64_t threads) {
  return made([&]() -> std::unique_ptr<Method> {
    std::vector<double> d;
    if (const int status = diagonal(in, &d)) return std::make_unique<Refused>(status);
    return with_hubs_last(matrix(in), d, threads, [](const Csr &a, const std::vector<double> &own, Order order, auto lanes) {
      return ic0<lanes>(a, std::move(order), own);
    });
  });
}

}  // namespace solve
#endif
