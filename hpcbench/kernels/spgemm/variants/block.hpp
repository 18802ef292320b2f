/* A CSR matrix in one piece of memory, so that it is one message: in words of 8 bytes its numbers of rows and entries, the
 * row pointers, the values, the columns in pairs. */
#ifndef ROWS_BLOCK_HPP
#define ROWS_BLOCK_HPP
#include <vector>

#include "csr.hpp"

namespace block {

inline int64_t words(int64_t nrows, int64_t nnz) { return nrows + 3 + nnz + (nnz + 1) / 2; }

/* Where the parts of a block lie. */
struct Block {
  int64_t *indptr;
  double *data;
  int32_t *indices;
  Block(int64_t *at, int64_t nnz)
      : indptr(at + 2), data(reinterpret_cast<double *>(at + at[0] + 3)), indices(reinterpret_cast<int32_t *>(data + nnz)) {}
  explicit Block(int64_t *at) : Block(at, at[1]) {}
};

/* A block of `nrows` rows that will have `nnz` entries. */
inline Block begin(int64_t *at, int64_t nrows, int64_t nnz) {
  at[0] = nrows, at[1] = nnz, at[2] = 0;
  return Block(at);
}

inline rows::Csr view(int64_t *at, int64_t ncols) {
  const Block b(at);
  return {at[0], ncols, b.indptr, b.indices, b.data};
}

/* Which of the ranges between `cuts` a column is in. */
inline size_t range(const std::vector<int64_t> &cuts, int32_t c) {
  size_t q = 0;
  while (c >= cuts[q + 1]) ++q;
  return q;
}

/* Entries of m in every range of columns. */
inline std::vector<int64_t> count(const rows::Csr &m, const std::vector<int64_t> &cuts) {
  std::vector<int64_t> n(cuts.size() - 1);
  for (int64_t k = 0; k < m.indptr[m.nrows]; ++k) ++n[range(cuts, m.indices[k])];
  return n;
}

/* Makes a block of every range of columns, each at its place, with columns from the range's first. */
inline void split(const rows::Csr &m, const std::vector<int64_t> &cuts, const std::vector<int64_t> &nnz, int64_t *const *at) {
  std::vector<Block> to;
  std::vector<int64_t> end(nnz.size());
  for (size_t q = 0; q < nnz.size(); ++q) to.push_back(begin(at[q], m.nrows, nnz[q]));
  for (int64_t i = 0; i < m.nrows; ++i) {
    for (int64_t k = m.indptr[i]; k < m.indptr[i + 1]; ++k) {
      const size_t q = range(cuts, m.indices[k]);
      to[q].indices[end[q]] = int32_t(m.indices[k] - cuts[q]), to[q].data[end[q]++] = m.data[k];
    }
    for (size_t q = 0; q < to.size(); ++q) to[q].indptr[i + 1] = end[q];
  }
}

/* Words of the block that these blocks make one below the other. */
inline int64_t stacked_words(const std::vector<int64_t *> &parts) {
  int64_t nrows = 0, nnz = 0;
  for (const int64_t *p : parts) nrows += p[0], nnz += p[1];
  return words(nrows, nnz);
}

/* Puts blocks one below the other. */
inline void stack(const std::vector<int64_t *> &parts, int64_t *at) {
  int64_t nrows = 0, nnz = 0;
  for (const int64_t *p : parts) nrows += p[0], nnz += p[1];
  const Block to = begin(at, nrows, nnz);
  int64_t row = 0, end = 0;
  for (int64_t *p : parts) {
    const Block from(p);
    for (int64_t i = 0; i < p[0]; ++i) to.indptr[++row] = end + from.indptr[i + 1];
    std::copy(from.indices, from.indices + p[1], to.indices + end);
    std::copy(from.data, from.data + p[1], to.data + end);
    end += p[1];
  }
}

}  // namespace block
#endif
