/* Conjugate gradients on S A S, S diagonal, with a preconditioner of its own. */
#ifndef SOLVE_PCG_HPP
#define SOLVE_PCG_HPP
#include <cmath>

#include "../../shared/chunks.hpp"
#include "progress.hpp"
#include "../../shared/team.hpp"

namespace solve {

using namespace sweeps;

/* q = S A S p, from all entries of a row at once. */
template <int LANES> class Whole {
 public:
  using L = Lane<LANES>;
  using Vector = typename L::Vector;

  Whole(const Csr &a, const Order &order, const std::vector<double> &diagonal, const std::vector<double> &scale)
      : diagonal_(memory::array<double>(order.places)),
        a_(a, order, order, Side::kBoth,
           [&](int64_t i, int64_t k) { return -a.data[k] * scale[size_t(i)] * scale[size_t(a.indices[k])]; }) {
    for (int64_t p = 0; p < order.places; ++p) {
      const int64_t i = order.row[size_t(p)];
      diagonal_[p] = i < 0 ? 0 : diagonal[size_t(i)] * scale[size_t(i)] * scale[size_t(i)];
    }
  }

  /* Returns this thread's part of p.q. */
  template <class Crew> double multiply(Crew &team, const double *p, double *q) {
    Vector dot = L::all(0);
    a_.sweep(team, [&](const Part &part) {
      a_.forward(part, p, [&](int64_t i) { return L::load(diagonal_.get() + i) * L::load(p + i); },
                 [&](int64_t i, Vector v) { L::store(q + i, v), dot += L::load(p + i) * v; });
    });
    return L::sum(dot);
  }

 private:
  memory::Array<double> diagonal_;
  Chunks<LANES> a_;
};

/* z = r. */
struct Identity {
  static constexpr bool kCopies = true;
  template <class Crew> double apply(Crew &, const double *, double *) { return 0; }
};

/* What the next iteration needs of the last one: its direction, and r z before it. */
struct Direction {
  std::vector<double> p;
  double rho;
};

template <int LANES> class Pcg {
 public:
  using L = Lane<LANES>;
  using Vector = typename L::Vector;

  /* `scale`: S of each row. */
  Pcg(const Order *order, const std::vector<double> &scale) : order_(order), scale_(memory::array<double>(order->places)) {
    for (auto *v : {&x_, &r_, &p_, &q_, &z_}) {
      *v = memory::array<double>(order->places + LANES);
      std::fill(v->get(), v->get() + order->places + LANES, 0.0);
    }
    for (int64_t p = 0; p < order->places; ++p) scale_[p] = order->row[size_t(p)] < 0 ? 1 : scale[size_t(order->row[size_t(p)])];
  }

  /* Add to out->x what makes the residual `natural` small, for `most` iterations at most; from a direction on where there is one. */
  template <class Crew, class Operator, class Preconditioner>
  int run(Crew team, Operator &a, Preconditioner &m, solve_out *out, const double *natural, Progress *progress, int64_t most = INT64_MAX,
          const Direction *begun = nullptr) {
    constexpr bool kCopies = Preconditioner::kCopies;
    const int64_t chunks = order_->places / LANES;
    const int64_t from = chunks * team.me / team.all * LANES, to = chunks * (team.me + 1) / team.all * LANES;
    double *x = x_.get(), *r = r_.get(), *p = p_.get(), *q = q_.get(), *z = kCopies ? r : z_.get();
    const auto at = [](const double *v, int64_t i) { return L::load(v + i); };
    for (int64_t i = from; i < to; ++i) {
      const int64_t row = order_->row[size_t(i)];
      x[i] = 0, r[i] = row < 0 ? 0 : natural[row] * scale_[i];
    }
    Vector sum = L::all(0);
    for (int64_t i = from; i < to; i += LANES) sum += at(r, i) * at(r, i);
    double rho = team.sum(L::sum(sum)), beta = 0;
    if (!kCopies) rho = m.apply(team, r, z);
    if (begun) {
      beta = rho / begun->rho;
      for (int64_t i = from; i < to; ++i)
        if (const int64_t row = order_->row[size_t(i)]; row >= 0) p[i] = begun->p[size_t(row)] / scale_[i];
    }
    int status = kGoOn;
    while (status == kGoOn) {
      if (!(rho > 0)) return std::isfinite(rho) ? SOLVE_INDEFINITE : SOLVE_BREAKDOWN;
      for (int64_t i = from; i < to; i += LANES) L::store(p + i, beta != 0 ? at(z, i) + L::all(beta) * at(p, i) : at(z, i));
      team.barrier();
      const double energy = team.sum(a.multiply(team, p, q));
      if (!(energy > 0)) return std::isfinite(energy) ? SOLVE_INDEFINITE : SOLVE_BREAKDOWN;
      const Vector alpha = L::all(rho / energy);
      Vector own = L::all(0), square = L::all(0);
      for (int64_t i = from; i < to; i += LANES) {
        const Vector v = at(r, i) - alpha * at(q, i), u = v / at(scale_.get(), i);
        L::store(x + i, at(x, i) + alpha * at(p, i)), L::store(r + i, v);
        square += v * v, own += u * u;
      }
      const auto [natural2, square2] = team.sums(L::sum(own), L::sum(square));
      const double norm = std::sqrt(natural2), last = rho;
      if (team.me == 0) status_ = progress->step(norm), rho_ = rho;
      team.barrier();
      if ((status = status_) != kGoOn || --most == 0) break;
      rho = kCopies ? square2 : m.apply(team, r, z);
      beta = rho / last;
    }
    for (int64_t i = from; i < to; ++i)
      if (const int64_t row = order_->row[size_t(i)]; row >= 0) out->x[row] += scale_[i] * x[i];
    team.barrier();
    return status;
  }
  /* Where it stopped: the system's residual and the last direction. */
  Direction halt(double *natural) const {
    Direction last{std::vector<double>(order_->place.size()), rho_};
    for (int64_t p = 0; p < order_->places; ++p)
      if (const int64_t row = order_->row[size_t(p)]; row >= 0) natural[row] = r_[p] / scale_[p], last.p[size_t(row)] = p_[p] * scale_[p];
    return last;
  }

 private:
  const Order *order_;
  memory::Array<double> scale_; /* 1 where no row is: it divides */
  memory::Array<double> x_, r_, p_, q_, z_;
  int status_ = kGoOn;
  double rho_ = 0; /* of the last direction */
};

}  // namespace solve
#endif
