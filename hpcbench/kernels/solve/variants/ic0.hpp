/* Conjugate gradients with incomplete Cholesky without fill. */
#ifndef SOLVE_IC0_HPP
#define SOLVE_IC0_HPP
#include "factor.hpp"
#include "hubs.hpp"
#include "pcg.hpp"

namespace solve {

constexpr int64_t kAtOnce = 2, kLate = 2; /* iterations before rows are laid side by side: of stencils; of others, more for each entry of a row */
constexpr int64_t kSamples = 256, kApart = 6; /* rows that are looked at, and unknowns of a node */

/* L in units of the pivots' roots, as numbers of single precision. */
inline void in_roots(const std::vector<double> &scale, Held *l) {
  for (int64_t i = 0; i < l->nrows; ++i)
    for (int64_t k = l->indptr[size_t(i)]; k < l->indptr[size_t(i) + 1]; ++k)
      l->data[size_t(k)] = float(l->data[size_t(k)] * scale[size_t(i)] / scale[size_t(l->indices[size_t(k)])]);
}

/* z = ((I + L) (I + L)^T)^-1 r, L in single precision: half as much to read, and as symmetric. */
template <int LANES> class Triangles {
 public:
  using L = Lane<LANES>;
  using Vector = typename L::Vector;
  static constexpr bool kCopies = false;

  Triangles(const Csr &lower, const Order &order) : half_(lower, transposed(lower).view(), order), y_(memory::array<double>(order.places + LANES)) {
    std::fill(y_.get(), y_.get() + order.places + LANES, 0.0);
  }

  /* Also r z. */
  template <class Crew> double apply(Crew &team, const double *r, double *z) {
    double *y = y_.get();
    team.barrier();
    half_.below.sweep(team, [&](const auto &part) {
      half_.below.forward(part, y, [&](int64_t i) { return L::load(r + i); }, [&](int64_t i, Vector v) { L::store(y + i, v); });
    });
    Vector dot = L::all(0);
    half_.above.sweep(team, [&](const auto &part) {
      half_.above.backward(part, z, [&](int64_t i) { return L::load(y + i); }, [&](int64_t i, Vector v) { L::store(z + i, v), dot += v * L::load(r + i); });
    });
    return team.sum(L::sum(dot));
  }

 private:
  Halves<LANES, float> half_;
  memory::Array<double> y_;
};

/* With triangles that are not A's own. */
template <int LANES> struct Factored : Method {
  Factored(const Csr &a, Order order, const std::vector<double> &diagonal, const std::vector<double> &scale, const Csr &lower)
      : Method(SOLVE_OK), order_(std::move(order)), a_(a, order_, diagonal, scale), triangles_(lower, order_), cg_(&order_, scale) {}

  int iterate(const solve_in *, solve_out *out, double *r, Progress *progress, double) override {
    return from(nullptr, out, r, progress);
  }
  int from(const Direction *begun, solve_out *out, const double *r, Progress *progress) {
    return together(order_.threads, [&](auto team) { return cg_.run(team, a_, triangles_, out, r, progress, INT64_MAX, begun); });
  }

 private:
  Order order_;
  Whole<LANES> a_;
  Triangles<LANES> triangles_;
  Pcg<LANES> cg_;
};

/* q = A p, row by row where A lies. */
struct Lying {
  Csr a;
  double multiply(Alone &, const double *p, double *q) {
    double dot = 0;
    for (int64_t i = 0; i < a.nrows; ++i) {
      const int64_t start = a.indptr[i];
      q[i] = sparse::dot(a.data + start, a.indices + start, a.indptr[i + 1] - start, p), dot += p[i] * q[i];
    }
    return dot;
  }
};

/* z = S ((I + L) (I + L)^T)^-1 S r, row by row. */
struct ByRow {
  static constexpr bool kCopies = false;
  Csr l;
  const double *scale;

