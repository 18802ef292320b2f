/* A matrix as a mosaic: its rows are stored by what they are.
 *
 *   diagonals  eight rows with entries at the same distances from their diagonals (stencils): one vector of values per
 *              distance, met by eight neighbouring entries of x, no column read at all
 *   runs       up to four rows with the same columns, many of them neighbours (several unknowns per node, dense blocks):
 *              entries of x are read once for all of them
 *   lanes      short rows of about the same length, eight side by side (SELL): no loop ends where nobody expected it
 *   rows       everything else: CSR as it came
 *   blocks     many rows together, where x does not stay in a cache
 *
 * Consecutive tiles with the same pattern, counted from their first row, share it, so that what says where entries stand
 * costs next to no traffic on regular grids. Distances after DIA, rows of equal columns after PETSc's inodes, lanes after
 * SELL-C-sigma (Kreutzer et al., SIAM J. Sci. Comput. 36(5), 2014); that they are mixed row by row, by estimated cost, is
 * ours. */
#ifndef SPMV_MOSAIC_HPP
#define SPMV_MOSAIC_HPP
#include "blocks.hpp"
#include "lanes.hpp"
#include "tiles.hpp"

namespace spmv {

constexpr int64_t kEntry = 12; /* bytes of a column and a value */

/* What is multiplied, in the time that a core takes for an entry in CSR, as measured on Zen 4. A pattern that is new ends a
 * loop where nobody expected it, and what is new in every tile is not fetched from memory in time. */
struct Cost {
  enum Place { kOwnCache, kSharedCache, kMemory } place; /* where the matrix is */
  double rows(int64_t entries, int64_t rows) const { return double(entries) + 2.0 * double(rows); }
  double runs(int64_t steps, int64_t rows, int64_t entries, bool known) const {
    const double bytes = place == kOwnCache ? 0.0 : 0.67 * double(entries);
    return std::max(double(steps) * (2.9 + 1.5 * double(rows)), bytes) + 5.0 * double(rows) + (known ? 0.0 : kNew);
  }
  double step(bool known) const { return known ? (place == kOwnCache ? 1.5 : 4.4) : place == kMemory ? 9.0 : 4.5; }
  double diagonals(int64_t steps, bool known) const { return step(known) * double(steps) + 4.0 + (known ? 0.0 : kNew); }
  static constexpr double kNew = 15.0;
};

class Mosaic {
 public:
  /* Of the rows [from, to); throws std::bad_alloc. */
  Mosaic(const spmv_in *in, int64_t from, int64_t to);
  void multiply(const spmv_in *in, double *y) const;

 private:
  struct Window {
    int64_t end;
    size_t segments, chunks, rows; /* where they end */
    bool zero;                     /* many rows have no entries, and y is zero before the others come */
    bool blocks;                   /* it is a band of them, and nothing else */
  };
  void tile(const spmv_in *in, int64_t low, int64_t to, std::vector<int64_t> *lows);
  void choose(const spmv_in *in, int64_t row, int64_t to, std::vector<int64_t> *rest);
  bool known(int64_t height, const std::vector<Step> &steps) const;
  void append(int64_t row, int64_t height, const std::vector<Step> &steps);
  void fill(const spmv_in *in);

