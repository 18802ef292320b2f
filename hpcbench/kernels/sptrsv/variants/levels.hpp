/* A triangle whose rows are taken level by level: a row stands behind all that it needs, those of a level need none of each
 * other (Anderson and Saad, Int. J. High Speed Comput. 1(1), 1989). Eight rows of a level are computed side by side. */
#ifndef SPTRSV_LEVELS_HPP
#define SPTRSV_LEVELS_HPP
#include "../../shared/chunks.hpp"
#include "../../shared/team.hpp"
#include "abi.h"

namespace sptrsv {

using namespace sweeps;

/* Unknowns at their places, and where in b and x they stand. */
template <int LANES> class Triangle {
 public:
  using L = Lane<LANES>;
  using Vector = typename L::Vector;

  /* `side`: which entries are others' than the row's own. */
  Triangle(const Csr &a, const Order &order, Side side)
      : inverse_(memory::array<double>(order.places + LANES)), y_(memory::array<double>(order.places + LANES)),
        rows_(memory::array<int32_t>(order.places + LANES)),
        chunks_(a, order, order, side, [&a](int64_t i, int64_t k) { return a.data[k] / a.data[a.indptr[i + 1] - 1]; }) {
    std::fill(y_.get(), y_.get() + order.places + LANES, 0.0);
    for (int64_t p = 0; p < order.places; ++p) {
      const int32_t row = order.row[size_t(p)];
      rows_[p] = row < 0 ? 0 : row;
      inverse_[p] = row < 0 ? 0 : 1 / a.data[a.indptr[row + 1] - 1];
    }
  }

  const Part &part(int64_t thread) const { return chunks_.part(thread); }

  /* Chunks from `at` on, up to place `to`. */
  void solve(typename Chunks<LANES>::Cursor *at, int64_t to, const double *b, double *x) {
    chunks_.forward(at, to, y_.get(),
                    [&](int64_t p) { return gather<LANES>(b, rows_.get() + p) * L::load(inverse_.get() + p); },
                    [&](int64_t p, Vector v) {
                      L::store(y_.get() + p, v);
                      for (int l = 0; l < LANES; ++l)
                        if (inverse_[p + l] != 0) x[rows_[p + l]] = y_[p + l];
                    });
  }

 private:
  memory::Array<double> inverse_, y_; /* 0 where no row is */
  memory::Array<int32_t> rows_;
  Chunks<LANES> chunks_;
};

inline Csr matrix(const sptrsv_in *in) { return {in->nrows, in->order, in->indptr, in->indices, in->data}; }

/* What setup makes of a triangle. */
struct Solver {
  virtual ~Solver() {}
  virtual void run(const double *b, double *x) = 0;
};

/* make(), or NULL where memory does not suffice. */
template <class Make> void *made(Make make) {
  try {
    return static_cast<Solver *>(make());
  } catch (const std::bad_alloc &) {
    return nullptr;
  }
}

/* One thread. */
template <int LANES> struct Levels : Solver {
  Levels(const Csr &a, const Order &order) : triangle(a, order, Side::kBefore) {}
  void run(const double *b, double *x) override {
    typename Chunks<LANES>::Cursor from(triangle.part(0));
    triangle.solve(&from, triangle.part(0).last, b, x);
  }
  Triangle<LANES> triangle;
};

inline Solver *alone(const Csr &a) {
  return in_levels(a, 1, [&](const Order &order, auto lanes) -> Solver * { return new Levels<lanes>(a, order); });
}

}  // namespace sptrsv
#endif
