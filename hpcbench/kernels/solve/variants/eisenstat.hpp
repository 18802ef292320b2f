/* Conjugate gradients with M = (D + L) D^-1 (D + U), A = L + diag(A) + U, at the cost of one pass over A per iteration:
 * in the unknowns of (I + L)^-1 A (I + U)^-1, both triangles scaled to unit diagonals, a product with A is one solve with
 * each triangle (Eisenstat, SIAM J. Sci. Stat. Comput. 2(1), 1981). D decides the method: diag(A) / omega is SSOR, the
 * pivots of an incomplete factorization that keeps L and U is IC(0). */
#ifndef SOLVE_EISENSTAT_HPP
#define SOLVE_EISENSTAT_HPP
#include <cmath>

#include "chunks.hpp"
#include "progress.hpp"
#include "team.hpp"

namespace solve {

constexpr double kCloser = 30; /* the norm of the system's own residual is looked at whenever it fell so far */

template <int LANES> class Eisenstat {
 public:
  using L = Lane<LANES>;
  using Vector = typename L::Vector;

  /* `pivots`: D, positive; `lower`: of diag(A) in units of D, less 2, where it is one number for all rows. */
  Eisenstat(const solve_in *in, Order order, const double *pivots, int64_t threads)
      : order_(std::move(order)),
        threads_(threads),
        root_(memory::array<double>(order_.places)),
        gap_(memory::array<double>(order_.places)),
        below_(halves(in, pivots, Side::kBefore)),
        above_(halves(in, pivots, Side::kBehind)) {
    for (auto *v : {&x_, &r_, &p_, &t_, &w_}) {
      *v = memory::array<double>(order_.places + LANES);
      std::fill(v->get(), v->get() + order_.places + LANES, 0.0);
    }
    for (int64_t p = 0; p < order_.places; ++p) {
      const int64_t i = order_.row[size_t(p)];
      root_[p] = i < 0 ? 0 : roots_[size_t(i)], gap_[p] = i < 0 ? 0 : diagonal(in, i) / pivots[i] - 2;
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
    sweep(team, below_, [&](const Part &part) {
      below_.forward(part, r, [&](int64_t i) { return at(w, i); }, [&](int64_t i, Vector v) { L::store(r + i, v), sum += v * v; });
    });
    double rho = team.sum(L::sum(sum)), beta = 0;
    double ratio = norm / std::sqrt(rho), look = std::max(progress->target(), norm / kCloser);
    int status = kGoOn;
    while (status == kGoOn) {
      const Vector b = L::all(beta);
      sweep(team, above_, [&](const Part &part) {
        above_.backward(
            part, t,
            [&](int64_t i) {
              const Vector v = at(r, i) + b * at(p, i);
              L::store(p + i, v);
              return v;
            },
            [&](int64_t i, Vector v) { L::store(t + i, v); });
      });
      Vector dot = L::all(0);
      sweep(team, below_, [&](const Part &part) {
        below_.forward(part, w, [&](int64_t i) { return at(p, i) + at(gap, i) * at(t, i); },
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
  int64_t share(int64_t part, int64_t parts) const { return order_.places / LANES * part / parts * LANES; }

  static double diagonal(const solve_in *in, int64_t i) {
    const int32_t *from = in->indices + in->indptr[i], *to = in->indices + in->indptr[i + 1];
    const int32_t *found = std::lower_bound(from, to, int32_t(i));
    return found < to && *found == i ? in->data[found - in->indices] : 0;
  }

  Chunks<LANES> halves(const solve_in *in, const double *pivots, Side side) {
    if (roots_.empty())
      for (int64_t i = 0; i < in->nrows; ++i) roots_.push_back(1 / std::sqrt(pivots[i]));
    return Chunks<LANES>(in, order_, side, threads_, [&](int64_t i, int64_t k) {
      return in->data[k] * roots_[size_t(i)] * roots_[size_t(in->indices[k])];
    });
  }

  template <class Crew, class Work> static void sweep(Crew &team, const Chunks<LANES> &half, Work work) {
    for (size_t level = 0; level < half.levels(); ++level) {
      work(half.part(level, team.me));
      team.barrier();
    }
  }

  /* Of the residual of the system itself. */
  template <class Crew> double true_norm(Crew &team) {
    Vector sum = L::all(0);
    for (size_t level = 0; level < below_.levels(); ++level)
      below_.forward(below_.part(level, team.me), r_.get(), [&](int64_t i) { return -L::load(r_.get() + i); },
                     [&](int64_t i, Vector v) {
                       const Vector root = L::load(root_.get() + i);
                       for (int l = 0; l < LANES; ++l) {
                         double one;
                         if constexpr (LANES == 1) one = root > 0 ? v / root : 0;
                         else one = root[l] > 0 ? v[l] / root[l] : 0;
                         part_sum(sum, l, one * one);
                       }
                     });
    return std::sqrt(team.sum(L::sum(sum)));
  }

  static void part_sum(Vector &sum, int l, double v) {
    if constexpr (LANES == 1) sum += v;
    else sum[l] += v;
  }

  Order order_;
  int64_t threads_;
  std::vector<double> roots_;              /* of each row: D^-1/2 */
  memory::Array<double> root_, gap_;       /* of each place: the same, and diag(A) / D - 2 */
  Chunks<LANES> below_, above_;
  memory::Array<double> x_, r_, p_, t_, w_; /* correction and residual in the transformed unknowns; a direction; two solves */
  int status_ = kGoOn;
};

}  // namespace solve
#endif