  double apply(Alone &, const double *r, double *z) {
    double dot = 0;
    for (int64_t i = 0; i < l.nrows; ++i) {
      const int64_t start = l.indptr[i];
      z[i] = r[i] * scale[i] - sparse::dot(l.data + start, l.indices + start, l.indptr[i + 1] - start, z), dot += z[i] * z[i];
    }
    for (int64_t i = l.nrows - 1; i >= 0; --i) {
      for (int64_t k = l.indptr[i]; k < l.indptr[i + 1]; ++k) z[l.indices[k]] -= l.data[k] * z[i];
      z[i] *= scale[i];
    }
    return dot;
  }
};

/* Whether most rows are as one of the next few is, as in stencils: then the columns of rows side by side follow each other. */
inline bool repeats(const Csr &a) {
  const auto alike = [&](int64_t i, int64_t j) {
    const int64_t n = a.indptr[i + 1] - a.indptr[i];
    if (a.indptr[j + 1] - a.indptr[j] != n) return false;
    for (int64_t k = 0; k < n; ++k)
      if (a.indices[a.indptr[j] + k] - a.indices[a.indptr[i] + k] != j - i) return false;
    return true;
  };
  int64_t found = 0;
  for (int64_t s = 0; s < kSamples && a.nrows > kApart; ++s)
    for (int64_t i = (a.nrows - kApart) * s / kSamples, j = i + 1; j <= i + kApart; ++j)
      if (alike(i, j)) {
        ++found;
        break;
      }
  return 2 * found > kSamples;
}

/* The same on one thread, which begins with A and L as they are: nothing else is worth its time where few iterations are enough. */
class Begun : public Method {
 public:
  Begun(const Csr &a, const std::vector<double> &diagonal, std::vector<double> scale, Held lower)
      : Method(SOLVE_OK),
        left_(repeats(a) ? kAtOnce : kAtOnce + kLate * a.indptr[a.nrows] / a.nrows),
        order_(natural(a, 1)),
        diagonal_(diagonal),
        scale_(std::move(scale)),
        lower_(std::move(lower)),
        cg_(&order_, std::vector<double>(scale_.size(), 1.0)) {}

  int iterate(const solve_in *in, solve_out *out, double *r, Progress *progress, double norm) override try {
    if (aside_) return aside_->iterate(in, out, r, progress, norm);
    Lying a{matrix(in)};
    ByRow m{lower_.view(), scale_.data()};
    const int status = cg_.run(Alone{}, a, m, out, r, progress, left_);
    if (status != kGoOn) return status;
    left_ = INT64_MAX;
    const Direction last = cg_.halt(r);
    lay(a.a);
    return aside_ ? aside_->from(&last, out, r, progress) : cg_.run(Alone{}, a, m, out, r, progress, left_, &last);
  } catch (const std::bad_alloc &) {
    return SOLVE_NO_MEMORY;
  }

 private:
  static constexpr int kWide = 8;

  /* Rows side by side, where levels are wide enough and there is memory. */
  void lay(const Csr &a) try {
    aside_ = in_levels(a, 1, [&](Order order, auto lanes) {
      return lanes == kWide ? std::make_unique<Factored<kWide>>(a, std::move(order), diagonal_, scale_, lower_.view()) : nullptr;
    });
  } catch (const std::bad_alloc &) { /* row by row, then */
  }

  int64_t left_; /* iterations until rows are laid side by side */
  Order order_;
  std::vector<double> diagonal_, scale_;
  Held lower_;
  Pcg<1> cg_;
  std::unique_ptr<Factored<kWide>> aside_;
};

inline std::unique_ptr<Method> ic0(const Csr &a, const std::vector<double> &diagonal, int64_t threads) {
  const auto factored = [&](const Order &order, auto split, auto roots) -> std::unique_ptr<Method> {
    Factor f;
    if (!shifted(a, order, &f)) return std::make_unique<Refused>(SOLVE_INDEFINITE);
    auto scale = inverse_roots(f.pivots);
    if (f.plain) return split(scale);
    in_roots(scale, &f.lower);
    return roots(std::move(scale), std::move(f.lower));
  };
  using Scale = std::vector<double>;
  if (threads == 1)
    return factored(
        natural(a, 1),
        [&](const Scale &scale) {
          return in_levels(a, 1, [&](Order order, auto lanes) -> std::unique_ptr<Method> { return std::make_unique<Split<lanes>>(a, std::move(order), diagonal, scale); });
        },
        [&](Scale scale, Held lower) { return std::make_unique<Begun>(a, diagonal, std::move(scale), std::move(lower)); });
  return in_levels(a, threads, [&](Order order, auto lanes) {
    return factored(
        order, [&](const Scale &scale) { return std::make_unique<Split<lanes>>(a, std::move(order), diagonal, scale); },
        [&](const Scale &scale, const Held &lower) { return std::make_unique<Factored<lanes>>(a, std::move(order), diagonal, scale, lower.view()); });
  });
}

inline void *ic0_setup(const solve_in *in, int64_t threads) {
  return made([&]() -> std::unique_ptr<Method> {
    std::vector<double> d;
    if (const int status = diagonal(in, &d)) return std::make_unique<Refused>(status);
    return with_hubs_last(matrix(in), d, [threads](const Csr &a, const std::vector<double> &own) { return ic0(a, own, threads); });
  });
}

}  // namespace solve
#endif
