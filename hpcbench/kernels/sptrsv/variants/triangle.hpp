/* A triangle whose rows are worked through eight at a time, at places that somebody has chosen. */
#ifndef SPTRSV_TRIANGLE_HPP
#define SPTRSV_TRIANGLE_HPP
#include "../../shared/chunks.hpp"
#include "../../shared/dot.hpp"
#include "abi.h"

namespace sptrsv {

using namespace sweeps;

constexpr int kLanes = 8;
constexpr int64_t kLong = 16;
constexpr double kPadded = 2.5; /* numbers stored per entry up to which vectors are tried */

inline Csr matrix(const sptrsv_in *in) { return {in->nrows, in->order, in->indptr, in->indices, in->data}; }

/* What setup makes of a triangle. */
struct Solver {
  virtual ~Solver() {}
  virtual void run(const double *b, double *x) = 0;
};

/* b_i without what row i has before its diagonal. A short row is summed up in order, so that what was computed just before comes last. */
inline double rest(double b, const double *values, const int32_t *columns, int64_t n, const double *x) {
  if (n >= kLong) return b - sparse::dot(values, columns, n, x);
  for (int64_t k = 0; k < n; ++k) b -= values[k] * x[columns[k]];
  return b;
}

/* Row by row, where they lie. */
struct Rows : Solver {
  explicit Rows(const Csr &whole) : a(whole), inverse(memory::array<double>(whole.nrows)) {
    for (int64_t i = 0; i < a.nrows; ++i) inverse[i] = 1 / a.data[a.indptr[i + 1] - 1];
  }
  void run(const double *b, double *x) override {
    for (int64_t i = 0, k = 0; i < a.nrows; ++i) {
      const int64_t last = a.indptr[i + 1] - 1;
      x[i] = rest(b[i], a.data + k, a.indices + k, last - k, x) * inverse[i];
      k = last + 1;
    }
  }
  Csr a;
  memory::Array<double> inverse;
};

/* Whether a chunk's shorter rows, filled up to its longest one, stay within bounds. */
inline bool suits(const Csr &a, const Order &order) {
  int64_t stored = 0;
  for (int64_t p = 0; p < order.places; p += kLanes) {
    int64_t most = 0;
    for (int64_t l = p; l < p + kLanes; ++l)
      if (const int64_t i = order.row[size_t(l)]; i >= 0) most = std::max(most, a.indptr[i + 1] - a.indptr[i]);
    stored += most * kLanes;
  }
  return double(stored) <= kPadded * double(a.indptr[a.nrows]);
}

/* Unknowns at their places, and where in b and x they stand. */
class Triangle {
 public:
  using L = Lane<kLanes>;
  using Rows = Chunks<kLanes>;

  /* Entries lie before their row's place in the same stretch, or in another one. */
  Triangle(const Csr &a, const Order &order)
      : inverse_(memory::array<double>(order.places)), y_(memory::array<double>(order.places + kLanes)),
        rows_(memory::array<int32_t>(order.places)),
        chunks_(a, order, order, Side::kOthers, [&a](int64_t i, int64_t k) { return a.data[k] / a.data[a.indptr[i + 1] - 1]; }) {
    std::fill(y_.get(), y_.get() + order.places + kLanes, 0.0);
    for (int64_t p = 0; p < order.places; ++p) {
      const int32_t row = order.row[size_t(p)];
      rows_[p] = row < 0 ? rows_[p - 1] : row; /* chunks begin with a row */
      inverse_[p] = row < 0 ? 0 : 1 / a.data[a.indptr[row + 1] - 1];
    }
  }

  const Part &part(int64_t stretch) const { return chunks_.part(stretch); }

  /* Chunks from `at` on, up to place `to`. */
  void solve(Rows::Cursor *at, int64_t to, const double *b, double *x) {
    chunks_.forward(at, to, y_.get(), [&](int64_t p) { return gather<kLanes>(b, rows_.get() + p) * L::load(inverse_.get() + p); },
                    [&](int64_t p, L::Vector v) {
                      L::store(y_.get() + p, v);
                      const int32_t *rows = rows_.get() + p;
                      for (int l = kLanes - 1; l >= 0; --l) x[rows[l]] = v[l]; /* behind lanes that stand in for the row */
                    });
  }

 private:
  memory::Array<double> inverse_, y_; /* 0 where no row is */
  memory::Array<int32_t> rows_;
  Rows chunks_;
};

}  // namespace sptrsv
#endif
