/* One block of rows and one part of x per rank. What meets this rank's part of x is multiplied while the others' entries of x
 * are on their way: rows whose columns all lie there, the inner ones, where they are, and of the others, the border rows, a copy
 * of such entries. The rest of the border rows, with columns counted in what is fetched, is added when that has arrived. */
#ifndef SPMV_BORDER_HPP
#define SPMV_BORDER_HPP
#include "../../shared/halo.hpp"
#include "mosaic.hpp"

namespace border {

constexpr int64_t kBlock = 64;       /* rows that are inner or border together */
constexpr int64_t kPiece = 1 << 20;  /* entries between two looks at the messages */

/* Some entries of some rows, in CSR. */
struct Part {
  int64_t ncols = 0;
  std::vector<int64_t> indptr = {0};
  std::vector<int32_t> indices;
  std::vector<double> data;

  void end_row() { indptr.push_back(int64_t(indices.size())); }
  spmv_in view(const double *x) const {
    spmv_in in = {};
    in.nrows = int64_t(indptr.size()) - 1, in.ncols = ncols, in.indptr = indptr.data(), in.indices = indices.data(), in.data = data.data(), in.x = x;
    return in;
  }
};

struct Plan : halo::Halo {
  spmv_in inner;                    /* all rows, x as if all of it lay around this rank's part */
  std::vector<spmv::Mosaic> pieces; /* of inner rows */
  std::vector<int64_t> rows;        /* the border rows */
  Part near, far;                   /* their entries, with columns of this rank's part, and of what is fetched */
  std::vector<spmv::Mosaic> near_pieces, far_pieces;
  std::vector<double> near_y, far_y;
};

/* Mosaics of all rows of a part, each of about as many entries as are multiplied between two looks at the messages. */
inline void tile(const Part &part, std::vector<spmv::Mosaic> *pieces) {
  const spmv_in in = part.view(nullptr);
  for (int64_t from = 0, to = 0; from < in.nrows; from = to) {
    while (to < in.nrows && in.indptr[to] - in.indptr[from] < kPiece) to = std::min(in.nrows, to + spmv::kWindow);
    pieces->emplace_back(&in, from, to);
  }
}

/* Splits rows into pieces of inner rows and border rows, and these into near and far entries, columns of the far ones as
 * they come. */
inline void split(const spmv_in *in, Plan *plan) {
  const int64_t first = in->x_offsets[in->rank];
  const uint64_t here = uint64_t(in->x_offsets[in->rank + 1] - first);
  const auto local = [&](int64_t k) { return uint64_t(in->indices[k] - first) < here; };
  plan->inner = *in, plan->near.ncols = int64_t(here);
  int64_t begun = 0; /* the piece that is not closed yet */
  const auto close = [&](int64_t end) {
    if (begun < end) plan->pieces.emplace_back(in, begun, end);
    begun = end;
  };
  for (int64_t i = 0; i < in->nrows; i += kBlock) {
    const int64_t end = std::min(in->nrows, i + kBlock);
    bool outside = false; /* some entry is, without a branch per entry */
    for (int64_t k = in->indptr[i]; k < in->indptr[end]; ++k) outside |= !local(k);
    if (!outside) {
      if (in->indptr[end] - in->indptr[begun] > kPiece) close(end);
      continue;
    }
    close(i);
    for (int64_t row = i; row < end; ++row) {
      for (int64_t k = in->indptr[row]; k < in->indptr[row + 1]; ++k) {
        Part &part = local(k) ? plan->near : plan->far;
        part.indices.push_back(int32_t(in->indices[k] - (local(k) ? first : 0))), part.data.push_back(in->data[k]);
      }
      plan->near.end_row(), plan->far.end_row(), plan->rows.push_back(row);
    }
    begun = end;
  }
  close(in->nrows);
}

inline int make(const spmv_in *in, Plan *plan) {
  int error = collective::alone([&] { return split(in, plan), true; });
  if (error || (error = halo::meet(&plan->far.indices, in->x_offsets, size_t(in->ranks), plan))) return error;
  plan->far.ncols = int64_t(plan->inbox.size());
  return collective::alone([&] {
    tile(plan->near, &plan->near_pieces), tile(plan->far, &plan->far_pieces);
    plan->near_y.resize(plan->rows.size()), plan->far_y.resize(plan->rows.size());
    return true;
  });
}

inline Plan *plan(const spmv_in *in) {
  return collective::together<Plan>([in](Plan *made) { return make(in, made); });
}

inline void multiply(const spmv_in *in, Plan *plan, double *y) {
  halo::Fetch fetched(plan, [in](int32_t place) { return in->x[place]; });
  spmv_in inner = plan->inner;
  inner.x = in->x - in->x_offsets[in->rank]; /* global columns of inner rows fall into this rank's part */
  const spmv_in near = plan->near.view(in->x), far = plan->far.view(plan->inbox.data());
  for (const spmv::Mosaic &piece : plan->pieces) piece.multiply(&inner, y), fetched.look();
  for (const spmv::Mosaic &piece : plan->near_pieces) piece.multiply(&near, plan->near_y.data()), fetched.look();
  fetched.wait();
  for (const spmv::Mosaic &piece : plan->far_pieces) piece.multiply(&far, plan->far_y.data());
  for (size_t r = 0; r < plan->rows.size(); ++r) y[plan->rows[r]] = plan->near_y[r] + plan->far_y[r];
}

}  // namespace border
#endif
