/* Unknowns in colours: those of one colour need none of each other, so that they can be computed side by side. */
#ifndef SOLVE_MULTICOLOUR_HPP
#define SOLVE_MULTICOLOUR_HPP
#include <algorithm>
#include <cstdint>
#include <vector>

#include "pattern.hpp"

namespace solve {

/* Red and black, in the order of a search in breadth from each part's first row; false where a cycle is odd. */
inline bool in_two_colours(const Csr &near, std::vector<int32_t> *colour) {
  std::fill(colour->begin(), colour->end(), -1);
  std::vector<int32_t> queue;
  for (size_t root = 0; root < colour->size(); ++root) {
    if ((*colour)[root] >= 0) continue;
    (*colour)[root] = 0, queue.assign(1, int32_t(root));
    for (size_t head = 0; head < queue.size(); ++head) {
      const int32_t i = queue[head];
      for (int64_t k = near.indptr[i]; k < near.indptr[i + 1]; ++k) {
        const int32_t j = near.indices[k];
        if (j == i) continue;
        if ((*colour)[size_t(j)] == (*colour)[size_t(i)]) return false;
        if ((*colour)[size_t(j)] < 0) (*colour)[size_t(j)] = 1 - (*colour)[size_t(i)], queue.push_back(j);
      }
    }
  }
  return true;
}

/* Row by row the first colour that no neighbour has (Welsh and Powell, Computer J. 10(1), 1967, without their sorting).
 * others(i, take): take(colour) for each neighbour of row i elsewhere; -1 where it has none yet. */
template <class Others> void first_fit(const Csr &near, std::vector<int32_t> *colour, Others others) {
  std::fill(colour->begin(), colour->end(), -1);
  std::vector<int64_t> taken(1, -1); /* by whose neighbour, last */
  for (size_t i = 0; i < colour->size(); ++i) {
    const auto take = [&taken, i](int32_t c) {
      if (size_t(c + 1) >= taken.size()) taken.resize(size_t(c) + 2, -1); /* always one more than there are */
      if (c >= 0) taken[size_t(c)] = int64_t(i);
    };
    for (int64_t k = near.indptr[i]; k < near.indptr[i + 1]; ++k) take((*colour)[size_t(near.indices[k])]);
    others(i, take);
    const auto free = std::find_if(taken.begin(), taken.end(), [i](int64_t by) { return by != int64_t(i); }) - taken.begin();
    (*colour)[i] = int32_t(free);
  }
}

/* Colour by colour, each in equal parts for the threads: red and black where that is enough. */
inline Order by_colour(const Csr &a, int64_t lanes, int64_t threads) {
  std::vector<int32_t> colour(size_t(a.nrows));
  const Pattern pattern(a);
  if (!in_two_colours(pattern.view(), &colour)) first_fit(pattern.view(), &colour, [](size_t, auto) {});
  std::vector<std::vector<int32_t>> rows;
  for (int64_t i = 0; i < a.nrows; ++i) {
    const size_t c = size_t(colour[size_t(i)]);
    if (c >= rows.size()) rows.resize(c + 1);
    rows[c].push_back(int32_t(i));
  }
  Order o;
  o.threads = threads, o.place.resize(size_t(a.nrows));
  for (auto &some : rows) {
    const int64_t count = int64_t(some.size()), chunks = (count + lanes - 1) / lanes, start = o.places;
    for (int64_t i = 0; i < count; i += kWindow) alike(a, i, std::min(count, i + kWindow), &some);
    for (int64_t t = 0; t < threads; ++t) {
      const int64_t first = start + chunks * t / threads * lanes, last = start + chunks * (t + 1) / threads * lanes;
      o.stretches.push_back({first, last, {first, last}});
    }
    o.places = o.last = start + chunks * lanes;
    o.row.insert(o.row.end(), some.begin(), some.end()), o.row.resize(size_t(o.places), -1);
    for (int64_t p = 0; p < count; ++p) o.place[size_t(some[size_t(p)])] = int32_t(start + p);
  }
  return o;
}

}  // namespace solve
#endif
