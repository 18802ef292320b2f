/* A rank's block of the rows of a matrix. */
#ifndef SOLVE_BLOCKS_HPP
#define SOLVE_BLOCKS_HPP
#include "../../shared/halo.hpp"
#include "method.hpp"

namespace solve {

using halo::Fetch;

/* A rank's rows of a matrix with columns counted over all ranks: rank r owns the columns owners[r] up to owners[r+1]. */
struct Mine {
  Csr a;
  const int64_t *owners;
  int64_t rank, ranks;
};
inline Mine own_rows(const solve_in *in) { return {matrix(in), in->offsets, in->rank, in->ranks}; }

/* A block of rows in two: entries in this rank's own columns, counted from the first of them, and all others, in columns of what
 * is fetched. */
struct Block : halo::Halo {
  int64_t rows = 0, columns = 0;
  std::vector<int64_t> indptr = {0}, far_indptr = {0};
  std::vector<int32_t> indices, far_indices, far_rows; /* rows with entries of both kinds */
  std::vector<double> data, far_data;

  Csr own() const { return {rows, columns, indptr.data(), indices.data(), data.data()}; }
  /* What row far_rows[r] has of the inbox, with `values` in the places of far_data. */
  double others(const std::vector<double> &values, size_t r) const {
    double sum = 0;
    for (int64_t k = far_indptr[r]; k < far_indptr[r + 1]; ++k) sum += values[size_t(k)] * inbox[size_t(far_indices[size_t(k)])];
    return sum;
  }
};

inline void split(const Mine &mine, Block *block) {
  const Csr &a = mine.a;
  const int64_t first = mine.owners[mine.rank];
  block->rows = a.nrows, block->columns = mine.owners[mine.rank + 1] - first;
  block->indptr.reserve(size_t(a.nrows) + 1), block->indices.reserve(size_t(a.indptr[a.nrows])), block->data.reserve(size_t(a.indptr[a.nrows]));
  for (int64_t i = 0; i < a.nrows; ++i) {
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) {
      const int64_t column = a.indices[k] - first;
      const bool own = column >= 0 && column < block->columns;
      (own ? block->indices : block->far_indices).push_back(own ? int32_t(column) : a.indices[k]);
      (own ? block->data : block->far_data).push_back(a.data[k]);
    }
    block->indptr.push_back(int64_t(block->indices.size()));
    if (int64_t(block->far_indices.size()) == block->far_indptr.back()) continue;
    block->far_rows.push_back(int32_t(i)), block->far_indptr.push_back(int64_t(block->far_indices.size()));
  }
}

/* The block of this rank, and who sends what to whom. */
inline int meet(const Mine &mine, Block *block) {
  if (const int error = collective::alone([&] { return split(mine, block), true; })) return error;
  return halo::meet(&block->far_indices, mine.owners, size_t(mine.ranks), block);
}

/* The rows of a block with all their entries: own columns, then others' as they are fetched. */
struct Rows {
  std::vector<int64_t> indptr = {0};
  std::vector<int32_t> indices;
  std::vector<double> data;
  std::vector<char> between; /* rows with an entry in a lower rank's columns */

  Rows(const Block &block, int64_t lower) : between(size_t(block.rows)) {
    size_t next = 0;
    indptr.reserve(size_t(block.rows) + 1), indices.reserve(block.indices.size() + block.far_indices.size()), data.reserve(indices.capacity());
    for (int64_t i = 0; i < block.rows; ++i) {
      for (int64_t k = block.indptr[size_t(i)]; k < block.indptr[size_t(i) + 1]; ++k)
        indices.push_back(block.indices[size_t(k)]), data.push_back(block.data[size_t(k)]);
      if (next < block.far_rows.size() && block.far_rows[next] == i) {
        for (int64_t k = block.far_indptr[next]; k < block.far_indptr[next + 1]; ++k) {
          between[size_t(i)] |= block.far_indices[size_t(k)] < lower;
          indices.push_back(int32_t(block.rows) + block.far_indices[size_t(k)]), data.push_back(block.far_data[size_t(k)]);
        }
        ++next;
      }
      indptr.push_back(int64_t(indices.size()));
    }
  }
  Csr view() const { return {int64_t(between.size()), int64_t(between.size()), indptr.data(), indices.data(), data.data()}; }
};

}  // namespace solve
#endif
