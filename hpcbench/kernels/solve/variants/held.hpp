/* Matrices that solvers make. */
#ifndef SOLVE_HELD_HPP
#define SOLVE_HELD_HPP
#include <vector>

#include "../../shared/order.hpp"

namespace solve {

using namespace sweeps;

/* A matrix that is held here. */
struct Held {
  int64_t nrows = 0, ncols = 0;
  std::vector<int64_t> indptr;
  std::vector<int32_t> indices;
  std::vector<double> data;
  Csr view() const { return {nrows, ncols, indptr.data(), indices.data(), data.data()}; }
};

inline Held transposed(const Csr &a) {
  Held t{a.ncols, a.nrows, std::vector<int64_t>(size_t(a.ncols) + 1), std::vector<int32_t>(size_t(a.indptr[a.nrows])), {}};
  t.data.resize(t.indices.size());
  for (size_t k = 0; k < t.indices.size(); ++k) ++t.indptr[size_t(a.indices[k]) + 1];
  for (int64_t i = 0; i < a.ncols; ++i) t.indptr[size_t(i) + 1] += t.indptr[size_t(i)];
  std::vector<int64_t> next(t.indptr.begin(), t.indptr.end() - 1);
  for (int64_t i = 0; i < a.nrows; ++i)
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) {
      const int64_t at = next[size_t(a.indices[k])]++;
      t.indices[size_t(at)] = int32_t(i), t.data[size_t(at)] = a.data[k];
    }
  return t;
}

}  // namespace solve
#endif
