/* One block of rows and one part of X per rank. Rows whose columns all lie in this rank's part, the inner ones, are multiplied while others'
 * rows of X are on their way; the others, the border rows, when these have arrived, from both. */
#ifndef SPMM_BORDER_HPP
#define SPMM_BORDER_HPP
#include <memory>

#include "../../shared/halo.hpp"
#include "rows.hpp"

namespace border {

constexpr int64_t kPiece = 1 << 12; /* rows between two looks at the messages */

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
  std::vector<int32_t> indices; /* columns, counted in this rank's part; others', from the end of what is fetched, below zero */
};

/* Rows of X, this rank's and those that are fetched. */
struct Parted {
  const double *own, *fetched_end;
  int64_t k;
  const double *row(int32_t column) const { return (column < 0 ? fetched_end : own) + column * k; }
};

/* Splits windows of rows into inner and border ones; others' columns are put into `far`, as they come. */
inline void split(const spmm_in *in, Plan *plan, std::vector<int32_t> *far) {
  const int64_t first = in->x_offsets[in->rank];
  const uint64_t here = uint64_t(in->x_offsets[in->rank + 1] - first);
  plan->indices.resize(size_t(in->indptr[in->nrows]));
  for (int64_t i = 0; i < in->nrows; i += spmm::kWindow) {
    const int64_t end = std::min(in->nrows, i + spmm::kWindow);
    const size_t before = far->size();
    for (int64_t p = in->indptr[i]; p < in->indptr[end]; ++p) {
      const int64_t column = in->indices[p] - first;
      const bool own = uint64_t(column) < here;
      plan->indices[size_t(p)] = own ? int32_t(column) : -1;
      if (!own) far->push_back(in->indices[p]);
    }
    extend(far->size() > before ? &plan->border : &plan->inner, i, end);
  }
}

inline int make(const spmm_in *in, Plan *plan) {
  std::vector<int32_t> far;
  int error = collective::alone([&] { return split(in, plan, &far), true; });
  if (error || (error = halo::meet(&far, in->x_offsets, size_t(in->ranks), plan))) return error;
  return collective::alone([&] {
    const int32_t *next = far.data();
    for (int32_t &column : plan->indices)
      if (column < 0) column = *next++ - plan->fetched_at.back();
    for (memory::Vector<double> *box : {&plan->inbox, &plan->outbox}) {
      if (int64_t(box->size()) * in->k > INT_MAX) return false;
      box->resize(box->size() * size_t(in->k));
    }
    plan->found.reset(spmm::find_alike(in));
    return true;
  });
}

inline Plan *plan(const spmm_in *in) {
  return collective::together<Plan>([in](Plan *made) { return make(in, made); });
}

inline void multiply(const spmm_in *in, Plan *plan, double *y) {
  halo::FetchRows fetched(plan, in->x, in->k);
  spmm_in mine = *in;
  mine.indices = plan->indices.data();
  const spmm::Whole own = {in->x, in->k};
  const Parted all = {in->x, plan->inbox.data() + plan->fetched_at.back() * in->k, in->k};
  const spmm::Way way = spmm::way(in, y);
  for (const Range &r : plan->inner) spmm::rows(&mine, own, *plan->found, r.from, r.to, way, y), fetched.look();
  fetched.wait();
  for (const Range &r : plan->border) spmm::rows(&mine, all, *plan->found, r.from, r.to, way, y);
}

}  // namespace border
#endif