  int64_t from_;
  bool past_; /* whether y is written past the caches, which the matrix sweeps anyway */
  Cost cost_;
  std::vector<Window> windows_;
  std::vector<Segment> segments_;
  std::vector<Step> steps_;
  memory::Array<double> values_; /* of all segments, as they are met */
  Lanes lanes_;
  std::vector<int64_t> rows_;
  Blocks blocks_;
};

inline Mosaic::Mosaic(const spmv_in *in, int64_t from, int64_t to)
    : from_(from), past_(kEntry * in->indptr[in->nrows] > cache::last()) {
  const bool fits = kEntry * (in->indptr[to] - in->indptr[from]) <= cache::own();
  cost_.place = past_ ? Cost::kMemory : fits ? Cost::kOwnCache : Cost::kSharedCache;
  std::vector<int64_t> lows; /* where the window of each chunk begins */
  for (int64_t low = from, high; low < to; low = high) {
    high = std::min(to, low + blocks_.height());
    if (blocks_.pay(in, low, high)) {
      blocks_.band(low, high);
      windows_.push_back({high, segments_.size(), lanes_.chunks(), rows_.size(), false, true});
      continue;
    }
    for (int64_t row = low; row < high; row += kWindow) tile(in, row, std::min(high, row + kWindow), &lows);
  }
  fill(in);
  lanes_.fill(in, lows), blocks_.fill(in);
}

/* The rows [low, to) as a window. */
inline void Mosaic::tile(const spmv_in *in, int64_t low, int64_t to, std::vector<int64_t> *lows) {
  std::vector<int64_t> rest;
  choose(in, low, to, &rest);
  const auto empty = [in](int64_t i) { return in->indptr[i] == in->indptr[i + 1]; };
  const bool zero = 4 * std::count_if(rest.begin(), rest.end(), empty) > kWindow;
  if (zero) rest.erase(std::remove_if(rest.begin(), rest.end(), empty), rest.end());
  lanes_.add(in, low, &rest, &rows_);
  lows->resize(lanes_.chunks(), low);
  windows_.push_back({to, segments_.size(), lanes_.chunks(), rows_.size(), zero, false});
}

/* How the rows from `row` up to `to` are stored; `rest` are those with no pattern that pays. */
inline void Mosaic::choose(const spmv_in *in, int64_t row, int64_t to, std::vector<int64_t> *rest) {
#ifdef SPARSE_AVX512
  std::vector<Step> diagonals, runs, next;
  const auto repeats = [&](int64_t first, const std::vector<Step> &steps) { /* whether the next tile has the same pattern */
    if (first + 2 * kLanes > to) return false;
    find_diagonals(in, first + kLanes, int64_t(steps.size()), &next);
    return next.size() == steps.size() && std::equal(next.begin(), next.end(), steps.begin(), same);
  };
  while (row < to && to <= INT32_MAX) { /* where a distance fits in 32 bits */
    const int64_t n = in->indptr[row + 1] - in->indptr[row];
    const int64_t height = find_runs(in, row, to, &runs);
    const double run_cost = cost_.runs(int64_t(runs.size()), height, n * height, known(height, runs));
    const double run_gain = cost_.rows(n * height, height) / run_cost;
    double diagonal_gain = 0;
    if (row + kLanes <= to) {
      const double plain = cost_.rows(in->indptr[row + kLanes] - in->indptr[row], kLanes);
      find_diagonals(in, row, int64_t(plain / cost_.step(true)), &diagonals);
      const bool again = known(kLanes, diagonals) || repeats(row, diagonals);
      if (!diagonals.empty()) diagonal_gain = plain / cost_.diagonals(int64_t(diagonals.size()), again);
    }
    if (diagonal_gain > std::max(1.0, run_gain)) append(row, kLanes, diagonals), row += kLanes;
    else if (n && run_gain > 1.0) append(row, height, runs), row += height;
    else rest->push_back(row++);
  }
#endif
  while (row < to) rest->push_back(row++);
}

/* Whether the last segment goes on with such a tile. */
inline bool Mosaic::known(int64_t height, const std::vector<Step> &steps) const {
  if (segments_.empty()) return false;
  const Segment &last = segments_.back();
  return last.height == height && last.steps == int32_t(steps.size()) &&
         std::equal(steps.begin(), steps.end(), steps_.begin() + last.at, same);
}

inline void Mosaic::append(int64_t row, int64_t height, const std::vector<Step> &steps) {
  const bool before = !windows_.empty() && windows_.back().segments == segments_.size();
  if (!before && known(height, steps) && segments_.back().end == row) {
    segments_.back().end += height;
    return;
  }
  const bool full = std::all_of(steps.begin(), steps.end(), [](const Step &s) { return s.count == kLanes; });
  segments_.push_back({row, row + height, int64_t(steps_.size()), int32_t(steps.size()), int16_t(height), full});
  steps_.insert(steps_.end(), steps.begin(), steps.end());
}

inline void Mosaic::fill(const spmv_in *in) {
  const auto places = [in](const Segment &s) {
    const int64_t entries = in->indptr[s.end] - in->indptr[s.begin];
    return s.height == kLanes ? (s.end - s.begin) * s.steps : (entries + kLanes - 1) / kLanes * kLanes;
  };
  int64_t total = 0;
  for (const Segment &s : segments_) total += places(s);
  values_ = memory::array<double>(total);
  double *to = values_.get();
  for (const Segment &s : segments_) {
    const Step *steps = steps_.data() + s.at;
    double *p = to;
    for (int64_t row = s.begin; row < s.end; row += s.height) {
      int64_t k[kLanes]; /* what is next in each row */
      std::copy(in->indptr + row, in->indptr + row + s.height, k);
      for (int32_t i = 0; i < s.steps; ++i)
        for (int64_t h = 0; h < s.height; ++h) {
          if (s.height == kLanes) *p++ = steps[i].mask >> h & 1 ? in->data[k[h]++] : 0.0;
          else p = std::copy(in->data + k[h], in->data + k[h] + steps[i].count, p), k[h] += steps[i].count;
        }
    }
    to += places(s);
  }
}

inline void Mosaic::multiply(const spmv_in *in, double *y) const {
  size_t segment = 0, row = 0, band = 0;
  int64_t low = from_;
  Lanes::Cursor lane = lanes_.begin();
#ifdef SPARSE_AVX512
  const double *values = values_.get();
#endif
  for (const Window &w : windows_) {
    if (w.blocks) blocks_.multiply(band++, in->x, y);
    if (w.zero) std::fill(y + low, y + w.end, 0.0);
    for (; segment < w.segments; ++segment) {
#ifdef SPARSE_AVX512
      const Segment &s = segments_[segment];
      const Step *steps = steps_.data() + s.at;
      switch (s.height) {
        case 1: values = runs<1, 4>(s, steps, values, in->x, y); break;
        case 2: values = runs<2, 2>(s, steps, values, in->x, y); break;
        case 3: values = runs<3, 2>(s, steps, values, in->x, y); break;
        case 4: values = runs<4, 1>(s, steps, values, in->x, y); break;
        default: values = (s.full ? diagonals<true> : diagonals<false>)(s, steps, values, in->x, y, past_);
      }
#endif
    }
    lanes_.multiply(&lane, w.chunks, low, in->x, y);
    for (; row < w.rows; ++row) rows(in, rows_[row], rows_[row] + 1, y);
    low = w.end;
  }
#ifdef SPARSE_AVX512
  if (past_) _mm_sfence();
#endif
}

}  // namespace spmv
#endif
