/* Unknowns in an order in which eight at a time can be computed side by side, and threads seldom wait for each other. */
#ifndef SHARED_ORDER_HPP
#define SHARED_ORDER_HPP
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <type_traits>
#include <vector>

namespace sweeps {

/* A matrix that lies elsewhere. */
struct Csr {
  int64_t nrows, ncols;
  const int64_t *indptr;
  const int32_t *indices;
  const double *data;
};

/* Consecutive places that one thread works through, level by level; a level starts at each of `levels` but the last. */
struct Stretch {
  int64_t first = 0, last = 0;
  std::vector<int64_t> levels;
  bool descending = false; /* whether its rows need others of it that have a higher number, not a lower one */
};

/* Rows at places. In each of several phases every thread has one stretch, which needs nothing of the others' in that phase.
 * A level starts a new chunk of lanes; places that stay empty hold zeros in every vector. */
struct Order {
  int64_t places = 0, threads = 1;
  bool ascending = false;      /* whether a row needs none with a higher number */
  int64_t first = 0, last = 0; /* places of rows; before and behind them are, under MPI, those of other ranks' rows */
  std::vector<int32_t> place;  /* of each row, and of others' rows in the order in which they are fetched */
  std::vector<int32_t> row;   /* at each place, or -1 */
  std::vector<Stretch> stretches;
  int64_t phases() const { return int64_t(stretches.size()) / threads; }
  const Stretch &stretch(int64_t phase, int64_t thread) const { return stretches[size_t(phase * threads + thread)]; }
};

constexpr double kUneven = 2;      /* times its mean, the longest of some rows from which on they are sorted by length */
constexpr int64_t kWindow = 1024; /* rows that are sorted together where their order is free */

/* Long rows beside long ones, where some are much longer than most: a chunk is as long as its longest row, and where rows come one
 * by one, ends of loops are where they were expected. */
inline void alike(const Csr &a, int64_t first, int64_t last, std::vector<int32_t> *rows) {
  const auto length = [&](int32_t i) { return a.indptr[i + 1] - a.indptr[i]; };
  int64_t most = 0, sum = 0;
  for (int64_t p = first; p < last; ++p) most = std::max(most, length((*rows)[size_t(p)])), sum += length((*rows)[size_t(p)]);
  if (double(most) * double(last - first) > kUneven * double(sum))
    std::stable_sort(rows->begin() + first, rows->begin() + last, [&](int32_t i, int32_t j) { return length(i) > length(j); });
}

/* The rows as they come, or, of several lanes, nearly so. */
inline Order natural(const Csr &a, int64_t lanes, int64_t threads = 1) {
  Order o;
  const int64_t chunks = (a.nrows + lanes - 1) / lanes;
  o.places = o.last = chunks * lanes, o.threads = threads, o.ascending = lanes == 1;
  o.place.resize(size_t(a.nrows)), o.row.assign(size_t(o.places), -1);
  for (int64_t t = 0; t < threads; ++t) {
    const int64_t first = chunks * t / threads * lanes, last = chunks * (t + 1) / threads * lanes;
    o.stretches.push_back({first, last, {first, last}, false});
  }
  for (int64_t i = 0; i < a.nrows; ++i) o.row[size_t(i)] = int32_t(i);
  for (int64_t i = 0; lanes > 1 && i < a.nrows; i += kWindow) alike(a, i, std::min(a.nrows, i + kWindow), &o.row);
  for (int64_t p = 0; p < a.nrows; ++p) o.place[size_t(o.row[size_t(p)])] = int32_t(p);
  return o;
}

constexpr double kMostBetween = 0.2; /* of all rows, up to which blocks are worth it */

/* Levels: an unknown stands behind all that it needs, those of a level need none of each other (Anderson and Saad, Int. J. High
 * Speed Comput. 1(1), 1989). One thread has the rows in the matrix's own order. More have a block of rows each, worked through
 * from the first row on and from the last row on in turns, and what lies between blocks comes last: the twisted factorization
 * (van der Vorst, Parallel Computing 5, 1987), which takes up to a third more iterations than the rows' own order. */
class Levels {
 public:
  Levels(const Csr &a, int64_t lanes, int64_t threads) : a_(a), lanes_(lanes), level_(size_t(a.nrows)) {
    std::vector<int64_t> cut(1, 0);
    for (int64_t t = 1; t <= threads; ++t)
      cut.push_back(std::lower_bound(a.indptr, a.indptr + a.nrows, a.indptr[a.nrows] * t / threads) - a.indptr);
    cut.back() = a.nrows;
    std::vector<int32_t> between;
    std::vector<std::vector<int32_t>> blocks(static_cast<size_t>(threads));
    if (threads == 1) {
      blocks[0].resize(size_t(a.nrows));
      std::iota(blocks[0].begin(), blocks[0].end(), 0);
    } else {
      between_.assign(size_t(a.nrows), 0);
      for (int64_t t = 0; t < threads; ++t) {
        auto &inner = blocks[size_t(t)];
        for (int64_t i = cut[size_t(t)]; i < cut[size_t(t) + 1]; ++i) {
          const bool bound = a.indptr[i] < a.indptr[i + 1] && a.indices[a.indptr[i]] < cut[size_t(t)];
          between_[size_t(i)] = bound;
          (bound ? between : inner).push_back(int32_t(i));
        }
        if (t % 2) std::reverse(inner.begin(), inner.end());
      }
    }
    if (double(between.size()) > kMostBetween * double(a.nrows)) {
      *this = Levels(a, lanes, 1);
      return;
    }
    order_.threads = threads, order_.ascending = threads == 1, order_.place.resize(size_t(a.nrows));
    for (int64_t t = 0; t < threads; ++t) append(blocks[size_t(t)], cut[size_t(t)], cut[size_t(t) + 1], t % 2, false);
    if (threads > 1) append(between, 0, a.nrows, false, true);
    for (int64_t t = 1; t < threads; ++t) append({}, 0, 0, false, true);
    order_.last = order_.places;
  }

