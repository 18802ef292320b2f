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

/* A function whose loops lie where they lie whatever is compiled around them: where a short one happens to lie has been worth
 * 1.2x. */
#define ROWS_APART __attribute__((noinline, aligned(64)))

namespace rows {

struct Csr {
  int64_t nrows, ncols;
  const int64_t *indptr;
  const int32_t *indices;
  const double *data;
  int64_t first = 0; /* the rows before this one are elsewhere: neither asked for nor described by indptr */
};

/* Rows of A with the B that their columns number. */
struct Part {
  Csr a, b;
};

/* A row of A and the number of multiplications that it asks for, at least 1. */
struct Row {
  const int32_t *cols;
  const double *vals;
  int64_t nnz, flops;
};

constexpr int64_t kPad = 64; /* entries behind a row of C that vector stores may overwrite */

/* Memory that grows, aligned to cache lines; it loses its contents when it does. Where `Zero`, new contents
 * are zero and, where large, come as pages that cost nothing until they are touched. */
template <class T, bool Zero = false> struct Scratch {
  T *at = nullptr;
  int64_t size = 0;
  Scratch() = default;
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;
  ~Scratch() { free(whole_); }

  bool reserve(int64_t n) {
    if (n <= size) return true;
    free(whole_);
    size = 0;
    const size_t bytes = size_t(n) * sizeof(T) + 64;
    whole_ = Zero ? calloc(bytes, 1) : malloc(bytes);
    if (!whole_) return false;
    at = reinterpret_cast<T *>((reinterpret_cast<uintptr_t>(whole_) + 63) / 64 * 64);
    size = n;
    return true;
  }

 private:
  void *whole_ = nullptr;
};

}  // namespace rows
#endif
