/* Rows of a matrix in CSR times a vector, and how threads share them. */
#ifndef SPMV_CSR_HPP
#define SPMV_CSR_HPP
#include <algorithm>

#include "../../shared/cut.hpp"
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

}  // namespace spmv
#endif
