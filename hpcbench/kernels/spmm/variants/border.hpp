/* One block of rows and one part of X per rank. Rows whose columns all lie in this rank's part, the inner ones, are multiplied where they
 * are while others' rows of X are on their way; of the others, the border rows, what lies there is multiplied meanwhile, too, and the
 * rest is added when X has arrived. */
#ifndef SPMM_BORDER_HPP
#define SPMM_BORDER_HPP
#include <memory>

#include "../../shared/halo.hpp"
#include "rows.hpp"

namespace border {

constexpr int64_t kPiece = 1 << 12; /* rows between two looks at the messages */

/* Some entries of some rows, in CSR. */
struct Part {
  std::vector<int64_t> indptr = {0};
  std::vector<int32_t> indices;
  std::vector<double> data;
  std::unique_ptr<std::vector<char>> found;

  spmm_in view(int64_t k, const double *x) const {
    spmm_in in = {};
    in.nrows = int64_t(indptr.size()) - 1, in.k = k, in.indptr = indptr.data(), in.indices = indices.data(), in.data = data.data(), in.x = x;
    return in;
  }
};

/* Rows, without a gap. */
struct Range {
  int64_t from, to;
};

inline void extend(std::vector<Range> *ranges, int64_t from, int64_t to) {
  const bool on = !ranges->empty() && ranges->back().to == from && from - ranges->back().from < kPiece;
  if (on) ranges->back().to = to;
  else ranges->push_back({from, to});
}

struct Plan : halo::Halo {
  std::unique_ptr<std::vector<char>> found;
  std::vector<Range> inner, border;
  Part near, far; /* border rows' entries, with columns of this rank's part, and of what is fetched */
};

/* Splits windows of rows into inner and border ones, and entries of these into near and far ones, columns of the far ones as they come. */
inline void split(const spmm_in *in, Plan *plan) {
  const int64_t first = in->x_offsets[in->rank];
  const uint64_t here = uint64_t(in->x_offsets[in->rank + 1] - first);
  const auto local = [&](int64_t p) { return uint64_t(in->indices[p] - first) < here; };
  for (int64_t i = 0; i < in->nrows; i += spmm::kWindow) {
    const int64_t end = std::min(in->nrows, i + spmm::kWindow);
    bool outside = false; /* some entry is, without a branch per entry */
    for (int64_t p = in->indptr[i]; p < in->indptr[end]; ++p) outside |= !local(p);
    extend(outside ? &plan->border : &plan->inner, i, end);
    for (int64_t row = i; outside && row < end; ++row) {
      for (int64_t p = in->indptr[row]; p < in->indptr[row + 1]; ++p) {
        Part &part = local(p) ? plan->near : plan->far;
        part.indices.push_back(int32_t(in->indices[p] - (local(p) ? first : 0))), part.data.push_back(in->data[p]);
      }
      for (Part *part : {&plan->near, &plan->far}) part->indptr.push_back(int64_t(part->indices.size()));
    }
  }
}

inline int make(const spmm_in *in, Plan *plan) {
  int error = collective::alone([&] { return split(in, plan), true; });
  if (error || (error = halo::meet(&plan->far.indices, in->x_offsets, size_t(in->ranks), plan))) return error;
  return collective::alone([&] {
    for (std::vector<double> *box : {&plan->inbox, &plan->outbox}) {
      if (int64_t(box->size()) * in->k > INT_MAX) return false;
      box->resize(box->size() * size_t(in->k));
    }
    plan->found.reset(spmm::find_alike(in));
    for (Part *part : {&plan->near, &plan->far}) {
      const spmm_in view = part->view(in->k, nullptr);
      part->found.reset(spmm::find_alike(&view));
    }
    return true;
  });
}

inline Plan *plan(const spmm_in *in) {
  return collective::together<Plan>([in](Plan *made) { return make(in, made); });
}

inline void multiply(const spmm_in *in, Plan *plan, double *y) {
  const int64_t k = in->k;
  halo::FetchRows fetched(plan, in->x, k);
  const auto pieces = [&](const spmm_in &part, const std::vector<char> &found, auto multiply) { /* of the border, in its order */
    int64_t at = 0;
    for (const Range &r : plan->border) {
      multiply(&part, found, at, at + r.to - r.from, y + (r.from - at) * k); /* part's row `at` is row r.from of Y */
      at += r.to - r.from, fetched.look();
    }
  };
  spmm_in inner = *in;
  inner.x = in->x - in->x_offsets[in->rank] * k; /* global columns of inner rows fall into this rank's part */
  const spmm::Way way = spmm::way(in, y);
  for (const Range &r : plan->inner) spmm::rows(&inner, *plan->found, r.from, r.to, way, y), fetched.look();
  pieces(plan->near.view(k, in->x), *plan->near.found, spmm::columns<spmm::kSet>);
  fetched.wait();
  pieces(plan->far.view(k, plan->inbox.data()), *plan->far.found, spmm::columns<spmm::kAdd>);
}

}  // namespace border
#endif
