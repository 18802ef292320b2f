/* A coarser matrix by smoothed aggregation (Vanek, Mandel and Brezina, Computing 56, 1996). */
#ifndef SOLVE_AGGREGATE_HPP
#define SOLVE_AGGREGATE_HPP
#include <cmath>
#include <vector>

#include "../../spgemm/variants/rows.hpp"
#include "held.hpp"

namespace solve {

using namespace sweeps;

/* A B by our own SpGEMM, columns ascending. */
inline Held product(const Csr &a, const Csr &b) {
  const rows::Csr left = {a.nrows, a.ncols, a.indptr, a.indices, a.data}, right = {b.nrows, b.ncols, b.indptr, b.indices, b.data};
  int64_t bound = 0;
  for (int64_t k = 0; k < a.indptr[a.nrows]; ++k) bound += b.indptr[a.indices[k] + 1] - b.indptr[a.indices[k]];
  Held c{a.nrows, b.ncols, std::vector<int64_t>(size_t(a.nrows) + 1), std::vector<int32_t>(size_t(bound)), std::vector<double>(size_t(bound))};
  rows::Multiplier multiplier(right, true);
  const int64_t nnz = multiplier.multiply(left, c.indptr.data() + 1, c.indices.data(), c.data.data(), bound);
  if (nnz < 0) throw std::bad_alloc();
  c.indices.resize(size_t(nnz)), c.data.resize(size_t(nnz));
  return c;
}

/* To which aggregate each unknown belongs, -1 for those without a strong neighbour; how many there are. `strong(i, k)`: whether
 * entry k of row i couples. An unknown whose neighbours are all free takes them along; who is left joins a neighbour's. */
template <class Strong> int64_t aggregate(const Csr &a, Strong strong, std::vector<int32_t> *belongs) {
  constexpr int32_t kFree = -2, kAlone = -1;
  const size_t n = size_t(a.nrows);
  std::vector<int32_t> &to = *belongs;
  to.assign(n, kFree);
  int32_t count = 0;
  for (int64_t i = 0; i < a.nrows; ++i) {
    if (to[size_t(i)] != kFree) continue;
    bool any = false, free = true;
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1] && free; ++k)
      if (a.indices[k] != i && strong(i, k)) any = true, free = to[size_t(a.indices[k])] == kFree;
    if (!any) to[size_t(i)] = kAlone;
    if (!any || !free) continue;
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k)
      if (a.indices[k] != i && strong(i, k)) to[size_t(a.indices[k])] = count;
    to[size_t(i)] = count++;
  }
  std::vector<int32_t> first(to);
  for (int64_t i = 0; i < a.nrows; ++i) {
    if (to[size_t(i)] != kFree) continue;
    double most = 0;
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k)
      if (const int32_t j = a.indices[k]; j != i && first[size_t(j)] >= 0 && std::fabs(a.data[k]) > most && strong(i, k))
        most = std::fabs(a.data[k]), to[size_t(i)] = first[size_t(j)];
  }
  for (int64_t i = 0; i < a.nrows; ++i) {
    if (to[size_t(i)] != kFree) continue;
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k)
      if (const int32_t j = a.indices[k]; j != i && to[size_t(j)] == kFree && strong(i, k)) to[size_t(j)] = count;
    to[size_t(i)] = count++;
  }
  return count;
}

/* Whether entry k of row i couples two unknowns, in terms of both their diagonals. */
struct Strong {
  const Csr &a;
  const std::vector<double> &diagonal;
  double threshold;
  bool operator()(int64_t i, int64_t k) const {
    return a.data[k] * a.data[k] > threshold * threshold * diagonal[size_t(i)] * diagonal[size_t(a.indices[k])];
  }
};

/* F: a matrix without what is weak, which went to its diagonal; and a bound of the spectral radius of D^-1 F. */
struct Filtered {
  std::vector<double> diagonal;
  double radius = 1;

  Filtered(const Csr &a, const Strong &strong) : diagonal(strong.diagonal.begin(), strong.diagonal.begin() + a.nrows) {
    for (int64_t i = 0; i < a.nrows; ++i) {
      double sum = 0;
      for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) {
        if (a.indices[k] == i) continue;
        if (strong(i, k)) sum += std::fabs(a.data[k]);
        else diagonal[size_t(i)] += a.data[k];
      }
      if (!(diagonal[size_t(i)] > 0.1 * strong.diagonal[size_t(i)])) diagonal[size_t(i)] = strong.diagonal[size_t(i)];
      radius = std::max(radius, 1 + sum / diagonal[size_t(i)]);
    }
  }
};

/* P = (I - w D^-1 F) T: T has a 1 for each unknown in its aggregate `to`, of which there are `count`; w = 4/3 over the radius. */
inline Held prolongation(const Csr &a, const Strong &strong, const Filtered &f, const std::vector<int32_t> &to, int64_t count) {
  const double w = 4.0 / 3.0 / f.radius;
  Held p{a.nrows, count, std::vector<int64_t>(size_t(a.nrows) + 1), {}, {}};
  std::vector<std::pair<int32_t, double>> row;
  p.indices.reserve(size_t(2 * a.nrows)), p.data.reserve(size_t(2 * a.nrows));
  for (int64_t i = 0; i < a.nrows; ++i) {
    row.clear();
    const auto add = [&](int32_t column, double value) {
      for (auto &[c, v] : row)
        if (c == column) {
          v += value;
          return;
        }
      row.push_back({column, value});
    };
    if (to[size_t(i)] >= 0) {
      add(to[size_t(i)], 1 - w);
      for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k)
        if (const int32_t j = a.indices[k]; j != i && to[size_t(j)] >= 0 && strong(i, k)) add(to[size_t(j)], -w * a.data[k] / f.diagonal[size_t(i)]);
    }
    std::sort(row.begin(), row.end());
    for (const auto &[c, v] : row) p.indices.push_back(c), p.data.push_back(v);
    p.indptr[size_t(i) + 1] = int64_t(p.indices.size());
  }
  return p;
}

}  // namespace solve
#endif
