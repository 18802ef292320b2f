/* How rows of a sparse matrix become chunks of LANES places: entries of neighbouring rows whose columns follow each other as the rows
 * do make up a run, which is one vector load, others are loose. */
#ifndef SHARED_BUILDER_HPP
#define SHARED_BUILDER_HPP
#include <algorithm>
#include <cstdint>
#include <vector>

#include "memory.hpp"
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
template <int LANES, class Value> class Builder {
 public:
  /* Room for `entries` of one to begin with. */
  Builder(const Csr &a, const Order &order, const Order &other, Side side, int64_t entries)
      : values(entries), columns(entries / LANES), a_(a), order_(order), place_(other.place.data()), side_(side) {}

  Known known;
  memory::Growing<Value> values;
  memory::Growing<int32_t> columns;

  template <class Entry> void chunk(int64_t p, Entry entry) {
    if constexpr (LANES == 1) return row(p, entry);
    if (stencil(p, entry)) return;
    if (blind_ > 0) return --blind_, as_they_come(p, entry);
    runs_ = 0, left_.clear();
    const int64_t head = columns.size();
    columns.room(2), columns.grow(2);
    if (!few(p, entry)) many(p, entry);
    looked();
    loose(head);
  }

 private:
  struct One {
    int32_t start, lane; /* where a run with this entry would start */
    double value;
  };
  struct Start {
    int32_t start;
    uint32_t lanes; /* that have it */
    double value[LANES];
  };
  static constexpr int32_t kFew = 16;
  static constexpr size_t kWorth = 3, kMostSorted = 64 * LANES;
  static constexpr int64_t kLooks = 8, kBlind = 64, kRare = 16; /* chunks that are looked at, and then not, where one entry in so many is in a run */

  /* Whether a row at place `p` leaves out what is at place `at`. */
  bool skips(int64_t at, int64_t p) const {
    return side_ == Side::kBefore ? at >= p : side_ == Side::kBehind ? at <= p : side_ != Side::kAll && at == p;
  }

  template <class Entry> void row(int64_t p, Entry entry) {
    const int64_t i = order_.row[size_t(p)], from = i < 0 ? 0 : a_.indptr[i], to = i < 0 ? 0 : a_.indptr[i + 1];
    Value *v = values.room(to - from);
    int32_t *c = columns.room(to - from + 2), n = 0;
    for (int64_t k = from; k < to; ++k) {
      const int32_t at = place_[a_.indices[k]];
      if (skips(at, p)) continue;
      if (const Value value = Value(entry(i, k)); value != 0) v[n] = value, c[2 + n++] = at;
    }
    c[0] = 0, c[1] = n, values.grow(n), columns.grow(n + 2);
  }

  /* Rows that are alike: nothing to look for. */
  template <class Entry> bool stencil(int64_t p, Entry entry) {
    const int32_t *row = order_.row.data() + p;
    int64_t from[LANES], length = 0;
    for (int64_t l = 0; l < LANES; ++l) {
      if (row[l] < 0) return false;
      from[l] = a_.indptr[row[l]];
      if (l == 0) length = a_.indptr[row[l] + 1] - from[0];
      else if (a_.indptr[row[l] + 1] - from[l] != length) return false;
    }
    Value *v = values.room(length * LANES);
    int32_t *c = columns.room(length + 2), n = 0;
    for (int64_t k = 0; k < length; ++k) {
      int32_t at[LANES];
      for (int64_t l = 0; l < LANES; ++l) at[l] = place_[a_.indices[from[l] + k]];
      const int64_t start = at[0];
      int32_t apart = 0;
      for (int32_t l = 0; l < LANES; ++l) apart |= (at[l] - l) ^ at[0];
      bool skipped = skips(start, p);
      for (int64_t l = 1; apart && skipped && l < LANES; ++l) skipped = skips(at[l], p + l);
      if (skipped) continue;
      if (apart || !known.holds(start, start + LANES)) return false;
      for (int64_t l = 0; l < LANES; ++l) *v++ = Value(entry(row[l], from[l] + k));
      c[2 + n++] = at[0];
    }
    c[0] = n, c[1] = 0, values.grow(n * LANES), columns.grow(n + 2);
    return true;
  }

  /* Each entry that is not left out: take(start, lane, value), as long as it returns true. */
  template <class Entry, class Take> bool each(int64_t p, Entry entry, Take take) const {
    for (int32_t l = 0; l < LANES; ++l) {
      const int64_t i = order_.row[size_t(p + l)];
      for (int64_t k = i < 0 ? 0 : a_.indptr[i], end = i < 0 ? 0 : a_.indptr[i + 1]; k < end; ++k) {
        const int32_t at = place_[a_.indices[k]];
        if (skips(at, p + l)) continue;
        if (const double value = entry(i, k); value != 0 && !take(at - l, l, value)) return false;
      }
    }
    return true;
  }

  /* A run, if its places are known and enough lanes share it. */
  bool run(int32_t start, int count, Value **to) {
    if (size_t(count) < kWorth || !known.holds(start, start + LANES)) return false;
    columns.push(start), ++runs_, in_runs_ += count;
    *to = values.room(LANES), values.grow(LANES);
    return true;
  }

  /* Rows that are nearly alike: a few starts, looked through one by one; false where there are more. */
  template <class Entry> bool few(int64_t p, Entry entry) {
    Start *some = some_;
    int32_t count = 0, last = -1;
    const bool fits = each(p, entry, [&](int32_t start, int32_t lane, double value) {
      if (++last >= count || some[last].start != start) { /* most often the next one, as in the row before */
        for (last = 0; last < count && some[last].start != start; ++last) continue;
        if (last == kFew) return false;
        if (last == count) some[count++] = {start, 0, {}};
      }
      some[last].lanes |= 1u << lane, some[last].value[lane] = value;
      return true;
    });
    if (!fits) return false;
    std::sort(some, some + count, [](const Start &one, const Start &next) { return one.start < next.start; });
    for (const Start *one = some; one < some + count; ++one)
      if (Value *to; run(one->start, __builtin_popcount(one->lanes), &to)) std::copy(one->value, one->value + LANES, to);
      else
        for (int32_t l = 0; l < LANES; ++l)
          if (one->lanes >> l & 1) left_.push_back({one->start, l, one->value[l]});
    return true;
  }

  /* Starts that several lanes share, however many there are. */
  template <class Entry> void many(int64_t p, Entry entry) {
    found_.clear();
    each(p, entry, [&](int32_t start, int32_t lane, double value) {
      found_.push_back({start, lane, value});
      return true;
    });
    if (found_.size() > kMostSorted) { /* of a hub: next to nothing would be found */
      left_ = found_;
      return;
    }
    const auto bucket = [](const One &e) { return uint32_t(e.start) * 2654435769u >> 22; };
    uint16_t shared[1024] = {}; /* at least as many as have one start, so that few are sorted where hardly any do */
    for (const One &e : found_) ++shared[bucket(e)];
    keys_.clear();
    for (size_t k = 0; k < found_.size(); ++k)
      if (shared[bucket(found_[k])] < kWorth) left_.push_back(found_[k]);
      else keys_.push_back(uint64_t(found_[k].start + LANES) << 32 | k);
    std::sort(keys_.begin(), keys_.end());
    const auto one = [&](size_t k) -> const One & { return found_[uint32_t(keys_[k])]; };
    for (size_t a = 0, b; a < keys_.size(); a = b) {
      for (b = a + 1; b < keys_.size() && keys_[b] >> 32 == keys_[a] >> 32; ++b) continue;
      if (Value *to; run(one(a).start, int(b - a), &to)) {
        std::fill(to, to + LANES, Value(0));
        for (size_t k = a; k < b; ++k) to[one(k).lane] = Value(one(k).value);
      } else {
        for (size_t k = a; k < b; ++k) left_.push_back(one(k));
      }
    }
  }

  /* All of them loose. */
  template <class Entry> void as_they_come(int64_t p, Entry entry) {
    const int32_t *row = order_.row.data() + p;
    int64_t longest = 0;
    for (int64_t l = 0; l < LANES; ++l)
      if (row[l] >= 0) longest = std::max(longest, a_.indptr[row[l] + 1] - a_.indptr[row[l]]);
    Value *v = values.room(longest * LANES);
    int32_t *c = columns.room(longest * LANES + 2), most = 0, filled[LANES] = {}, any = 0;
    for (int32_t l = 0; l < LANES; ++l) {
      for (int64_t k = row[l] < 0 ? 0 : a_.indptr[row[l]], end = row[l] < 0 ? 0 : a_.indptr[row[l] + 1]; k < end; ++k) {
        const int32_t at = place_[a_.indices[k]];
        if (skips(at, p + l)) continue;
        if (const Value value = Value(entry(row[l], k)); value != 0) {
          const int32_t to = filled[l]++ * LANES + l;
          v[to] = value, c[2 + to] = any = at;
        }
      }
      most = std::max(most, filled[l]);
    }
    for (int32_t l = 0; l < LANES; ++l)
      for (int32_t n = filled[l]; n < most; ++n) v[n * LANES + l] = 0, c[2 + n * LANES + l] = any;
    c[0] = 0, c[1] = most, values.grow(int64_t(most) * LANES), columns.grow(int64_t(most) * LANES + 2);
  }

  /* Where hardly any entries are in runs, none are looked for in most chunks. */
  void looked() {
    in_none_ += int64_t(left_.size());
    if (++looks_ < kLooks) return;
    if (kRare * in_runs_ < in_none_) blind_ = kBlind;
    looks_ = in_runs_ = in_none_ = 0;
  }

  /* What is in no run, and how many of both there are. */
  void loose(int64_t head) {
    int32_t filled[LANES] = {}, most = 0;
    for (const One &e : left_) most = std::max(most, ++filled[e.lane]);
    const int64_t count = int64_t(most) * LANES;
    Value *v = values.room(count);
    int32_t *c = columns.room(count);
    columns.begin()[head] = runs_, columns.begin()[head + 1] = most;
    std::fill(v, v + count, Value(0)), std::fill(c, c + count, most ? left_[0].start + left_[0].lane : 0); /* what a lane without entry reads */
    std::fill(filled, filled + LANES, 0);
    for (const One &e : left_) {
      const int32_t at = filled[e.lane]++ * LANES + e.lane;
      v[at] = Value(e.value), c[at] = e.start + e.lane;
    }
    values.grow(count), columns.grow(count);
  }

  const Csr &a_;
  const Order &order_;
  const int32_t *place_;
  Side side_;
  int32_t runs_ = 0;
  int64_t looks_ = 0, in_runs_ = 0, in_none_ = 0, blind_ = 0;
  std::vector<One> found_, left_;
  std::vector<uint64_t> keys_;
  Start some_[kFew];
};

}  // namespace sweeps
#endif
