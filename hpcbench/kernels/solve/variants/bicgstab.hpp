/* The stabilised method of bi-conjugate gradients. */
#ifndef SOLVE_BICGSTAB_HPP
#define SOLVE_BICGSTAB_HPP
#include "ilu0.hpp"

namespace solve {

template <int LANES> class Bicgstab {
 public:
  using L = Lane<LANES>;
  using Vector = typename L::Vector;

  Bicgstab(int64_t places, int64_t) {
    for (auto *v : {&r_, &x_, &shadow_, &p_, &v_, &t_, &z_}) {
      *v = memory::array<double>(places + LANES);
      std::fill(v->get(), v->get() + places + LANES, 0.0);
    }
  }
  double *residual() { return r_.get(); }
  double *correction() { return x_.get(); }

  /* `from`, `to`: what this thread has of every vector. */
  template <class Crew, class Operator, class Preconditioner>
  int run(Crew &team, int64_t from, int64_t to, Operator &a, Preconditioner &m, Progress *progress) {
    double *r = r_.get(), *x = x_.get(), *shadow = shadow_.get(), *p = p_.get(), *v = v_.get(), *t = t_.get(), *z = z_.get();
    const auto at = [](const double *u, int64_t i) { return L::load(u + i); };
    const auto dot = [&](const double *u, const double *w) {
      Vector sum = L::all(0);
      for (int64_t i = from; i < to; i += LANES) sum += at(u, i) * at(w, i);
      return team.sum(L::sum(sum));
    };
    for (int64_t i = from; i < to; i += LANES) L::store(shadow + i, at(r, i)), L::store(p + i, at(r, i));
    double rho = dot(r, r);
    for (;;) {
      m.apply(team, p, z), a.multiply(team, z, v);
      const double slope = dot(shadow, v);
      if (slope == 0 || !std::isfinite(slope)) return SOLVE_BREAKDOWN;
      const double alpha = rho / slope;
      for (int64_t i = from; i < to; i += LANES) L::store(x + i, at(x, i) + L::all(alpha) * at(z, i)), L::store(r + i, at(r, i) - L::all(alpha) * at(v, i));
      team.barrier();
      m.apply(team, r, z), a.multiply(team, z, t);
      Vector own = L::all(0), mixed = L::all(0);
      for (int64_t i = from; i < to; i += LANES) own += at(t, i) * at(t, i), mixed += at(t, i) * at(r, i);
      const auto [size, along] = team.sums(L::sum(own), L::sum(mixed));
      const double omega = size > 0 ? along / size : 0;
      own = mixed = L::all(0);
      for (int64_t i = from; i < to; i += LANES) {
        const Vector left = at(r, i) - L::all(omega) * at(t, i);
        L::store(x + i, at(x, i) + L::all(omega) * at(z, i)), L::store(r + i, left);
        own += left * left, mixed += at(shadow, i) * left;
      }
      const auto [square, next] = team.sums(L::sum(own), L::sum(mixed));
      if (team.me == 0) status_ = progress->step(std::sqrt(square));
      team.barrier();
      if (status_ != kGoOn) return status_;
      if (omega == 0) return SOLVE_BREAKDOWN;
      const double beta = next / rho * (alpha / omega);
      rho = next;
      for (int64_t i = from; i < to; i += LANES) L::store(p + i, at(r, i) + L::all(beta) * (at(p, i) - L::all(omega) * at(v, i)));
      team.barrier();
    }
  }

 private:
  memory::Array<double> r_, x_, shadow_, p_, v_, t_, z_;
  int status_ = kGoOn;
};

}  // namespace solve
#endif
