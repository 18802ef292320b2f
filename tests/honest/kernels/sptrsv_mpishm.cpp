// /// hpcbench
// model = "mpi"
// summary = "shared window, progress counters of std::atomic in it, ranks spin and yield"
// flags = ["-O2", "-std=gnu++20"]
// ///
#include <mpi.h>
#include <atomic>
#include <new>
#include <sched.h>
#include "abi.h"
struct Plan { MPI_Comm c; MPI_Win wx, wf; double *x; std::atomic<int64_t> *f; int64_t epoch = 0; };
extern "C" void *sptrsv_setup(const sptrsv_in *in, const void *) {
  auto *p = new Plan; MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &p->c);
  MPI_Aint s; int d; void *mine;
  MPI_Win_allocate_shared(in->rank ? 0 : 8 * (in->order + 1), 8, MPI_INFO_NULL, p->c, &mine, &p->wx); MPI_Win_shared_query(p->wx, 0, &s, &d, &p->x);
  MPI_Win_allocate_shared(in->rank ? 0 : 64 * in->ranks, 8, MPI_INFO_NULL, p->c, &mine, &p->wf); MPI_Win_shared_query(p->wf, 0, &s, &d, &p->f);
  new (p->f + 8 * in->rank) std::atomic<int64_t>(0);
  static_assert(std::atomic<int64_t>::is_always_lock_free);
  MPI_Barrier(p->c); return p;
}
extern "C" void sptrsv_free(void *h) { auto *p = static_cast<Plan *>(h); MPI_Win_free(&p->wx), MPI_Win_free(&p->wf), MPI_Comm_free(&p->c); delete p; }
extern "C" int sptrsv_run(void *h, const sptrsv_in *in, const void *, sptrsv_out *out) {
  auto &p = *static_cast<Plan *>(h); const int64_t base = p.epoch * (in->order + 1), lo = in->offsets[in->rank]; p.epoch++;
  MPI_Barrier(p.c);
  auto *mine = p.f + 8 * in->rank; int r = 0;
  for (int64_t i = 0; i < in->nrows; i++) {
    double s = in->b[i]; const int64_t last = in->indptr[i + 1] - 1;
    for (int64_t k = in->indptr[i]; k < last; k++) { const int64_t j = in->indices[k];
      if (j < lo) { r = 0; while (in->offsets[r + 1] <= j) r++; while (p.f[8 * r].load(std::memory_order_acquire) < base + j - in->offsets[r] + 1) sched_yield(); }
      s -= in->data[k] * p.x[j]; }
    p.x[lo + i] = out->x[i] = s / in->data[last]; mine->store(base + i + 1, std::memory_order_release);
  }
  return SPTRSV_OK;
}
