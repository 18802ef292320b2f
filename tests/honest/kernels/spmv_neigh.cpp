// /// hpcbench
// model = "mpi+openmp"
// summary = "neighbourhood alltoallw with indexed types over a distributed graph, overlapped with local rows; OpenMP tasks"
// ///
#include <mpi.h>
#include <algorithm>
#include <memory>
#include <vector>
#include "abi.h"
namespace {
struct Plan {
  MPI_Comm graph = MPI_COMM_NULL; std::vector<int> src, dst; std::vector<MPI_Datatype> st, rt; std::vector<double> ghost; std::vector<int> sc, rc; std::vector<MPI_Aint> sd, rd;
  std::vector<int32_t> local; std::vector<int64_t> inner, border;
  ~Plan() { for (auto &t : st) MPI_Type_free(&t); for (auto &t : rt) MPI_Type_free(&t); if (graph != MPI_COMM_NULL) MPI_Comm_free(&graph); }
};
}
extern "C" void *spmv_setup(const spmv_in *in, const void *) try {
  auto p = std::make_unique<Plan>();
  const int R = (int)in->ranks, me = (int)in->rank; const int64_t lo = in->x_offsets[me], hi = in->x_offsets[me + 1], nnz = in->indptr[in->nrows];
  std::vector<int32_t> need(in->indices, in->indices + nnz);
  std::sort(need.begin(), need.end()); need.erase(std::unique(need.begin(), need.end()), need.end());
  need.erase(std::remove_if(need.begin(), need.end(), [&](int32_t c) { return c >= lo && c < hi; }), need.end());
  std::vector<int> want(R, 0), asked(R, 0), at(R + 1, 0), from(R + 1, 0);
  for (int32_t c : need) want[std::upper_bound(in->x_offsets, in->x_offsets + R + 1, (int64_t)c) - in->x_offsets - 1]++;
  MPI_Alltoall(want.data(), 1, MPI_INT, asked.data(), 1, MPI_INT, MPI_COMM_WORLD);
  for (int r = 0; r < R; r++) at[r + 1] = at[r] + want[r], from[r + 1] = from[r] + asked[r];
  std::vector<int32_t> give(from[R]);
  MPI_Alltoallv(need.data(), want.data(), at.data(), MPI_INT32_T, give.data(), asked.data(), from.data(), MPI_INT32_T, MPI_COMM_WORLD);
  for (int r = 0; r < R; r++) {
    if (asked[r]) { std::vector<int> d(give.begin() + from[r], give.begin() + from[r + 1]); for (int &v : d) v -= (int)lo;
      MPI_Datatype t; MPI_Type_create_indexed_block((int)d.size(), 1, d.data(), MPI_DOUBLE, &t); MPI_Type_commit(&t); p->dst.push_back(r), p->st.push_back(t), p->sc.push_back(1), p->sd.push_back(0); }
    if (want[r]) { MPI_Datatype t; MPI_Type_contiguous(want[r], MPI_DOUBLE, &t); MPI_Type_commit(&t); p->src.push_back(r), p->rt.push_back(t), p->rc.push_back(1), p->rd.push_back((MPI_Aint)8 * at[r]); }
  }
  MPI_Dist_graph_create_adjacent(MPI_COMM_WORLD, (int)p->src.size(), p->src.data(), MPI_UNWEIGHTED, (int)p->dst.size(), p->dst.data(), MPI_UNWEIGHTED, MPI_INFO_NULL, 0, &p->graph);
  p->ghost.resize(need.size()); p->local.resize(nnz);
  for (int64_t i = 0; i < in->nrows; i++) { bool b = false;
    for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) { const int32_t c = in->indices[k]; if (c >= lo && c < hi) p->local[k] = (int32_t)(c - lo); else b = true, p->local[k] = ~(int32_t)(std::lower_bound(need.begin(), need.end(), c) - need.begin()); }
    (b ? p->border : p->inner).push_back(i); }
  return p.release();
} catch (const std::bad_alloc &) { return nullptr; }
extern "C" void spmv_free(void *h) { delete static_cast<Plan *>(h); }
extern "C" int spmv_run(void *h, const spmv_in *in, const void *, spmv_out *out) {
  Plan &p = *static_cast<Plan *>(h);
  MPI_Request q;
  MPI_Ineighbor_alltoallw(in->x, p.sc.data(), p.sd.data(), p.st.data(), p.ghost.data(), p.rc.data(), p.rd.data(), p.rt.data(), p.graph, &q);
  auto row = [&](int64_t i) { double s = 0; for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) { const int32_t c = p.local[k]; s += in->data[k] * (c >= 0 ? in->x[c] : p.ghost[~c]); } out->y[i] = s; };
  const int64_t ni = (int64_t)p.inner.size(), nb = (int64_t)p.border.size();
#pragma omp parallel
  {
#pragma omp master
    MPI_Wait(&q, MPI_STATUS_IGNORE);
#pragma omp for schedule(dynamic, 256)
    for (int64_t i = 0; i < ni; i++) row(p.inner[i]);
#pragma omp for
    for (int64_t i = 0; i < nb; i++) row(p.border[i]);
  }
  return SPMV_OK;
}
