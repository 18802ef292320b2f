/* Who needs whom, where the pattern of a matrix need not be symmetric. */
#ifndef SOLVE_PATTERN_HPP
#define SOLVE_PATTERN_HPP
#include <algorithm>
#include <iterator>

#include "../../shared/order.hpp"

namespace solve {

using namespace sweeps;

/* The places of A and of A^T together: in levels of these nobody needs another in either direction. */
struct Pattern {
  std::vector<int64_t> indptr;
  std::vector<int32_t> indices;

  explicit Pattern(const Csr &a) : indptr(size_t(a.nrows) + 1) {
    std::vector<int64_t> count(size_t(a.nrows) + 1), next;
    for (int64_t k = 0; k < a.indptr[a.nrows]; ++k) ++count[size_t(a.indices[k]) + 1];
    for (int64_t i = 0; i < a.nrows; ++i) count[size_t(i) + 1] += count[size_t(i)];
    next = count;
    std::vector<int32_t> turned(size_t(a.indptr[a.nrows]));
    for (int64_t i = 0; i < a.nrows; ++i)
      for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) turned[size_t(next[size_t(a.indices[k])]++)] = int32_t(i);
    indices.reserve(turned.size());
    for (int64_t i = 0; i < a.nrows; ++i) {
      std::set_union(a.indices + a.indptr[i], a.indices + a.indptr[i + 1], turned.begin() + count[size_t(i)],
                     turned.begin() + count[size_t(i) + 1], std::back_inserter(indices));
      indptr[size_t(i) + 1] = int64_t(indices.size());
    }
  }
  Csr view() const { return {int64_t(indptr.size()) - 1, int64_t(indptr.size()) - 1, indptr.data(), indices.data(), nullptr}; }
};

}  // namespace solve
#endif
