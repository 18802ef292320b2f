/* What the row machinery shares: matrices, one row of A with its flops, scratch memory. */
#ifndef ROWS_CSR_HPP
#define ROWS_CSR_HPP
#include <stdint.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#if defined(__AVX512VBMI2__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__BMI2__)
#define ROWS_AVX512
#include <immintrin.h>
#endif

namespace rows {

struct Csr {
  int64_t nrows, ncols;
  const int64_t *indptr;
  const int32_t *indices;
  const double *data;
};

/* A row of A and the number of multiplications that it asks for, at least 1. */
struct Row {
  const int32_t *cols;
  const double *vals;
  int64_t nnz, flops;
};

constexpr int64_t kPad = 64; /* entries behind a row of C that vector stores may overwrite */

/* Memory that grows and loses its contents when it does; where `Zero`, new contents are zero. */
template <class T, bool Zero = false> struct Scratch {
  T *at = nullptr;
  int64_t size = 0;
  Scratch() = default;
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;
  ~Scratch() { free(at); }

  bool reserve(int64_t n) {
    if (n <= size) return true;
    free(at);
    size = 0;
    const int64_t bytes = (n * int64_t(sizeof(T)) + 63) / 64 * 64;
    at = static_cast<T *>(aligned_alloc(64, size_t(bytes)));
    if (!at) return false;
    if (Zero) memset(at, 0, size_t(bytes));
    size = n;
    return true;
  }
};

}  // namespace rows
#endif
