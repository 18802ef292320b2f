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
                      double one[LANES];
                      L::store(one, v);
                      if (inverse_[p + LANES - 1] != 0) /* rows come first in a chunk */
                        for (int l = 0; l < LANES; ++l) x[rows_[p + l]] = one[l];
                      else
                        for (int l = 0; l < LANES && inverse_[p + l] != 0; ++l) x[rows_[p + l]] = one[l];
                    });
  }

 private:
  memory::Array<double> inverse_, y_; /* 0 where no row is */
  memory::Array<int32_t> rows_;
  Chunks<LANES> chunks_;
};

constexpr int64_t kLeast = LEAST; /* rows of a block */

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

/* Blocks of rows in their own order, each level by level: a block ends where its levels are wide enough to be worked through side by
 * side, so that what it needs of b and x stays in the first cache. */
inline Order in_blocks(const Csr &a, int64_t lanes, int64_t width) {
  Order o;
  o.place.resize(size_t(a.nrows));
  std::vector<int32_t> level(size_t(a.nrows));
  std::vector<int64_t> next;
  Stretch s{0, 0, {0}};
  for (int64_t first = 0, last = 0; first < a.nrows; first = last) {
    next.clear();
    for (; last < a.nrows && (last - first < kLeast || last - first < width * int64_t(next.size())); ++last) {
      int32_t deepest = 0;
      for (int64_t k = a.indptr[last + 1] - 2; k >= a.indptr[last] && a.indices[k] >= first; --k)
        deepest = std::max(deepest, level[size_t(a.indices[k])] + 1);
      level[size_t(last)] = deepest;
      if (size_t(deepest) == next.size()) next.push_back(0);
      ++next[size_t(deepest)];
    }
    const size_t begun = s.levels.size() - 1;
    for (int64_t &count : next) {
      const int64_t start = s.last;
      s.last += (count + lanes - 1) / lanes * lanes, count = start;
      s.levels.push_back(s.last);
    }
    o.row.resize(size_t(s.last), -1);
    for (int64_t i = first; i < last; ++i) o.row[size_t(next[size_t(level[size_t(i)])]++)] = int32_t(i);
    for (size_t l = 0; l < next.size(); ++l) alike(a, lanes, s.levels[begun + l], next[l], &o.row);
  }
  o.places = o.last = s.last;
  for (int64_t p = 0; p < s.last; ++p)
    if (o.row[size_t(p)] >= 0) o.place[size_t(o.row[size_t(p)])] = int32_t(p);
  o.stretches.push_back(std::move(s));
  return o;
}

inline Solver *alone(const Csr &a, int64_t width = 1 << 30) {
  const Order o = in_blocks(a, 8, width);
  if (double(o.places) <= kPadded * double(a.nrows)) return new Levels<8>(a, o);
  return in_levels(a, 1, [&](const Order &order, auto lanes) -> Solver * { return new Levels<lanes>(a, order); });
}

}  // namespace sptrsv
#endif
