/* Incomplete Cholesky without fill. */
#ifndef SOLVE_IC0_HPP
#define SOLVE_IC0_HPP
#include "method.hpp"
#include "pcg.hpp"

namespace solve {

constexpr double kFirstShift = 1e-3, kLargestShift = 1e3; /* of the diagonal, where pivots are not positive without one */

/* A = (D + L) D^-1 (D + L)^T on the pattern of A: D, and L in the places of A's entries before and, mirrored, behind the
 * diagonal. */
struct Factor {
  std::vector<double> pivots, entries;
  bool plain = true; /* L is A's own lower triangle: no two neighbours of an unknown are neighbours */
};

/* The place of (j, i) for every (i, j); false where the pattern is not symmetric. */
inline bool mirror(const solve_in *in, std::vector<int64_t> *found) {
  std::vector<int64_t> next(in->indptr, in->indptr + in->nrows);
  found->resize(size_t(in->indptr[in->nrows]));
  for (int64_t i = 0; i < in->nrows; ++i)
    for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; ++k) {
      const int64_t j = in->indices[k], at = next[size_t(j)]++;
      if (at >= in->indptr[j + 1] || in->indices[at] != i) return false;
      (*found)[size_t(k)] = at;
    }
  return true;
}

/* Row by row; false when a pivot is not positive. */
inline bool factorize(const solve_in *in, double shift, Factor *f) {
  const int64_t *indptr = in->indptr;
  const int32_t *indices = in->indices;
  f->entries.assign(in->data, in->data + indptr[in->nrows]), f->pivots.assign(size_t(in->nrows), 0.0);
  double *e = f->entries.data(), *d = f->pivots.data();
  for (int64_t i = 0; i < in->nrows; ++i) {
    int64_t k = indptr[i];
    double pivot = 0;
    for (; k < indptr[i + 1] && indices[k] < i; ++k) {
      const int64_t j = indices[k];
      int64_t a = indptr[i], b = indptr[j];
      while (a < k && indices[b] < j) {
        const int32_t left = indices[a], right = indices[b];
        if (left == right) e[k] -= e[a] * e[b] / d[left], f->plain = false;
        a += left <= right, b += right <= left;
      }
      pivot -= e[k] * e[k] / d[j];
    }
    if (k == indptr[i + 1] || indices[k] != i) return false;
    d[i] = pivot + in->data[k] * (1 + shift);
    if (!(d[i] > 1e-12 * in->data[k])) return false;
  }
  return true;
}

/* z = ((I + L) (I + L)^T)^-1 r, L in units of the pivots' roots. */
template <int LANES> class Triangles {
 public:
  using L = Lane<LANES>;
  using Vector = typename L::Vector;
  static constexpr bool kCopies = false;

  Triangles(const Csr &a, const Order &order, const Factor &f, const std::vector<double> &scale, const std::vector<int64_t> &mirrored, int64_t threads)
      : half_(
            a, order, threads, [&](int64_t i, int64_t k) { return f.entries[size_t(k)] * scale[size_t(i)] * scale[size_t(a.indices[k])]; },
            [&](int64_t i, int64_t k) { return f.entries[size_t(mirrored[size_t(k)])] * scale[size_t(i)] * scale[size_t(a.indices[k])]; }),
        y_(memory::array<double>(order.places + LANES)) {
    std::fill(y_.get(), y_.get() + order.places + LANES, 0.0);
  }

  /* Also r z. */
  template <class Crew> double apply(Crew &team, const double *r, double *z) {
    double *y = y_.get();
    team.barrier();
    half_.below().sweep(team, [&](const Part &part) {
      half_.below().forward(part, y, [&](int64_t i) { return L::load(r + i); }, [&](int64_t i, Vector v) { L::store(y + i, v); });
    });
    Vector dot = L::all(0);
    half_.above().sweep(team, [&](const Part &part) {
      half_.above().backward(part, z, [&](int64_t i) { return L::load(y + i); }, [&](int64_t i, Vector v) { L::store(z + i, v), dot += v * L::load(r + i); });
    });
    return team.sum(L::sum(dot));
  }

 private:
  Halves<LANES> half_;
  memory::Array<double> y_;
};

/* With triangles that are not A's own. */
template <int LANES> struct Factored : Method {
  Factored(const Csr &a, Order order, const std::vector<double> &diagonal, const Factor &f, const std::vector<double> &scale,
           const std::vector<int64_t> &mirrored, int64_t threads)
      : Method(SOLVE_OK),
        threads_(threads),
        order_(std::move(order)),
        a_(a, order_, diagonal, scale, threads),
        triangles_(a, order_, f, scale, mirrored, threads),
        cg_(&order_, scale) {}

  int iterate(const solve_in *, solve_out *out, double *r, Progress *progress, double) override {
    return together(threads_, [&](auto team) { return cg_.run(team, a_, triangles_, out, r, progress); });
  }

 private:
  int64_t threads_;
  Order order_;
  Whole<LANES> a_;
  Triangles<LANES> triangles_;
  Pcg<LANES> cg_;
};

inline void *ic0_setup(const solve_in *in, int64_t threads) {
  return made([&]() -> std::unique_ptr<Method> {
    std::vector<double> d;
    if (const int status = diagonal(in, &d)) return std::make_unique<Refused>(status);
    std::vector<int64_t> mirrored;
    if (!mirror(in, &mirrored)) return std::make_unique<Refused>(SOLVE_INDEFINITE);
    Factor f;
    double shift = 0;
    while (!factorize(in, shift, &f))
      if ((shift = shift > 0 ? 2 * shift : kFirstShift) > kLargestShift) return std::make_unique<Refused>(SOLVE_INDEFINITE);
    const Csr a = matrix(in);
    const auto scale = inverse_roots(f.pivots);
    if (f.plain) return split(a, d, scale, threads);
    return ordered(a, [&](Order order, auto lanes) -> std::unique_ptr<Method> {
      return std::make_unique<Factored<lanes>>(a, std::move(order), d, f, scale, mirrored, lanes == 1 ? 1 : threads);
    });
  });
}

}  // namespace solve
#endif
