// /// hpcbench
// model = "mpi"
// summary = "blocks of X round a ring, double buffered, entries bucketed by owner in setup; Cart_create periodic"
// ///
#include <mpi.h>
#include <algorithm>
#include <vector>
#include "abi.h"
struct Plan { MPI_Comm ring; int left, right; struct E { int64_t row; int32_t col; double v; }; std::vector<std::vector<E>> by; int64_t most = 0; std::vector<double> buf[2]; };
extern "C" void *spmm_setup(const spmm_in *in, const void *) {
  auto *p = new Plan; const int R = (int)in->ranks; int dims[1] = {R}, periods[1] = {1}; MPI_Cart_create(MPI_COMM_WORLD, 1, dims, periods, 0, &p->ring); MPI_Cart_shift(p->ring, 0, 1, &p->left, &p->right);
  p->by.resize(R); for (int r = 0; r < R; r++) p->most = std::max(p->most, in->x_offsets[r + 1] - in->x_offsets[r]);
  for (int64_t i = 0; i < in->nrows; i++) for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) { const int r = (int)(std::upper_bound(in->x_offsets, in->x_offsets + R + 1, (int64_t)in->indices[k]) - in->x_offsets) - 1; p->by[r].push_back({i, (int32_t)(in->indices[k] - in->x_offsets[r]), in->data[k]}); }
  for (auto &b : p->buf) b.resize(p->most * in->k);
  return p;
}
extern "C" void spmm_free(void *h) { auto *p = static_cast<Plan *>(h); MPI_Comm_free(&p->ring); delete p; }
extern "C" int spmm_run(void *h, const spmm_in *in, const void *, spmm_out *out) {
  auto &p = *static_cast<Plan *>(h); const int R = (int)in->ranks, me = (int)in->rank; const int64_t K = in->k; MPI_Datatype row; MPI_Type_contiguous((int)K, MPI_DOUBLE, &row); MPI_Type_commit(&row);
  std::fill_n(out->y, in->nrows * K, 0.0); const double *now = in->x;
  for (int s = 0; s < R; s++) {
    const int owner = (me - s + R) % R, next = (owner - 1 + R) % R; auto len = [&](int r) { return (int)(in->x_offsets[r + 1] - in->x_offsets[r]); }; MPI_Request q[2]; double *into = p.buf[s & 1].data();
    if (s + 1 < R) { MPI_Irecv(into, len(next), row, p.left, s, p.ring, q); MPI_Isend(now, len(owner), row, p.right, s, p.ring, q + 1); }
    for (const auto &e : p.by[owner]) { double *y = out->y + e.row * K; const double *x = now + e.col * K; for (int64_t c = 0; c < K; c++) y[c] += e.v * x[c]; }
    if (s + 1 < R) MPI_Waitall(2, q, MPI_STATUSES_IGNORE);
    now = into;
  }
  MPI_Type_free(&row); return SPMM_OK;
}
