/* Hash accumulator (linear probing, after Nagasaka et al., Parallel Computing 90, 2019): memory bounded by
 * the row's flops whatever the number of columns, so the choice for many flops on a very wide span. */
#ifndef ROWS_HASH_HPP
#define ROWS_HASH_HPP
#include "csr.hpp"

namespace rows {

class Hash {
 public:
  Hash(const Csr &b, bool sorted) : b_(b), sorted_(sorted) {}

  /* Returns the entries written, -1 when out of memory. */
  int64_t row(const Row &a, int32_t *cols, double *vals) {
    int bits = 6;
    while ((int64_t(1) << bits) < 2 * std::min(a.flops, b_.ncols)) ++bits;
    const int64_t size = int64_t(1) << bits;
    if (!keys_.reserve(size) || !sums_.reserve(size) || !order_.reserve(size)) return -1;
    int64_t n = 0;
    for (int64_t k = 0; k < a.nnz; ++k) {
      const double x = a.vals[k];
      for (int64_t j = b_.indptr[a.cols[k]], end = b_.indptr[a.cols[k] + 1]; j < end; ++j) {
        const uint32_t key = uint32_t(b_.indices[j]) + 1; /* 0 is a free slot */
        uint64_t slot = key * 0x9e3779b97f4a7c15u >> (64 - bits); /* Fibonacci hashing, Knuth vol. 3, 6.4 */
        while (keys_.at[slot] != key && keys_.at[slot]) slot = (slot + 1) & uint64_t(size - 1);
        if (!keys_.at[slot]) {
          keys_.at[slot] = key, sums_.at[slot] = 0;
          order_.at[n++] = {key, slot};
        }
        sums_.at[slot] += x * b_.data[j];
      }
    }
    if (sorted_) std::sort(order_.at, order_.at + n, [](Entry p, Entry q) { return p.key < q.key; });
    for (int64_t k = 0; k < n; ++k) {
      const Entry e = order_.at[k];
      cols[k] = int32_t(e.key - 1), vals[k] = sums_.at[e.slot], keys_.at[e.slot] = 0;
    }
    return n;
  }

 private:
  struct Entry {
    uint32_t key;
    uint64_t slot;
  };
  const Csr b_;
  const bool sorted_;
  Scratch<uint32_t, true> keys_;
  Scratch<double> sums_;
  Scratch<Entry> order_;
};

}  // namespace rows
#endif
