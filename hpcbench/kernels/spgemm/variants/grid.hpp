/* Ranks in a grid, as square as their number allows: rank by rank along its rows. Every rank starts with rows of A and of B
 * and ends with rows of C, so that what blocks of two dimensions need is exchanged among the ranks of one row. */
#ifndef ROWS_GRID_HPP
#define ROWS_GRID_HPP
#include <limits.h>

#include "../../shared/collective.hpp"
#include "abi.h"
#include "csr.hpp"

namespace grid {

using collective::alone;
using Words = rows::Scratch<int64_t>;

/* The grid, its rows and columns of ranks, and what is cut where. */
struct Grid {
  MPI_Comm along_row = MPI_COMM_NULL, along_column = MPI_COMM_NULL;
  int nrows, ncols, row, column;
  std::vector<int64_t> inner;   /* rows of B that the rows of the grid hold: nrows + 1 */
  std::vector<int64_t> outer;   /* columns of B that the columns of the grid compute: ncols + 1 */
  std::vector<int64_t> heights; /* rows of A of every rank in this row of the grid */
  ~Grid() {
    if (along_row != MPI_COMM_NULL) MPI_Comm_free(&along_row);
    if (along_column != MPI_COMM_NULL) MPI_Comm_free(&along_column);
  }
  int64_t width() const { return outer[size_t(column) + 1] - outer[size_t(column)]; }
  int owner(int stage) const { return stage % ncols; } /* the column whose ranks have a stage's blocks of A */
};

/* Columns of B that leave about as many entries between them, from the counts in ranges of `width` columns. */
inline void cut(const std::vector<int64_t> &counts, int64_t width, int64_t ncols, std::vector<int64_t> *cuts) {
  const int64_t parts = int64_t(cuts->size()) - 1, all = std::accumulate(counts.begin(), counts.end(), int64_t(0));
  int64_t before = 0, part = 1;
  for (size_t r = 0; r < counts.size(); before += counts[r++])
    for (; part < parts && before + counts[r] > all * part / parts; ++part)
      (*cuts)[size_t(part)] = std::min(ncols, int64_t(r) * width);
  for (; part <= parts; ++part) (*cuts)[size_t(part)] = ncols;
}

/* Lays the grid out; an error code, the same on all ranks. */
inline int make(const spgemm_in *in, Grid *grid) {
  const int64_t width = in->b_ncols / 4096 + 1;
  std::vector<int64_t> counts;
  grid->ncols = 1;
  for (int c = 2; c * c <= in->ranks; ++c)
    if (in->ranks % c == 0) grid->ncols = c;
  grid->nrows = int(in->ranks) / grid->ncols;
  grid->row = int(in->rank) / grid->ncols, grid->column = int(in->rank) % grid->ncols;
  if (const int error = alone([&] {
        for (int s = 0; s <= grid->nrows; ++s) grid->inner.push_back(in->b_offsets[s * grid->ncols]);
        grid->heights.resize(size_t(grid->ncols)), grid->outer.resize(size_t(grid->ncols) + 1);
        counts.resize(size_t(in->b_ncols / width) + 1);
        for (int64_t k = 0; k < in->b_indptr[in->b_nrows]; ++k) ++counts[size_t(in->b_indices[k] / width)];
        return true;
      }))
    return error;
  MPI_Comm_split(MPI_COMM_WORLD, grid->row, grid->column, &grid->along_row);
  MPI_Comm_split(MPI_COMM_WORLD, grid->column, grid->row, &grid->along_column);
  MPI_Allgather(&in->a_nrows, 1, MPI_INT64_T, grid->heights.data(), 1, MPI_INT64_T, grid->along_row);
  MPI_Allreduce(MPI_IN_PLACE, counts.data(), int(counts.size()), MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  cut(counts, width, in->b_ncols, &grid->outer);
  return SPGEMM_OK;
}

/* Blocks for every rank in this row of the grid: lengths in words, memory, and where each one's begin. */
struct Mail {
  std::vector<int> n, at;
  Words memory;
  bool open(const std::vector<int64_t> &lengths) {
    n.assign(lengths.begin(), lengths.end());
    if (std::accumulate(lengths.begin(), lengths.end(), int64_t(0)) > INT_MAX) return false;
    at = collective::starts(n);
    if (!memory.reserve(at.back())) throw std::bad_alloc();
    return true;
  }
};

/* Moves the mail of all ranks in this row of the grid; an error code, the same on all. */
inline int deliver(const Grid &grid, const Mail &out, Mail *in) {
  std::vector<int64_t> lengths(out.n.begin(), out.n.end()), found(lengths.size());
  MPI_Alltoall(lengths.data(), 1, MPI_INT64_T, found.data(), 1, MPI_INT64_T, grid.along_row);
  if (const int error = alone([&] { return in->open(found); })) return error;
  MPI_Alltoallv(out.memory.at, out.n.data(), out.at.data(), MPI_INT64_T, in->memory.at, in->n.data(), in->at.data(),
                MPI_INT64_T, grid.along_row);
  return SPGEMM_OK;
}

inline Grid *plan(const spgemm_in *in) {
  return collective::together<Grid>([in](Grid *made) { return make(in, made); });
}

}  // namespace grid
#endif
