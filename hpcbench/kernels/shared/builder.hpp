/* How rows of a sparse matrix become chunks of LANES places: entries of neighbouring rows whose columns follow each other as the rows
 * do make up a run, which is one vector load, others are loose. */
#ifndef SHARED_BUILDER_HPP
#define SHARED_BUILDER_HPP
#include <algorithm>
#include <cstdint>
#include <vector>

#include "order.hpp"

namespace sweeps {

/* Which entries of the matrix: those at places before the row's, those behind it, all but the diagonal's, or all. Others are all but
 * the diagonal's, too, but only those before them in the same stretch can be relied on to be computed. */
enum class Side { kBefore, kBehind, kBoth, kAll, kOthers };

/* Places that are computed already, and by nobody else now. */
struct Known {
  int64_t low = 0, high = 0, other_low = 0, other_high = 0;
  bool holds(int64_t first, int64_t last) const {
    return (first >= low && last <= high) || (first >= other_low && last <= other_high);
  }
};

/* Rows that become chunks, one behind the other: their values and their columns, runs before loose ones. */
template <int LANES> struct Builder {
  struct One {
    int32_t start, lane; /* where a run with this entry would start */
    double value;
  };
  const Csr &a;
  const Order &order, &other;
  Side side;
  Known known;
  std::vector<double> values;
  std::vector<int32_t> columns;
  std::vector<One> found, left;
  std::vector<uint64_t> keys;

  /* Whether a row at place `p` leaves out what is at place `at`. */
  bool skips(int64_t at, int64_t p) const {
    return side == Side::kBefore ? at >= p : side == Side::kBehind ? at <= p : side != Side::kAll && at == p;
  }

  template <class Entry> void row(int64_t p, Entry entry) {
    const size_t head = columns.size();
    const int64_t i = order.row[size_t(p)];
    columns.push_back(0), columns.push_back(0);
    for (int64_t k = i < 0 ? 0 : a.indptr[i], end = i < 0 ? 0 : a.indptr[i + 1]; k < end; ++k) {
      const int32_t at = other.place[size_t(a.indices[k])];
      if (skips(at, p)) continue;
      if (const double value = entry(i, k); value != 0) values.push_back(value), columns.push_back(at);
    }
    columns[head + 1] = int32_t(columns.size() - head) - 2;
  }

  template <class Entry> void chunk(int64_t p, Entry entry) {
    if constexpr (LANES == 1) return row(p, entry);
    if (stencil(p, entry)) return;
    found.clear(), left.clear();
    for (int32_t l = 0; l < LANES; ++l) {
      const int64_t i = order.row[size_t(p + l)];
      if (i < 0) continue;
      for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) {
        const int64_t at = other.place[size_t(a.indices[k])];
        if (skips(at, p + l)) continue;
        if (const double value = entry(i, k); value != 0) found.push_back({int32_t(at) - l, l, value});
      }
    }
    const size_t head = columns.size();
    columns.resize(head + 2);
    runs();
    loose(head);
  }

  /* Rows that are alike: nothing to sort. */
  template <class Entry> bool stencil(int64_t p, Entry entry) {
    int64_t from[LANES], length = 0;
    for (int64_t l = 0; l < LANES; ++l) {
      const int64_t i = order.row[size_t(p + l)];
      if (i < 0) return false;
      from[l] = a.indptr[i];
      if (l == 0) length = a.indptr[i + 1] - from[0];
      else if (a.indptr[i + 1] - from[l] != length) return false;
    }
    const size_t v = values.size(), c = columns.size();
    columns.resize(c + 2);
    for (int64_t k = 0; k < length; ++k) {
      const auto at = [&](int64_t l) { return int64_t(other.place[size_t(a.indices[from[l] + k])]); };
      const int64_t start = at(0);
      bool same = true, skipped = true;
      for (int64_t l = 0; l < LANES; ++l) same &= at(l) == start + l, skipped &= skips(at(l), p + l);
      if (skipped) continue;
      if (!same || !known.holds(start, start + LANES)) {
        values.resize(v), columns.resize(c);
        return false;
      }
      columns.push_back(int32_t(start));
      for (int64_t l = 0; l < LANES; ++l) values.push_back(entry(order.row[size_t(p + l)], from[l] + k));
    }
    columns[c] = int32_t(columns.size() - c) - 2;
    return true;
  }

  /* Starts that several lanes share. */
  void runs() {
    if (found.size() > kMostSorted) { /* of a hub: next to nothing would be found */
      left = found;
      return;
    }
    keys.clear();
    for (size_t k = 0; k < found.size(); ++k) keys.push_back(uint64_t(found[k].start + LANES) << 32 | k);
    std::sort(keys.begin(), keys.end());
    const auto one = [&](size_t k) -> const One & { return found[uint32_t(keys[k])]; };
    for (size_t a = 0, b; a < keys.size(); a = b) {
      for (b = a + 1; b < keys.size() && keys[b] >> 32 == keys[a] >> 32; ++b) continue;
      const int64_t start = one(a).start;
      if (b - a < kWorth || !known.holds(start, start + LANES)) {
        for (size_t k = a; k < b; ++k) left.push_back(one(k));
        continue;
      }
      const size_t at = values.size();
      values.resize(at + LANES);
      for (size_t k = a; k < b; ++k) values[at + size_t(one(k).lane)] = one(k).value;
      columns.push_back(int32_t(start));
    }
  }

  void loose(size_t head) {
    int32_t filled[LANES] = {}, most = 0;
    for (const One &e : left) most = std::max(most, ++filled[e.lane]);
    columns[head] = int32_t(columns.size() - head) - 2, columns[head + 1] = most;
    const size_t v = values.size(), c = columns.size();
    values.resize(v + size_t(most) * LANES), columns.resize(c + size_t(most) * LANES, most ? left[0].start + left[0].lane : 0); /* what a lane without entry reads */
    std::fill(filled, filled + LANES, 0);
    for (const One &e : left) {
      const size_t at = size_t(filled[e.lane]++ * LANES + e.lane);
      values[v + at] = e.value, columns[c + at] = e.start + e.lane;
    }
  }
  static constexpr size_t kWorth = 3, kMostSorted = 64 * LANES;
};

}  // namespace sweeps
#endif
