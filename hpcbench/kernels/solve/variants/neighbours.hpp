/* The graph of a matrix whose pattern need not be symmetric. */
#ifndef SOLVE_NEIGHBOURS_HPP
#define SOLVE_NEIGHBOURS_HPP
#include <cstdint>
#include <vector>

#include "../../shared/order.hpp"

namespace solve {

using namespace sweeps;

/* Columns of A + A': whom a row needs, and who needs it. */
class Neighbours {
 public:
  explicit Neighbours(const Csr &a) : start_(size_t(a.nrows) + 2, 0), ids_(size_t(2 * a.indptr[a.nrows])) {
    for (int64_t i = 0; i < a.nrows; ++i)
      for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) ++start_[size_t(i) + 2], ++start_[size_t(a.indices[k]) + 2];
    for (size_t i = 2; i < start_.size(); ++i) start_[i] += start_[i - 1];
    for (int64_t i = 0; i < a.nrows; ++i)
      for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) {
        ids_[size_t(start_[size_t(i) + 1]++)] = a.indices[k];
        ids_[size_t(start_[size_t(a.indices[k]) + 1]++)] = int32_t(i);
      }
  }
  Csr pattern() const { return {int64_t(start_.size()) - 2, int64_t(start_.size()) - 2, start_.data(), ids_.data(), nullptr}; }
  const int32_t *begin(int64_t i) const { return ids_.data() + start_[size_t(i)]; }
  const int32_t *end(int64_t i) const { return ids_.data() + start_[size_t(i) + 1]; }

 private:
  std::vector<int64_t> start_;
  std::vector<int32_t> ids_;
};

}  // namespace solve
#endif
