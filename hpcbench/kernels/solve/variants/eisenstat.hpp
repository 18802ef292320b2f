/* Conjugate gradients with M = (D + L) D^-1 (D + U), A = L + diag(A) + U, at the cost of one pass over A per iteration:
 * in the unknowns of (I + L)^-1 A (I + U)^-1, both triangles scaled to unit diagonals, a product with A is one solve with
 * each triangle (Eisenstat, SIAM J. Sci. Stat. Comput. 2(1), 1981). D decides the method: diag(A) / omega is SSOR, the
 * pivots of an incomplete factorization that keeps L and U is IC(0). */
#ifndef SOLVE_EISENSTAT_HPP
#define SOLVE_EISENSTAT_HPP
#include <cmath>

#include "../../shared/chunks.hpp"
#include "progress.hpp"
#include "../../shared/team.hpp"

namespace solve {

using namespace sweeps;

constexpr double kCloser = 30; /* the norm of the system's own residual is looked at whenever it fell so far */

template <int LANES> class Eisenstat {
 public:
  using L = Lane<LANES>;
  using Vector = typename L::Vector;

  /* `scale`: D^-1/2 of each row. */
  Eisenstat(const Csr &a, Order order, const std::vector<double> &diagonal, const std::vector<double> &scale)
      : order_(std::move(order)),
        root_(memory::array<double>(order_.places + LANES)),
        gap_(memory::array<double>(order_.places)),
        half_(a, order_, scaled(a, scale), scaled(a, scale)) {
    for (auto *v : {&x_, &r_, &p_, &t_, &w_}) {
      *v = memory::array<double>(order_.places + LANES);
      std::fill(v->get(), v->get() + order_.places + LANES, 0.0);
    }
    for (int64_t p = 0; p < order_.places; ++p) {
      const int64_t i = order_.row[size_t(p)];
      root_[p] = i < 0 ? 0 : scale[size_t(i)];
      gap_[p] = i < 0 ? 0 : diagonal[size_t(i)] * scale[size_t(i)] * scale[size_t(i)] - 2;
    }
  }

  template <class Crew> int run(Crew team, solve_out *out, const double *natural, Progress *progress, double norm) {
    const int64_t from = share(team.me, team.all), to = share(team.me + 1, team.all);
    double *x = x_.get(), *r = r_.get(), *p = p_.get(), *t = t_.get(), *w = w_.get();
    const double *gap = gap_.get();
    const auto at = [&](const double *v, int64_t i) { return L::load(v + i); };
    for (int64_t i = from; i < to; ++i) {
      const int64_t row = order_.row[size_t(i)];
      x[i] = p[i] = 0, w[i] = row < 0 ? 0 : natural[row] * root_[i];
    }
    team.barrier();
    Vector sum = L::all(0);
    in_turn(team, half_.below, true, r, [&](const Part &part) {
      half_.below.forward(part, r, [&](int64_t i) { return at(w, i); }, [&](int64_t i, Vector v) { L::store(r + i, v), sum += v * v; });
    });
    double rho = team.sum(L::sum(sum)), beta = 0;
    double ratio = norm / std::sqrt(rho), look = std::max(progress->target(), norm / kCloser);
    int status = kGoOn;
    while (status == kGoOn) {
      const Vector b = L::all(beta);
      in_turn(team, half_.above, false, t, [&](const Part &part) {
        half_.above.backward(
            part, t,
            [&](int64_t i) {
              const Vector v = at(r, i) + b * at(p, i);
              L::store(p + i, v);
              return v;
            },
            [&](int64_t i, Vector v) { L::store(t + i, v); });
      });
      Vector dot = L::all(0);
      in_turn(team, half_.below, true, w, [&](const Part &part) {
        half_.below.forward(part, w, [&](int64_t i) { return at(p, i) + at(gap, i) * at(t, i); },
                       [&](int64_t i, Vector v) { L::store(w + i, v), dot += at(p, i) * (at(t, i) + v); });
      });
      const double energy = team.sum(L::sum(dot));
      if (!(energy > 0)) return std::isfinite(energy) ? SOLVE_INDEFINITE : SOLVE_BREAKDOWN;
      const Vector alpha = L::all(rho / energy);
      Vector square = L::all(0);
      for (int64_t i = from; i < to; i += LANES) {
        const Vector tv = at(t, i), rv = at(r, i) - alpha * (tv + at(w, i));
        L::store(x + i, at(x, i) + alpha * tv), L::store(r + i, rv), square += rv * rv;
      }
      const double last = rho;
      rho = team.sum(L::sum(square)), beta = rho / last;
      norm = ratio * std::sqrt(rho);
      if (norm <= look) norm = true_norm(team), ratio = norm / std::sqrt(rho), look = std::max(progress->target(), norm / kCloser);
      if (team.me == 0) status_ = progress->step(norm);
      team.barrier();
      status = status_;
    }
    for (int64_t i = from; i < to; ++i)
      if (const int64_t row = order_.row[size_t(i)]; row >= 0) out->x[row] += root_[i] * x[i];
    team.barrier();
    return status;
  }

 private:
  int64_t share(int64_t part, int64_t parts) const {
    return order_.first + (order_.last - order_.first) / LANES * part / parts * LANES;
  }

  /* Of the residual of the system itself. */
  template <class Crew> double true_norm(Crew &team) {
    double sum = 0;
    team.refresh(true, r_.get());
    half_.below.sweep(team, [&](const Part &part) {
      half_.below.forward(part, r_.get(), [&](int64_t i) { return -L::load(r_.get() + i); },
                     [&](int64_t i, Vector v) {
                       double one[LANES];
                       L::store(one, v);
                       for (int l = 0; l < LANES; ++l)
                         if (root_[i + l] > 0) sum += one[l] / root_[i + l] * (one[l] / root_[i + l]);
                     });
    });
    return std::sqrt(team.sum(sum));
  }

  Order order_;
  memory::Array<double> root_, gap_;       /* D^-1/2, and diag(A) / D - 2 */
  Halves<LANES> half_;
  memory::Array<double> x_, r_, p_, t_, w_; /* correction and residual in the transformed unknowns; a direction; two solves */
  int status_ = kGoOn;
};

}  // namespace solve
#endif
