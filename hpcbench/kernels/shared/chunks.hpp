/* Rows of a sparse matrix side by side in chunks of LANES places, in the order in which they are worked through: entries
 * of a chunk whose columns follow each other as its rows do are one vector load, others are loads of their own. */
#ifndef SHARED_CHUNKS_HPP
#define SHARED_CHUNKS_HPP
#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "builder.hpp"
#include "dot.hpp"
#include "lane.hpp"
#include "memory.hpp"
#include "order.hpp"

namespace sweeps {

/* What one thread does in one phase: chunks in the order in which they are met. */
template <class Value> struct PartOf {
  int64_t first = 0, last = 0; /* places */
  memory::Array<Value> values;
  memory::Array<int32_t> columns;
};
using Part = PartOf<double>;

constexpr double kHalf = 0.6; /* of all entries, for which there is room at first where half of them are expected */

/* With entries of less precision than what they are multiplied by, where Value is float. */
template <int LANES, class Value = double> class Chunks {
 public:
  using Part = PartOf<Value>;
  using L = Lane<LANES>;
  using Vector = typename L::Vector;

  /* entry(i, k) gives the value of entry k, which is in row i; `columns`: places of what is multiplied; `part`: of all entries, for which
   * there is room at first. */
  template <class Entry>
  Chunks(const Csr &a, const Order &order, const Order &columns, Side side, Entry entry, double part = 1)
      : threads_(order.threads), back_(side == Side::kBehind), parts_(order.stretches.size()) {
    if (order.places > INT32_MAX - LANES || columns.places > INT32_MAX - LANES) throw std::bad_alloc(); /* places are counted in 32 bits */
    const int64_t count = int64_t(parts_.size());
    bool failed = false;
#pragma omp parallel for schedule(static, 1) reduction(|| : failed) num_threads(int(threads_)) if (threads_ > 1) /* each thread's memory where it runs */
    for (int64_t s = 0; s < count; ++s) try {
        fill(a, order, columns, side, s, entry, part);
      } catch (const std::bad_alloc &) {
        failed = true; /* no exception leaves a parallel region */
      }
    if (failed) throw std::bad_alloc();
  }

  /* Phase by phase: work(part) for each part that this thread has, then all wait for each other. */
  template <class Crew, class Work> void sweep(Crew &team, Work work) const {
    const int64_t phases = int64_t(parts_.size()) / threads_;
    for (int64_t p = 0; p < phases; ++p) {
      const Part *phase = parts_.data() + (back_ ? phases - 1 - p : p) * threads_;
      for (int64_t t = team.me; t < threads_; t += team.all) work(phase[t]);
      team.barrier();
    }
  }

  const Part &part(int64_t phase) const { return parts_[size_t(phase)]; }

  /* How far a part has been worked through. */
  struct Cursor {
    explicit Cursor(const Part &part) : place(part.first), value(part.values.get()), column(part.columns.get()) {}
    int64_t place;
    const Value *value;
    const int32_t *column;
  };

  /* For the chunks from a cursor up to place `to`, ascending: give(place, take(place) - the entries times y). */
  template <class Take, class Give> void forward(Cursor *at, int64_t to, const double *y, Take take, Give give) const {
    Cursor here = *at;
    for (; here.place < to; here.place += LANES) give(here.place, less(&here.value, &here.column, y, take(here.place)));
    *at = here;
  }
  template <class Take, class Give> void forward(const Part &part, const double *y, Take take, Give give) const {
    Cursor at(part);
    forward(&at, part.last, y, take, give);
  }

  /* The same, descending. */
  template <class Take, class Give> void backward(const Part &part, const double *y, Take take, Give give) const {
    const Value *v = part.values.get();
    const int32_t *c = part.columns.get();
    for (int64_t p = part.last - LANES; p >= part.first; p -= LANES) give(p, less(&v, &c, y, take(p)));
  }

 private:
  static Vector less(const Value **value, const int32_t **column, const double *y, Vector sum) {
    const Value *v = *value;
    const int32_t *c = *column;
    const int32_t runs = c[0], loose = c[1];
    c += 2;
    if constexpr (LANES == 1) { /* all of them loose */
      *value = v + loose, *column = c + loose;
      return sum - sparse::dot(v, c, loose, y);
    }
    for (int32_t k = 0; k < runs; ++k, v += LANES) sum -= L::load(v) * L::load(y + *c++);
    for (int32_t k = 0; k < loose; ++k, v += LANES, c += LANES) sum -= L::load(v) * gather<LANES>(y, c);
    *value = v, *column = c;
    return sum;
  }

  template <class Entry> void fill(const Csr &a, const Order &order, const Order &columns, Side side, int64_t s, Entry entry, double part) {
    const Stretch &stretch = order.stretches[size_t(s)];
    const int64_t phase = s / threads_ * threads_, levels = int64_t(stretch.levels.size()) - 1;
    const double entries = part * double(a.indptr[a.nrows]) * double(stretch.last - stretch.first) / double(order.places + 1);
    Builder<LANES, Value> build(a, order, columns, side, int64_t(entries));
    for (int64_t n = 0; n < levels; ++n) {
      const int64_t level = back_ ? levels - 1 - n : n, from = stretch.levels[size_t(level)], to = stretch.levels[size_t(level) + 1];
      if (back_) build.known = {to, stretch.last, order.stretches[size_t(phase + threads_ - 1)].last, columns.places};
      else if (side == Side::kBefore) build.known = {stretch.first, from, 0, order.stretches[size_t(phase)].first};
      else if (side == Side::kOthers) build.known = {stretch.first, from, 0, 0};
      else build.known = {0, columns.places, 0, 0};
      for (int64_t c = from; c < to; c += LANES) build.chunk(back_ ? from + to - LANES - c : c, entry);
    }
    parts_[size_t(s)] = {stretch.first, stretch.last, build.values.take(), build.columns.take()};
  }

  int64_t threads_;
  bool back_;
  std::vector<Part> parts_;
};

/* A solve with a triangle, whose results are written into `y`: threads wait for each other between phases. */
template <class Crew, int LANES, class Work> void in_turn(Crew &team, const Chunks<LANES> &half, bool, double *, Work work) {
  half.sweep(team, work);
}

/* What stands before the diagonal and what stands behind it. */
template <int LANES, class Value = double> struct Halves {
  template <class Before, class Behind>
  Halves(const Csr &a, const Order &order, Before before, Behind behind)
      : below(a, order, order, Side::kBefore, before, kHalf), above(a, order, order, Side::kBehind, behind, kHalf) {}
  /* Of two matrices, with their values as they are. */
  Halves(const Csr &lower, const Csr &upper, const Order &order)
      : below(lower, order, order, Side::kBefore, [&](int64_t, int64_t k) { return lower.data[k]; }),
        above(upper, order, order, Side::kBehind, [&](int64_t, int64_t k) { return upper.data[k]; }) {}
  Chunks<LANES, Value> below, above;
};

/* The entries of S A S. */
inline auto scaled(const Csr &a, const std::vector<double> &scale) {
  return [&a, &scale](int64_t i, int64_t k) { return a.data[k] * scale[size_t(i)] * scale[size_t(a.indices[k])]; };
}

}  // namespace sweeps
#endif
