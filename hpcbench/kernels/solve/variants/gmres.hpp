/* Restarted GMRES; the basis by classical Gram-Schmidt, again where much was lost (Daniel, Gragg, Kaufman and Stewart, Math.
 * Comp. 30, 1976), so that an iteration needs two reductions, seldom four. */
#ifndef SOLVE_GMRES_HPP
#define SOLVE_GMRES_HPP
#include <array>

#include "ilu0.hpp"

namespace solve {

constexpr double kLost = 0.1; /* of a vector's norm, what must be left of it */

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
    std::vector<double> h((n + 1) * n), c(n), s(n), g(n + 1), parts(n + 1), along(n + 1);
    const auto norm = [&](const double *u) {
      Vector sum = L::all(0);
      for (int64_t i = from; i < to; i += LANES) sum += L::load(u + i) * L::load(u + i);
      return std::sqrt(team.sum(L::sum(sum)));
    };
    /* What `count` vectors of the basis have of w, and behind it the square of w itself. */
    const auto project = [&](const double *w, size_t count) {
      std::fill(parts.begin(), parts.end(), 0.0);
      by_fours(from, to, w, count, count + 1, [&](size_t k, const Four &v, int64_t low, int64_t high) {
        Vector sum[4] = {L::all(0), L::all(0), L::all(0), L::all(0)};
        for (int64_t i = low; i < high; i += LANES)
          for (size_t q = 0; q < 4; ++q) sum[q] += L::load(w + i) * L::load(v[q] + i);
        for (size_t q = 0; q < std::min<size_t>(4, count + 1 - k); ++q) parts[k + q] += L::sum(sum[q]);
      });
      team.sums(parts.data(), along.data(), count + 1);
    };
    const auto add = [&](double *u, double by, const double *v) {
      for (int64_t i = from; i < to; i += LANES) L::store(u + i, L::load(u + i) + L::all(by) * L::load(v + i));
    };
    const auto scaled = [&](double *u, double by, const double *v) {
      for (int64_t i = from; i < to; i += LANES) L::store(u + i, L::all(by) * L::load(v + i));
    };
    for (;;) {
      double *w = w_.get(), *z = z_.get();
      g[0] = norm(r_.get());
      if (!(g[0] > 0)) return SOLVE_BREAKDOWN;
      scaled(basis_[0].get(), 1 / g[0], r_.get());
      int status = kGoOn;
      size_t j = 0;
      for (; j < n && status == kGoOn; ++j) {
        team.barrier();
        m.apply(team, basis_[j].get(), z);
        a.multiply(team, z, w);
        double *column = h.data() + j * (n + 1);
        std::fill(column, column + j + 1, 0.0);
        double rest = 0;
        for (int pass = 0; pass < 2; ++pass) {
          project(w, j + 1);
          by_fours(from, to, w, j + 1, j + 1, [&](size_t k, const Four &v, int64_t low, int64_t high) {
            Vector by[4];
            for (size_t q = 0; q < 4; ++q) by[q] = L::all(k + q <= j ? along[k + q] : 0);
            for (int64_t i = low; i < high; i += LANES) {
              Vector left = L::load(w + i);
              for (size_t q = 0; q < 4; ++q) left -= by[q] * L::load(v[q] + i);
              L::store(w + i, left);
            }
          });
          for (size_t k = 0; k <= j; ++k) column[k] += along[k];
          rest = norm(w);
          if (rest > kLost * std::sqrt(along[j + 1])) break;
        }
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
  static constexpr int64_t kBlock = 512; /* places, of which the first cache holds those of a few vectors */
  using Four = std::array<const double *, 4>;

  /* work(k, vectors, low, high) for vectors k to k + 3 of `count`: the first `held` of the basis, then w itself. */
  template <class Work> void by_fours(int64_t from, int64_t to, const double *w, size_t held, size_t count, Work work) const {
    for (int64_t low = from; low < to; low += kBlock)
      for (size_t k = 0; k < count; k += 4) {
        Four v;
        for (size_t q = 0; q < 4; ++q) v[q] = k + q < held ? basis_[k + q].get() : w;
        work(k, v, low, std::min(to, low + kBlock));
      }
  }
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
