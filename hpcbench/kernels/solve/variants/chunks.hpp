/* Rows of a sparse matrix side by side in chunks of LANES places, in the order in which they are worked through: entries
 * of a chunk whose columns follow each other as its rows do are one vector load, others are loads of their own. */
#ifndef SOLVE_CHUNKS_HPP
#define SOLVE_CHUNKS_HPP
#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "../../shared/memory.hpp"
#include "order.hpp"
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace solve {

/* So many numbers at once. */
template <int LANES> struct Lane;
template <> struct Lane<8> {
  typedef double Vector __attribute__((vector_size(64)));
  typedef double Loose __attribute__((vector_size(64), aligned(8), may_alias));
  static Vector load(const double *from) { return *reinterpret_cast<const Loose *>(from); }
  static void store(double *to, Vector v) { *reinterpret_cast<Loose *>(to) = v; }
  static Vector all(double v) { return Vector{} + v; }
  static double sum(Vector v) { return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7])); }
};
template <> struct Lane<1> {
  typedef double Vector;
  static double load(const double *from) { return *from; }
  static void store(double *to, double v) { *to = v; }
  static double all(double v) { return v; }
  static double sum(double v) { return v; }
};

template <int LANES> inline typename Lane<LANES>::Vector gather(const double *x, const int32_t *columns) {
#if defined(__AVX512F__)
  if constexpr (LANES == 8) { /* the instruction that gathers takes twice the time on Zen 4 */
    const auto two = [&](int k) { return _mm_loadh_pd(_mm_load_sd(x + columns[k]), x + columns[k + 1]); };
    const __m256d low = _mm256_insertf128_pd(_mm256_castpd128_pd256(two(0)), two(2), 1);
    const __m256d high = _mm256_insertf128_pd(_mm256_castpd128_pd256(two(4)), two(6), 1);
    return (typename Lane<LANES>::Vector)_mm512_insertf64x4(_mm512_castpd256_pd512(low), high, 1);
  }
#endif
  if constexpr (LANES == 1) return x[*columns];
  else {
    typename Lane<LANES>::Vector v;
    for (int l = 0; l < LANES; ++l) v[l] = x[columns[l]];
    return v;
  }
}

/* What one thread does of one level. */
struct Part {
  int64_t first, last; /* places */
  size_t value, column;
};

/* Which entries of the matrix: those before the diagonal, those behind it, all but the diagonal's, or all. */
enum class Side { kBefore, kBehind, kBoth, kAll };

