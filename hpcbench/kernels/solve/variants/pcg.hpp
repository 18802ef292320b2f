/* Conjugate gradients on S^-1 A S^-1 with a preconditioner of its own; S is diagonal. */
#ifndef SOLVE_PCG_HPP
#define SOLVE_PCG_HPP
#include "chunks.hpp"
#include "progress.hpp"
#include "team.hpp"

namespace solve {

/* z = r. */
template <int LANES> struct Identity {
  template <class Crew> double apply(Crew &, const double *, double *) { return 0; }
  static constexpr bool kCopies = true;
};

template <int LANES, class Preconditioner> class Pcg {
 public:
  using L = Lane<LANES>;
  using Vector = typename L::Vector;

  /* `scale`: of each row, S^-1. */
  Pcg(const solve_in *in, const Order *order, const double *scale, int64_t threads, Preconditioner *m)
      : order_(order),
        m_(m),
        scale_(memory::array<double>(order->places)),
        diagonal_(memory::array<double>(order->places)),
        a_(in, *order, Side::kBoth, threads, [&](int64_t i, int64_t k) { return -in->data[k] * scale[i] * scale[in->indices[k]]; }) {
    for (auto *v : {&x_, &r_, &p_, &q_, &z_}) {
      *v = memory::array<double>(order->places + LANES);
      std::fill(v->get(), v->get() + order->places + LANES, 0.0);
    }
    for (int64_t p = 0; p < order->places; ++p) {
      const int64_t i = order->row[size_t(p)];
      scale_[p] = diagonal_[p] = 0;
      if (i < 0) continue;
      scale_[p] = scale[i];
      for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; ++k)
        if (in->indices[k] == i) diagonal_[p] = in->data[k] * scale[i] * scale[i];
    }
  }

  template <class Crew> int run(Crew team, solve_out *out, const double *natural, Progress *progress) {
    const int64_t chunks = order_->places / LANES;
    const int64_t from = chunks * team.me / team.all * LANES, to = chunks * (team.me + 1) / team.all * LANES;
    double *x = x_.get(), *r = r_.get(), *p = p_.get(), *q = q_.get(), *z = Preconditioner::kCopies ? r : z_.get();
    const auto at = [](const double *v, int64_t i) { return L::load(v + i); };
    Vector sum = L::all(0);
    for (int64_t i = from; i < to; ++i) {
      const int64_t row = order_->row[size_t(i)];
      x[i] = 0, r[i] = row < 0 ? 0 : natural[row] * scale_[i];
    }
    for (int64_t i = from; i < to; i += LANES) sum += at(r, i) * at(r, i);
    double rho = team.sum(L::sum(sum));
    if (!Preconditioner::kCopies) rho = m_->apply(team, r, z);
    double beta = 0;
    int status = kGoOn;
    while (status == kGoOn) {
      if (!(rho > 0)) return std::isfinite(rho) ? SOLVE_INDEFINITE : SOLVE_BREAKDOWN;
      for (int64_t i = from; i < to; i += LANES) L::store(p + i, beta ? at(z, i) + L::all(beta) * at(p, i) : at(z, i));
      team.barrier();
      Vector dot = L::all(0);
      for (size_t level = 0; level < a_.levels(); ++level)
        a_.forward(a_.part(level, team.me), p, [&](int64_t i) { return at(diagonal_.get(), i) * at(p, i); },
                   [&](int64_t i, Vector v) { L::store(q + i, v), dot += at(p, i) * v; });
      const double energy = team.sum(L::sum(dot));
      if (!(energy > 0)) return std::isfinite(energy) ? SOLVE_INDEFINITE : SOLVE_BREAKDOWN;
      const Vector alpha = L::all(rho / energy);
      Vector own = L::all(0), square = L::all(0);
      for (int64_t i = from; i < to; i += LANES) {
        const Vector v = at(r, i) - alpha * at(q, i), s = at(scale_.get(), i);
        L::store(x + i, at(x, i) + alpha * at(p, i)), L::store(r + i, v);
        square += v * v, own += unscaled(v, s);
      }
      const double norm = std::sqrt(team.sum(L::sum(own))), last = rho;
      rho = Preconditioner::kCopies ? team.sum(L::sum(square)) : m_->apply(team, r, z);
      beta = rho / last;
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
  /* (v / s)^2, nothing where there is no row. */
  static Vector unscaled(Vector v, Vector s) {
    if constexpr (LANES == 1) return s > 0 ? v / s * (v / s) : 0;
    else {
      const Vector u = v / (s > 0 ? s : L::all(1));
      return u * u;
    }
  }

  const Order *order_;
  Preconditioner *m_;
  memory::Array<double> scale_, diagonal_;
  Chunks<LANES> a_;
  memory::Array<double> x_, r_, p_, q_, z_;
  int status_ = kGoOn;
};

}  // namespace solve
#endif
