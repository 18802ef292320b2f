/* Incomplete LU without fill, for matrices of any kind. */
#ifndef SOLVE_ILU0_HPP
#define SOLVE_ILU0_HPP
#include <cmath>

#include "method.hpp"
#include "pattern.hpp"
#include "pcg.hpp"

namespace solve {

constexpr double kTinyPivot = 1e-10; /* of the largest entry of its row, which stands in for it */

/* L and U in the places of A, row by row in the order of places; L in units of its pivots. */
class LowerUpper {
 public:
  LowerUpper(const Csr &a, const Order &order)
      : entries(size_t(a.indptr[a.nrows])), pivots(size_t(a.nrows)), starts_(size_t(a.nrows)), ends_(size_t(a.nrows)), work_(size_t(a.nrows)) {
    columns_.reserve(entries.size()), values_.reserve(entries.size());
    for (const int32_t i : order.row)
      if (i >= 0) row(a, order, i);
  }

  std::vector<double> entries, pivots;

 private:
  /* Rows before it are taken off all of `work_`: what falls outside row i's own columns is never read. */
  void row(const Csr &a, const Order &order, int64_t i) {
    const int32_t own = order.place[size_t(i)];
    double most = 0;
    before_.clear(), work_[size_t(i)] = 0;
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) {
      const int32_t j = a.indices[k], place = order.place[size_t(j)];
      work_[size_t(j)] = a.data[k], most = std::max(most, std::fabs(a.data[k]));
      if (place < own) before_.push_back({place, j});
    }
    if (!std::is_sorted(before_.begin(), before_.end())) std::sort(before_.begin(), before_.end());
    for (const auto &[place, j] : before_) {
      const double l = work_[size_t(j)] /= pivots[size_t(j)];
      for (size_t n = starts_[size_t(j)], end = ends_[size_t(j)]; n < end; ++n) work_[size_t(columns_[n])] -= l * values_[n];
    }
    starts_[size_t(i)] = columns_.size();
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) {
      const int32_t j = a.indices[k];
      entries[size_t(k)] = work_[size_t(j)];
      if (order.place[size_t(j)] > own) columns_.push_back(j), values_.push_back(work_[size_t(j)]);
    }
    ends_[size_t(i)] = columns_.size();
    const double d = work_[size_t(i)]; /* also where the diagonal has no entry */
    pivots[size_t(i)] = std::fabs(d) > kTinyPivot * most ? d : most > 0 ? most : 1;
  }

  std::vector<size_t> starts_, ends_; /* of each row's entries behind it, in the two that follow */
  std::vector<int32_t> columns_;
  std::vector<double> values_, work_;
  std::vector<std::pair<int32_t, int32_t>> before_; /* of a row: places and columns */
};

/* z = (L U)^-1 r. */
template <int LANES> class Ilu0 {
 public:
  using L = Lane<LANES>;
  using Vector = typename L::Vector;

  Ilu0(const Csr &a, const Order &order, const LowerUpper &f)
      : half_(
            a, order, [&](int64_t, int64_t k) { return f.entries[size_t(k)]; },
            [&](int64_t i, int64_t k) { return f.entries[size_t(k)] / f.pivots[size_t(i)]; }),
        inverse_(memory::array<double>(order.places + LANES)),
        y_(memory::array<double>(order.places + LANES)) {
    std::fill(y_.get(), y_.get() + order.places + LANES, 0.0), std::fill(inverse_.get(), inverse_.get() + order.places + LANES, 0.0);
    for (int64_t p = 0; p < order.places; ++p)
      if (order.row[size_t(p)] >= 0) inverse_[p] = 1 / f.pivots[size_t(order.row[size_t(p)])];
  }

  template <class Crew> void apply(Crew &team, const double *r, double *z) {
    half_.below.sweep(team, [&](const Part &part) {
      half_.below.forward(part, y_.get(), [&](int64_t i) { return L::load(r + i); }, [&](int64_t i, Vector v) { L::store(y_.get() + i, v); });
    });
    half_.above.sweep(team, [&](const Part &part) {
      half_.above.backward(part, z, [&](int64_t i) { return L::load(y_.get() + i) * L::load(inverse_.get() + i); },
                           [&](int64_t i, Vector v) { L::store(z + i, v); });
    });
  }

 private:
  Halves<LANES> half_;
  memory::Array<double> inverse_, y_;
};

/* Add to out->x what a Krylov method finds with a preconditioner from the right, so that its residual is the system's. */
template <int LANES, class Crew, class Krylov, class Operator, class Preconditioner>
int correct(Crew team, const Order &order, Krylov &krylov, Operator &a, Preconditioner &m, solve_out *out, const double *natural, Progress *progress) {
  double *r = krylov.residual(), *x = krylov.correction();
  const int64_t chunks = order.places / LANES;
  const int64_t from = chunks * team.me / team.all * LANES, to = chunks * (team.me + 1) / team.all * LANES;
  for (int64_t i = from; i < to; ++i) x[i] = 0, r[i] = order.row[size_t(i)] < 0 ? 0 : natural[order.row[size_t(i)]];
  team.barrier();
  const int status = krylov.run(team, from, to, a, m, progress);
  for (int64_t i = from; i < to; ++i)
    if (const int64_t row = order.row[size_t(i)]; row >= 0) out->x[row] += x[i];
  team.barrier();
  return status;
}

template <int LANES, class Krylov> struct General : Method {
  General(const Csr &a, Order order, int64_t restart)
      : Method(SOLVE_OK),
        order_(std::move(order)),
        a_(a, order_, diagonal_of(a), std::vector<double>(size_t(a.nrows), 1.0)),
        m_(a, order_, LowerUpper(a, order_)),
        krylov_(order_.places, restart) {}

  int iterate(const solve_in *, solve_out *out, double *natural, Progress *progress, double) override {
    return together(order_.threads, [&](auto team) { return correct<LANES>(team, order_, krylov_, a_, m_, out, natural, progress); });
  }

 private:
  Order order_;
  Whole<LANES> a_;
  Ilu0<LANES> m_;
  Krylov krylov_;
};

template <template <int> class Krylov> void *general_setup(const solve_in *in, int64_t threads, int64_t restart) {
  return made([&]() -> std::unique_ptr<Method> {
    const Csr a = matrix(in);
    const Pattern both(a);
    return in_levels(both.view(), threads, [&](Order order, auto lanes) -> std::unique_ptr<Method> {
      return std::make_unique<General<lanes, Krylov<lanes>>>(a, std::move(order), restart);
    });
  });
}

}  // namespace solve
#endif
