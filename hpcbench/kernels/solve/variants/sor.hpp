/* Successive over-relaxation. */
#ifndef SOLVE_SOR_HPP
#define SOLVE_SOR_HPP
#include "method.hpp"

namespace solve {

inline auto by_row(const Csr &a, const std::vector<double> &d) {
  return [&a, &d](int64_t i, int64_t k) { return a.data[k] / d[size_t(i)]; };
}

/* Sweeps x' = (1 - omega) x + omega D^-1 (b - L x' - U x), L and U as the order of rows has it. An iteration reads the matrix once: on its way
 * forward it keeps x' + L x', to which U x' on its way back adds all that the residual lacks, and the next sweep needs b - U x' as well. */
template <int LANES> struct Sor : Method {
  using L = Lane<LANES>;
  using Vector = typename L::Vector;

  /* `d`: the diagonal, in units of which all rows are. */
  Sor(const Csr &a, Order order, const std::vector<double> &d, double omega)
      : Method(SOLVE_OK), omega_(omega), order_(std::move(order)), half_(a, order_, by_row(a, d), by_row(a, d)) {
    for (auto *v : {&x_, &y_, &b_, &d_}) {
      *v = memory::array<double>(order_.places + LANES);
      std::fill(v->get(), v->get() + order_.places + LANES, 0.0);
    }
    for (int64_t p = 0; p < order_.places; ++p)
      if (order_.row[size_t(p)] >= 0) d_[p] = d[size_t(order_.row[size_t(p)])];
  }

  int iterate(const solve_in *, solve_out *out, double *natural, Progress *progress, double) override {
    begin(natural);
    const int why = together(order_.threads, [&](auto team) { return sweep(team, progress); });
    end(out);
    return why;
  }

 protected:
  const Order &order() const { return order_; }
  void begin(const double *natural) {
    double *x = x_.get(), *y = y_.get(), *b = b_.get();
    for (int64_t p = 0; p < order_.places; ++p) {
      const int64_t row = order_.row[size_t(p)];
      x[p] = 0, y[p] = b[p] = row < 0 ? 0 : natural[row] / d_[p];
    }
  }
  template <class Crew> int sweep(Crew &team, Progress *progress) {
    double *x = x_.get(), *y = y_.get(), *b = b_.get();
    const Vector omega = L::all(omega_), rest = L::all(1 - omega_);
    int status = kGoOn;
    while (status == kGoOn) {
      in_turn(team, half_.below, true, x, [&](const Part &part) {
        half_.below.forward(part, x, [&](int64_t i) { return L::load(y + i); },
                            [&](int64_t i, Vector v) {
                              const Vector next = omega * v + rest * L::load(x + i);
                              L::store(x + i, next), L::store(y + i, next + (L::load(y + i) - v));
                            });
      });
      team.refresh(false, x);
      Vector sum = L::all(0);
      half_.above.sweep(team, [&](const Part &part) {
        half_.above.backward(part, x, [&](int64_t i) { return L::load(b + i); },
                             [&](int64_t i, Vector v) {
                               const Vector r = (v - L::load(y + i)) * L::load(d_.get() + i);
                               L::store(y + i, v), sum += r * r;
                             });
      });
      const double norm = std::sqrt(team.sum(L::sum(sum)));
      if (team.me == 0) status_ = progress->step(norm);
      team.barrier();
      status = status_;
    }
    return status;
  }
  void end(solve_out *out) const {
    for (int64_t p = 0; p < order_.places; ++p)
      if (const int64_t row = order_.row[size_t(p)]; row >= 0) out->x[row] += x_[p];
  }

 private:
  double omega_;
  int status_ = kGoOn;
  Order order_;
  Halves<LANES> half_;
  memory::Array<double> x_, y_, b_, d_;
};

}  // namespace solve
#endif
