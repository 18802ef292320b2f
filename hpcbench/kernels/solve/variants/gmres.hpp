/* Restarted GMRES. */
#ifndef SOLVE_GMRES_HPP
#define SOLVE_GMRES_HPP
#include "ilu0.hpp"

namespace solve {

template <int LANES> class Gmres {
 public:
  using L = Lane<LANES>;
  using Vector = typename L::Vector;

  Gmres(int64_t places, int64_t restart) : places_(places), most_(restart) {
    for (int64_t j = 0; j <= most_; ++j) basis_.push_back(zeros());
    r_ = zeros(), x_ = zeros(), z_ = zeros(), w_ = zeros();
  }
  double *residual() { return r_.get(); }
  double *correction() { return x_.get(); }

  /* `from`, `to`: what this thread has of every vector. */
  template <class Crew, class Operator, class Preconditioner>
  int run(Crew &team, int64_t from, int64_t to, Operator &a, Preconditioner &m, Progress *progress) {
    const size_t n = size_t(most_);
    std::vector<double> h((n + 1) * n), c(n), s(n), g(n + 1);
    const auto dot = [&](const double *u, const double *v) {
      Vector sum = L::all(0);
      for (int64_t i = from; i < to; i += LANES) sum += L::load(u + i) * L::load(v + i);
      return team.sum(L::sum(sum));
    };
    const auto add = [&](double *u, double by, const double *v) {
      for (int64_t i = from; i < to; i += LANES) L::store(u + i, L::load(u + i) + L::all(by) * L::load(v + i));
    };
    const auto scaled = [&](double *u, double by, const double *v) {
      for (int64_t i = from; i < to; i += LANES) L::store(u + i, L::all(by) * L::load(v + i));
    };
    for (;;) {
      double *w = w_.get(), *z = z_.get();
      g[0] = std::sqrt(dot(r_.get(), r_.get()));
      if (!(g[0] > 0)) return SOLVE_BREAKDOWN;
      scaled(basis_[0].get(), 1 / g[0], r_.get());
      int status = kGoOn;
      size_t j = 0;
      for (; j < n && status == kGoOn; ++j) {
        team.barrier();
        m.apply(team, basis_[j].get(), z);
        a.multiply(team, z, w);
        double *column = h.data() + j * (n + 1);
        for (size_t i = 0; i <= j; ++i) column[i] = dot(w, basis_[i].get()), add(w, -column[i], basis_[i].get());
        const double rest = std::sqrt(dot(w, w));
        if (rest > 0) scaled(basis_[j + 1].get(), 1 / rest, w);
        for (size_t i = 0; i < j; ++i) {
          const double upper = column[i];
          column[i] = c[i] * upper + s[i] * column[i + 1], column[i + 1] = c[i] * column[i + 1] - s[i] * upper;
        }
        const double size = std::hypot(column[j], rest);
        if (!(size > 0)) return SOLVE_BREAKDOWN;
        c[j] = column[j] / size, s[j] = rest / size, column[j] = size;
        g[j + 1] = -s[j] * g[j], g[j] *= c[j];
        status = shared(team, progress, std::fabs(g[j + 1]));
      }
      for (size_t i = j; i-- > 0;) {
        for (size_t k = i + 1; k < j; ++k) g[i] -= h[k * (n + 1) + i] * g[k];
        g[i] /= h[i * (n + 1) + i];
      }
      scaled(w, 0, r_.get());
      for (size_t i = 0; i < j; ++i) add(w, g[i], basis_[i].get());
      team.barrier();
      m.apply(team, w, z);
      a.multiply(team, z, w);
      add(x_.get(), 1, z), add(r_.get(), -1, w);
      team.barrier();
      if (status != kGoOn) return status;
    }
  }

 private:
  template <class Crew> int shared(Crew &team, Progress *progress, double norm) {
    if (team.me == 0) status_ = progress->step(norm);
    team.barrier();
    return status_;
  }
  memory::Array<double> zeros() const {
    auto made = memory::array<double>(places_ + LANES);
    std::fill(made.get(), made.get() + places_ + LANES, 0.0);
    return made;
  }

  int64_t places_, most_;
  std::vector<memory::Array<double>> basis_;
  memory::Array<double> r_, x_, z_, w_;
  int status_ = kGoOn;
};

}  // namespace solve
#endif