  /* One rank's rows, likewise: `between`, which of them need a lower rank's. Behind its own columns `a` has those of `lower`
   * rows of lower ranks, which stand before all of these, and of `higher` rows of higher ranks, which stand behind them. */
  Levels(const Csr &a, int64_t lanes, const std::vector<char> &between, bool descending, int64_t lower, int64_t higher)
      : a_(a), lanes_(lanes), level_(size_t(a.nrows)), between_(between) {
    std::vector<int32_t> inner, last;
    for (int64_t i = 0; i < a.nrows; ++i) (between[size_t(i)] ? last : inner).push_back(int32_t(i));
    if (descending) std::reverse(inner.begin(), inner.end());
    order_.places = order_.first = (lower + lanes - 1) / lanes * lanes;
    order_.row.assign(size_t(order_.first), -1), order_.place.resize(size_t(a.nrows));
    append(inner, 0, a.nrows, descending, false);
    append(last, 0, a.nrows, false, true);
    order_.last = order_.places;
    for (int64_t k = 0; k < lower; ++k) order_.place.push_back(int32_t(k));
    for (int64_t k = 0; k < higher; ++k) order_.place.push_back(int32_t(order_.last + k));
    order_.places += (higher + lanes - 1) / lanes * lanes, order_.row.resize(size_t(order_.places), -1);
  }

  Order take() { return std::move(order_); }

 private:
  /* `rows` of [low, high), in the order given, as one stretch. */
  void append(const std::vector<int32_t> &rows, int64_t low, int64_t high, bool descending, bool last) {
    std::vector<int64_t> next;
    int64_t shortest = INT64_MAX, longest = 0;
    for (const int32_t i : rows) {
      const int64_t from = a_.indptr[i], to = a_.indptr[i + 1], first = descending ? i + 1 : low, behind = descending ? high : i;
      int32_t deepest = 0;
      for (int64_t k = from; k < to; ++k) {
        const int32_t j = a_.indices[k];
        if (j >= first && j < behind && (between_.empty() || (between_[size_t(j)] != 0) == last))
          deepest = std::max(deepest, level_[size_t(j)] + 1);
      }
      level_[size_t(i)] = deepest;
      if (size_t(deepest) == next.size()) next.push_back(0);
      ++next[size_t(deepest)];
      shortest = std::min(shortest, to - from), longest = std::max(longest, to - from);
    }
    Stretch s{order_.places, order_.places, {order_.places}, descending};
    for (int64_t &count : next) {
      const int64_t start = s.last;
      s.last += (count + lanes_ - 1) / lanes_ * lanes_, count = start;
      s.levels.push_back(s.last);
    }
    order_.places = s.last, order_.row.resize(size_t(s.last), -1);
    for (const int32_t i : rows) {
      const int64_t p = next[size_t(level_[size_t(i)])]++;
      order_.row[size_t(p)] = i, order_.place[size_t(i)] = int32_t(p);
    }
    if (double(longest) > kUneven * double(shortest)) { /* else no level is uneven */
      for (size_t l = 0; l + 1 < s.levels.size(); ++l) alike(a_, s.levels[l], next[l], &order_.row);
      for (int64_t p = s.first; p < s.last; ++p)
        if (order_.row[size_t(p)] >= 0) order_.place[size_t(order_.row[size_t(p)])] = int32_t(p);
    }
    order_.stretches.push_back(std::move(s));
  }

  Csr a_;
  int64_t lanes_;
  std::vector<int32_t> level_;
  std::vector<char> between_; /* empty where there is but one block */
  Order order_;
};

inline Order by_level(const Csr &a, int64_t lanes, int64_t threads) { return Levels(a, lanes, threads).take(); }

constexpr double kPadded = 1.5, kFilled = 2; /* places per row, and room per entry, up to which vectors are worth it */

/* Places for entries if each eight rows side by side have as many as the longest of them. */
inline int64_t room(const Csr &a, const Order &order) {
  int64_t sum = 0;
  for (int64_t p = 0; p < order.places; p += 8) {
    int64_t longest = 0;
    for (int64_t l = p; l < p + 8; ++l)
      if (const int64_t i = order.row[size_t(l)]; i >= 0) longest = std::max(longest, a.indptr[i + 1] - a.indptr[i]);
    sum += 8 * longest;
  }
  return sum;
}

/* make(order, lanes): levels where they are wide enough for vectors and rows alike, else the rows' own order. */
template <class Make> auto in_levels(const Csr &a, int64_t threads, Make make) {
  Order order = by_level(a, 8, threads);
  const bool wide = double(order.places) <= kPadded * double(a.nrows);
  if (wide && double(room(a, order)) <= kFilled * double(a.indptr[a.nrows])) return make(std::move(order), std::integral_constant<int, 8>{});
  return make(threads == 1 ? natural(a, 1) : by_level(a, 1, threads), std::integral_constant<int, 1>{});
}

}  // namespace sweeps
#endif
