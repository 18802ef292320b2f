/* One block of rows and one part of x per rank. What meets this rank's part of x is multiplied while the others' entries of x
 * are on their way: rows whose columns all lie there where they are, of the others, near the border, a copy of such entries. The
 * rest of these, with columns counted in what is fetched, is added when that has arrived. */
#ifndef SPMV_BORDER_HPP
#define SPMV_BORDER_HPP
#include "../../shared/halo.hpp"
#include "mosaic.hpp"

namespace border {

constexpr int64_t kBlock = 64;      /* rows that are copied together */
constexpr int64_t kPiece = 1 << 20; /* entries between two looks at the messages */
constexpr int64_t kLeast = 1 << 12; /* entries of rows without others' columns, below which they are copied with their neighbours */

/* Some entries of some rows, in CSR. */
struct Part {
  int64_t ncols = 0;
  std::vector<int64_t> indptr = {0};
  std::vector<int32_t> indices;
  std::vector<double> data;

  void end_row() { indptr.push_back(int64_t(indices.size())); }
  spmv_in view(const double *x) const {
    spmv_in in = {};
    in.nrows = int64_t(indptr.size()) - 1, in.ncols = ncols, in.x = x;
    in.indptr = indptr.data(), in.indices = indices.data(), in.data = data.data();
    return in;
  }
};

/* Rows, without a gap; copied or where they are. */
struct Range {
  int64_t from, to;
  bool copied;
};

/* Some of them, as a mosaic; it counts rows from others than y does. */
struct Piece {
  spmv::Mosaic mosaic;
  bool copied;
  int64_t shift;
};

struct Plan : halo::Halo {
  spmv_in whole;               /* all rows, x as if all of it lay around this rank's part */
  Part near, far;              /* entries of copied rows with columns of this rank's part; others, with columns of what is fetched */
  std::vector<Piece> pieces;
  /* `far` in blocks, which are added where they belong; or rows with entries, as mosaics, into a vector of their own */
  spmv::Blocks blocks;
  std::vector<int64_t> shifts; /* of each band */
  std::vector<Piece> far_pieces;
  std::vector<int64_t> rows;
  std::vector<double> far_y;
};

/* The rows [from, to) of a matrix in pieces, each of about as many entries as are multiplied between two looks. */
inline void tile(const spmv_in &in, const Range &range, int64_t shift, std::vector<Piece> *pieces) {
  for (int64_t from = range.from, to = from; from < range.to; from = to) {
    while (to < range.to && in.indptr[to] - in.indptr[from] < kPiece) to = std::min(range.to, to + spmv::kWindow);
    pieces->push_back({spmv::Mosaic(&in, from, to), range.copied, shift});
  }
}

/* Which rows are copied: those of blocks in which some entry is another rank's, and few between them. */
template <class Local> std::vector<Range> ranges(const spmv_in *in, Local local) {
  std::vector<Range> found;
  const auto extend = [&](const Range &next) {
    if (!found.empty() && found.back().copied == next.copied) found.back().to = next.to;
    else found.push_back(next);
  };
  for (int64_t i = 0; i < in->nrows; i += kBlock) {
    const int64_t end = std::min(in->nrows, i + kBlock);
    bool outside = false; /* some entry is, without a branch per entry */
    for (int64_t k = in->indptr[i]; k < in->indptr[end]; ++k) outside |= !local(k);
    extend({i, end, outside});
  }
  std::vector<Range> all;
  all.swap(found);
  for (const Range &r : all) extend({r.from, r.to, r.copied || (all.size() > 1 && in->indptr[r.to] - in->indptr[r.from] < kLeast)});
  return found;
}

/* Copies entries into `near` and `far`, columns of the latter as they come. */
inline void split(const spmv_in *in, Plan *plan, std::vector<Range> *found) {
  const int64_t first = in->x_offsets[in->rank];
  const uint64_t here = uint64_t(in->x_offsets[in->rank + 1] - first);
  const auto local = [&](int64_t k) { return uint64_t(in->indices[k] - first) < here; };
  plan->whole = *in, plan->near.ncols = int64_t(here);
  *found = ranges(in, local);
  for (const Range &range : *found)
    for (int64_t row = range.from; range.copied && row < range.to; ++row) {
      for (int64_t k = in->indptr[row]; k < in->indptr[row + 1]; ++k) {
        Part &part = local(k) ? plan->near : plan->far;
        part.indices.push_back(int32_t(in->indices[k] - (local(k) ? first : 0))), part.data.push_back(in->data[k]);
      }
      plan->near.end_row(), plan->far.end_row();
    }
}

inline int make(const spmv_in *in, Plan *plan) {
  std::vector<Range> found;
  int error = collective::alone([&] { return split(in, plan, &found), true; });
  if (error || (error = halo::meet(&plan->far.indices, in->x_offsets, size_t(in->ranks), plan))) return error;
  return collective::alone([&] {
    plan->far.ncols = int64_t(plan->inbox.size());
    const spmv_in near = plan->near.view(nullptr), far = plan->far.view(nullptr);
    const bool blocks = plan->blocks.pay(&far, 0, far.nrows);
    int64_t copied = 0;
    for (const Range &range : found) {
      const int64_t shift = range.from - copied, end = range.to - shift;
      if (!range.copied) {
        tile(*in, range, 0, &plan->pieces);
        continue;
      }
      tile(near, {copied, end, true}, shift, &plan->pieces);
      for (int64_t next; blocks && copied < end; copied = next)
        next = std::min(end, copied + plan->blocks.height()), plan->blocks.band(copied, next), plan->shifts.push_back(shift);
      if (!blocks) for (; copied < end; ++copied) if (far.indptr[copied] < far.indptr[copied + 1]) plan->rows.push_back(copied + shift);
    }
    if (blocks) return plan->blocks.fill(&far), true;
    plan->far.indptr.erase(std::unique(plan->far.indptr.begin(), plan->far.indptr.end()), plan->far.indptr.end());
    plan->far_y.resize(plan->rows.size());
    tile(plan->far.view(nullptr), {0, int64_t(plan->rows.size()), true}, 0, &plan->far_pieces);
    return true;
  });
}

inline Plan *plan(const spmv_in *in) {
  return collective::together<Plan>([in](Plan *made) { return make(in, made); });
}

inline void multiply(const spmv_in *in, Plan *plan, double *y) {
  halo::FetchRows fetched(plan, in->x, 1);
  spmv_in whole = plan->whole;
  whole.x = in->x - in->x_offsets[in->rank];
  const spmv_in near = plan->near.view(in->x), far = plan->far.view(plan->inbox.data());
  for (const Piece &piece : plan->pieces) piece.mosaic.multiply(piece.copied ? &near : &whole, y + piece.shift), fetched.look();
  fetched.wait();
  for (size_t b = 0; b < plan->shifts.size(); ++b) plan->blocks.add(b, far.x, y + plan->shifts[b]);
  for (const Piece &piece : plan->far_pieces) piece.mosaic.multiply(&far, plan->far_y.data());
  for (size_t r = 0; r < plan->rows.size(); ++r) y[plan->rows[r]] += plan->far_y[r];
}

}  // namespace border
#endif
