/* Unknowns in an order in which eight at a time can be computed side by side. */
#ifndef SOLVE_ORDER_HPP
#define SOLVE_ORDER_HPP
#include <algorithm>
#include <cstdint>
#include <vector>

#include "abi.h"

namespace solve {

/* A matrix that lies elsewhere. */
struct Csr {
  int64_t nrows, ncols;
  const int64_t *indptr;
  const int32_t *indices;
  const double *data;
};
inline Csr matrix(const solve_in *in) { return {in->nrows, in->order, in->indptr, in->indices, in->data}; }

/* Levels of the lower triangle: an unknown stands behind all that it needs, those of a level need none of each other
 * (Anderson and Saad, Int. J. High Speed Comput. 1(1), 1989). A level starts a new chunk of kLanes places; places that
 * stay empty hold zeros in every vector. The arithmetic is that of the matrix's own order. */
struct Order {
  int64_t places = 0;
  std::vector<int32_t> place;  /* of each row */
  std::vector<int32_t> row;    /* at each place, or -1 */
  std::vector<int64_t> levels; /* first place of each level, and the end */
};

/* The rows as they come, all in one level. */
inline Order natural(const Csr &a, int64_t lanes) {
  Order o;
  o.places = (a.nrows + lanes - 1) / lanes * lanes;
  o.place.resize(size_t(a.nrows)), o.row.assign(size_t(o.places), -1), o.levels = {0, o.places};
  for (int64_t i = 0; i < a.nrows; ++i) o.place[size_t(i)] = o.row[size_t(i)] = int32_t(i);
  return o;
}

inline Order by_level(const Csr &a, int64_t lanes) {
  const int64_t n = a.nrows;
  std::vector<int32_t> level(size_t(n), 0);
  std::vector<int64_t> count;
  for (int64_t i = 0; i < n; ++i) {
    int32_t deepest = 0;
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1] && a.indices[k] < i; ++k)
      deepest = std::max(deepest, level[size_t(a.indices[k])] + 1);
    level[size_t(i)] = deepest;
    if (size_t(deepest) == count.size()) count.push_back(0);
    ++count[size_t(deepest)];
  }
  Order o;
  o.levels.push_back(0);
  for (int64_t rows : count) o.levels.push_back(o.levels.back() + (rows + lanes - 1) / lanes * lanes);
  o.places = o.levels.back();
  o.place.resize(size_t(n)), o.row.assign(size_t(o.places), -1);
  std::vector<int64_t> next(o.levels.begin(), o.levels.end());
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = next[size_t(level[size_t(i)])]++;
    o.place[size_t(i)] = int32_t(at), o.row[size_t(at)] = int32_t(i);
  }
  return o;
}

}  // namespace solve
#endif
