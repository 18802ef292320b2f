/* Jacobi's method. */
#ifndef SOLVE_JACOBI_HPP
#define SOLVE_JACOBI_HPP
#include "method.hpp"
#include "pcg.hpp"

namespace solve {

/* Of a diagonal that may be negative, the roots that make each entry 1 or -1. */
inline std::vector<double> inverse_root_sizes(std::vector<double> d) {
  for (double &one : d) one = std::fabs(one);
  return inverse_roots(std::move(d));
}

/* x' = x + omega D^-1 r and with it r' = r - omega A D^-1 r, in unknowns scaled so that D has no entries but 1 and -1. */
template <int LANES> class Relaxation {
 public:
  using L = Lane<LANES>;
  using Vector = typename L::Vector;

  /* `d`: the diagonal; `scale`: the roots. */
  Relaxation(const Order *order, const std::vector<double> &d, const std::vector<double> &scale, double omega) : order_(order) {
    for (auto *v : {&x_, &r_, &p_, &q_, &scale_, &sign_}) {
      *v = memory::array<double>(order->places + LANES);
      std::fill(v->get(), v->get() + order->places + LANES, v == &scale_ ? 1.0 : 0.0);
    }
    for (int64_t p = 0; p < order->places; ++p)
      if (const int64_t row = order->row[size_t(p)]; row >= 0) scale_[p] = scale[size_t(row)], sign_[p] = std::copysign(omega, d[size_t(row)]);
  }

  /* Add to out->x what makes the residual `natural` small. */
  template <class Crew, class Operator> int run(Crew team, Operator &a, solve_out *out, const double *natural, Progress *progress) {
    const int64_t chunks = order_->places / LANES;
    const int64_t from = chunks * team.me / team.all * LANES, to = chunks * (team.me + 1) / team.all * LANES;
    double *x = x_.get(), *r = r_.get(), *p = p_.get(), *q = q_.get();
    for (int64_t i = from; i < to; ++i) {
      const int64_t row = order_->row[size_t(i)];
      x[i] = 0, r[i] = row < 0 ? 0 : natural[row] * scale_[i], p[i] = sign_[i] * r[i];
    }
    team.barrier();
    int status = kGoOn;
    while (status == kGoOn) {
      a.multiply(team, p, q);
      Vector sum = L::all(0);
      for (int64_t i = from; i < to; i += LANES) {
        const Vector v = L::load(r + i) - L::load(q + i), own = v / L::load(scale_.get() + i);
        L::store(x + i, L::load(x + i) + L::load(p + i)), L::store(r + i, v), L::store(p + i, L::load(sign_.get() + i) * v);
        sum += own * own;
      }
      const double norm = std::sqrt(team.sum(L::sum(sum)));
      if (team.me == 0) status_ = progress->step(norm);
      team.barrier();
      status = status_;
    }
    for (int64_t i = from; i < to; ++i)
      if (const int64_t row = order_->row[size_t(i)]; row >= 0) out->x[row] += scale_[i] * x[i];
    team.barrier();
    return status;
  }

 private:
  const Order *order_;
  memory::Array<double> scale_, sign_; /* omega with the sign of the diagonal */
  memory::Array<double> x_, r_, p_, q_;
  int status_ = kGoOn;
};

struct Jacobi : Method {
  Jacobi(const Csr &a, const std::vector<double> &d, const std::vector<double> &scale, double omega, int64_t threads)
      : Method(SOLVE_OK), order_(natural(a, 8, threads)), a_(a, order_, d, scale), method_(&order_, d, scale, omega) {}
  int iterate(const solve_in *, solve_out *out, double *r, Progress *progress, double) override {
    return together(order_.threads, [&](auto team) { return method_.run(team, a_, out, r, progress); });
  }

 private:
  Order order_;
  Whole<8> a_;
  Relaxation<8> method_;
};

}  // namespace solve
#endif