template <int LANES> class Chunks {
 public:
  using L = Lane<LANES>;
  using Vector = typename L::Vector;

  /* entry(i, k) gives the value of entry k, which is in row i; `columns`: places of what is multiplied; rows of a level
   * are shared by `threads`. */
  template <class Entry>
  Chunks(const Csr &a, const Order &order, const Order &columns, Side side, int64_t threads, Entry entry) : threads_(threads) {
    Builder build{a, order, columns, side, 0, 0, {}, {}, {}, {}};
    const size_t levels = order.levels.size() - 1, some = size_t(a.indptr[a.nrows]) / (side < Side::kBoth ? 2 : 1);
    build.values.reserve(some + some / 4), build.columns.reserve(some);
    for (size_t l = 0; l < levels; ++l) {
      const size_t level = side == Side::kBehind ? levels - 1 - l : l;
      const int64_t from = order.levels[level], chunks = (order.levels[level + 1] - from) / LANES;
      build.low = side == Side::kBehind ? order.levels[level + 1] : 0;
      build.high = side == Side::kBefore ? from : columns.places;
      for (int64_t t = 0; t < threads; ++t) {
        Part part{from + chunks * t / threads * LANES, from + chunks * (t + 1) / threads * LANES, build.values.size(), build.columns.size()};
        if (side == Side::kBehind)
          for (int64_t p = part.last; p > part.first; p -= LANES) build.chunk(p - LANES, entry);
        else
          for (int64_t p = part.first; p < part.last; p += LANES) build.chunk(p, entry);
        parts_.push_back(part);
      }
    }
    if (threads == 1 && !parts_.empty()) parts_ = {{0, order.places, 0, 0}}; /* nobody to wait for */
    values_ = memory::array<double>(int64_t(build.values.size())), columns_ = memory::array<int32_t>(int64_t(build.columns.size()));
    std::copy(build.values.begin(), build.values.end(), values_.get());
    std::copy(build.columns.begin(), build.columns.end(), columns_.get());
  }

  /* Level by level: work(part) for each part that this thread has, then all wait for each other. */
  template <class Crew, class Work> void sweep(Crew &team, Work work) const {
    for (size_t first = 0; first < parts_.size(); first += size_t(threads_)) {
      for (size_t t = size_t(team.me); t < size_t(threads_); t += size_t(team.all)) work(parts_[first + t]);
      team.barrier();
    }
  }

  /* For the chunks of a part, ascending: give(place, take(place) - the entries times y). */
  template <class Take, class Give> void forward(const Part &part, const double *y, Take take, Give give) const {
    const double *v = values_.get() + part.value;
    const int32_t *c = columns_.get() + part.column;
    for (int64_t p = part.first; p < part.last; p += LANES) give(p, less(&v, &c, y, take(p)));
  }

  /* The same, descending. */
  template <class Take, class Give> void backward(const Part &part, const double *y, Take take, Give give) const {
    const double *v = values_.get() + part.value;
    const int32_t *c = columns_.get() + part.column;
    for (int64_t p = part.last - LANES; p >= part.first; p -= LANES) give(p, less(&v, &c, y, take(p)));
  }

 private:
  static Vector less(const double **value, const int32_t **column, const double *y, Vector sum) {
    const double *v = *value;
    const int32_t *c = *column;
    const int32_t runs = c[0], loose = c[1];
    c += 2;
    for (int32_t k = 0; k < runs; ++k, v += LANES) sum -= L::load(v) * L::load(y + *c++);
    for (int32_t k = 0; k < loose; ++k, v += LANES, c += LANES) sum -= L::load(v) * gather<LANES>(y, c);
    *value = v, *column = c;
    return sum;
  }

  struct Builder {
    struct One {
      int32_t start, lane; /* where a run with this entry would start */
      double value;
    };
    const Csr &a;
    const Order &order, &other;
    Side side;
    int64_t low, high; /* places that may be read, computed or not */
    std::vector<double> values;
    std::vector<int32_t> columns;
    std::vector<One> found, left;

    template <class Entry> void chunk(int64_t p, Entry entry) {
      size_t ends[LANES + 1] = {};
      found.clear(), left.clear();
      for (int32_t l = 0; l < LANES; ++l, ends[l] = found.size()) {
        const int64_t i = order.row[size_t(p + l)];
        if (i < 0) continue;
        int64_t k = a.indptr[i], end = a.indptr[i + 1];
        if (side == Side::kBehind)
          for (k = end; k > a.indptr[i] && a.indices[k - 1] > i;) --k;
        for (; k < end; ++k) {
          const int32_t j = a.indices[k];
          if (side == Side::kBefore && j >= i) break;
          if (j != i || side == Side::kAll) found.push_back({other.place[size_t(j)] - l, l, entry(i, k)});
        }
      }
      const size_t head = columns.size();
      columns.resize(head + 2);
      if (LANES == 1) left = found;
      else if (!aligned(ends)) runs();
      loose(head);
    }

    /* All rows alike, as in a stencil: nothing to sort. */
    bool aligned(const size_t *ends) {
      const size_t n = ends[1];
      for (int l = 1; l < LANES; ++l) {
        if (ends[l + 1] - ends[l] != n) return false;
        for (size_t k = 0; k < n; ++k)
          if (found[size_t(l) * n + k].start != found[k].start) return false;
      }
      for (size_t k = 0; k < n; ++k)
        if (found[k].start < low || found[k].start + LANES > high) return false;
      for (size_t k = 0; k < n; ++k) {
        columns.push_back(found[k].start);
        for (size_t l = 0; l < LANES; ++l) values.push_back(found[l * n + k].value);
      }
      return true;
    }

    /* Starts that several lanes share. */
    void runs() {
      std::sort(found.begin(), found.end(), [](const One &a, const One &b) { return a.start != b.start ? a.start < b.start : a.lane < b.lane; });
      for (size_t a = 0, b; a < found.size(); a = b) {
        for (b = a + 1; b < found.size() && found[b].start == found[a].start; ++b) continue;
        const int64_t start = found[a].start;
        if (b - a < kWorth || start < low || start + LANES > high) {
          left.insert(left.end(), found.begin() + std::ptrdiff_t(a), found.begin() + std::ptrdiff_t(b));
          continue;
        }
        const size_t at = values.size();
        values.resize(at + LANES);
        for (size_t k = a; k < b; ++k) values[at + size_t(found[k].lane)] = found[k].value;
        columns.push_back(int32_t(start));
      }
    }

    void loose(size_t head) {
      int32_t filled[LANES] = {}, most = 0;
      for (const One &e : left) most = std::max(most, ++filled[e.lane]);
      columns[head] = int32_t(columns.size() - head) - 2, columns[head + 1] = most;
      const size_t v = values.size(), c = columns.size();
      values.resize(v + size_t(most) * LANES), columns.resize(c + size_t(most) * LANES, int32_t(side == Side::kBehind ? other.places - 1 : 0));
      std::fill(filled, filled + LANES, 0);
      for (const One &e : left) {
        const size_t at = size_t(filled[e.lane]++ * LANES + e.lane);
        values[v + at] = e.value, columns[c + at] = e.start + e.lane;
      }
    }
    static constexpr size_t kWorth = 3;
  };

  int64_t threads_;
  std::vector<Part> parts_;
  memory::Array<double> values_;
  memory::Array<int32_t> columns_;
};

/* What stands before the diagonal and what stands behind it; made side by side where there are threads. */
template <int LANES> struct Halves {
  template <class Before, class Behind>
  Halves(const Csr &a, const Order &order, int64_t threads, Before before, Behind behind) {
#pragma omp parallel sections num_threads(2) if (threads > 1)
    {
#pragma omp section
      below_ = make(a, order, Side::kBefore, threads, before);
#pragma omp section
      above_ = make(a, order, Side::kBehind, threads, behind);
    }
    if (!below_ || !above_) throw std::bad_alloc();
  }
  const Chunks<LANES> &below() const { return *below_; }
  const Chunks<LANES> &above() const { return *above_; }

 private:
  using Made = std::unique_ptr<Chunks<LANES>>;
  template <class Entry> static Made make(const Csr &a, const Order &order, Side side, int64_t threads, Entry entry) {
    try {
      return std::make_unique<Chunks<LANES>>(a, order, order, side, threads, entry);
    } catch (const std::bad_alloc &) {
      return nullptr; /* no exception leaves a parallel region */
    }
  }
  Made below_, above_;
};

/* The entries of S A S. */
inline auto scaled(const Csr &a, const std::vector<double> &scale) {
  return [&a, &scale](int64_t i, int64_t k) { return a.data[k] * scale[size_t(i)] * scale[size_t(a.indices[k])]; };
}

}  // namespace solve
#endif
