/* Rows of a matrix in CSR times a vector, and how threads share them. */
#ifndef SPMV_CSR_HPP
#define SPMV_CSR_HPP
#include <algorithm>

#include "../../shared/dot.hpp"
#include "abi.h"

namespace spmv {

using namespace sparse;

inline void rows(const spmv_in *in, int64_t from, int64_t to, double *y) {
  const int64_t *indptr = in->indptr;
  for (int64_t i = from, k = indptr[from]; i < to; ++i) {
    const int64_t end = indptr[i + 1];
    y[i] = dot(in->data + k, in->indices + k, end - k, in->x);
    k = end;
  }
}

/* Where part `part` of `parts` begins, entries and rows weighing the same. */
inline int64_t cut(const spmv_in *in, int64_t part, int64_t parts) {
  if (part == parts) return in->nrows;
  const double goal = double(in->indptr[in->nrows] + in->nrows) * double(part) / double(parts);
  int64_t low = 0, high = in->nrows;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (double(in->indptr[middle] + middle) >= goal) high = middle;
    else low = middle + 1;
  }
  return low;
}

}  // namespace spmv
#endif
