// /// hpcbench
// model = "openmp"
// summary = "BCSR: square blocks of fixed size, filled up with zeros; what is left over at the edges in CSR"
// source = "Im, Yelick and Vuduc, Int. J. High Perform. Comput. Appl. 18(1), 2004"
// flags = ["-O3", "-march=native"]
// [params.BLOCK]
// when = "build"
// default = 3
// values = [2, 3, 4, 6, 8]
// ///
#include <omp.h>

#include <new>
#include <vector>

#include "csr.hpp"

namespace {

constexpr int64_t kBlock = BLOCK;

struct Bcsr {
  int64_t block_rows, edge; /* columns from `edge` on belong to no whole block */
  std::vector<int64_t> at;  /* where each row of blocks begins */
  std::vector<int32_t> columns;
  std::vector<double> values;   /* block by block, row by row */
  std::vector<int64_t> rest_at; /* of each row: its entries outside blocks */
  std::vector<int64_t> rest;

  explicit Bcsr(const spmv_in *in)
      : block_rows(in->nrows / kBlock), edge(in->ncols / kBlock * kBlock), at(size_t(block_rows + 1)),
        rest_at(size_t(in->nrows + 1)) {
    std::vector<int64_t> next(static_cast<size_t>(kBlock));
    for (int64_t b = 0; b <= block_rows; ++b) { /* the last one: rows that fill no block */
      const int64_t first = b * kBlock, rows = std::min(kBlock, in->nrows - first);
      for (int64_t r = 0; r < rows; ++r) next[size_t(r)] = in->indptr[first + r];
      const auto limit = [&](int64_t r) { return in->indptr[first + r + 1]; };
      for (bool more = b < block_rows; more;) {
        int64_t column = edge; /* of the leftmost block that is not done */
        for (int64_t r = 0; r < rows; ++r)
          if (next[size_t(r)] < limit(r)) column = std::min(column, in->indices[next[size_t(r)]] / kBlock * kBlock);
        if ((more = column < edge)) {
          double block[kBlock * kBlock] = {};
          for (int64_t r = 0; r < rows; ++r)
            for (int64_t &k = next[size_t(r)]; k < limit(r) && in->indices[k] < column + kBlock; ++k)
              block[r * kBlock + in->indices[k] - column] = in->data[k];
          columns.push_back(int32_t(column));
          values.insert(values.end(), block, block + kBlock * kBlock);
        }
      }
      if (b < block_rows) at[size_t(b + 1)] = int64_t(columns.size());
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t k = next[size_t(r)]; k < limit(r); ++k) rest.push_back(k);
        rest_at[size_t(first + r + 1)] = int64_t(rest.size());
      }
    }
  }

  void multiply(const spmv_in *in, int64_t from, int64_t to, double *y) const {
    for (int64_t b = from; b < to; ++b) {
      double sum[kBlock] = {};
      for (int64_t k = at[size_t(b)]; k < at[size_t(b + 1)]; ++k) {
        const double *v = values.data() + k * kBlock * kBlock, *x = in->x + columns[size_t(k)];
        for (int64_t r = 0; r < kBlock; ++r)
          for (int64_t c = 0; c < kBlock; ++c) sum[r] += v[r * kBlock + c] * x[c];
      }
      for (int64_t r = 0; r < kBlock; ++r) y[b * kBlock + r] = sum[r] + left_over(in, b * kBlock + r);
    }
  }

  double left_over(const spmv_in *in, int64_t row) const {
    double sum = 0;
    for (int64_t r = rest_at[size_t(row)]; r < rest_at[size_t(row + 1)]; ++r)
      sum += in->data[rest[size_t(r)]] * in->x[in->indices[rest[size_t(r)]]];
    return sum;
  }
};

}  // namespace

extern "C" void *spmv_setup(const spmv_in *in, const void *) {
  try {
    return new Bcsr(in);
  } catch (const std::bad_alloc &) {
    return nullptr;
  }
}

extern "C" int spmv_run(void *handle, const spmv_in *in, const void *, spmv_out *out) {
  const Bcsr &a = *static_cast<const Bcsr *>(handle);
#pragma omp parallel
  {
    const int64_t me = omp_get_thread_num(), all = omp_get_num_threads();
    const auto cut = [&](int64_t part) { /* in rows of blocks */
      return part == all ? a.block_rows : std::min(a.block_rows, (spmv::cut(in, part, all) + kBlock - 1) / kBlock);
    };
    a.multiply(in, cut(me), cut(me + 1), out->y);
  }
  for (int64_t i = a.block_rows * kBlock; i < in->nrows; ++i) out->y[i] = a.left_over(in, i);
  return SPMV_OK;
}

extern "C" void spmv_free(void *handle) { delete static_cast<Bcsr *>(handle); }
