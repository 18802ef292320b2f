// /// hpcbench
// model = "mpi+openmp"
// summary = "1D row blocks, threads in every rank: inner rows are multiplied while the rows that the others need arrive; MERGE_MAX 0: as fitted"
// source = "Gustavson, ACM TOMS 4(3), 1978; row-wise 1D algorithm after Buluc and Gilbert, SIAM J. Sci. Comput. 34(4), 2012"
// flags = ["-O3", "-march=native"]
// restrictions = ["ACCUMULATOR == 'auto' or MERGE_MAX == 0"]  # the others have no such limits
// [params.ACCUMULATOR]
// when = "build"
// default = "auto"
// values = ["auto", "dense", "hash", "merge"]
// [params.MERGE_MAX]
// when = "build"
// default = 0  # as fitted
// values = [0, 64, 128, 256]
// [params.SWEEP_MAX]
// when = "build"
// default = 4
// values = [2, 4, 8, 16]
// [params.REPLAY]
// when = "build"
// default = 1
// values = [0, 1]
// [params.CHUNK]
// when = "build"
// default = 131072
// values = [8192, 32768, 131072, 524288]
// ///
/* One thread of a rank, the one that started MPI, sees to the messages between pieces of its chunks and whenever it can only
 * wait; threads that come to border rows before these messages have arrived wait for it. */
#include <omp.h>

#include <atomic>

#include "border.hpp"
#include "chunks.hpp"

extern "C" void *spgemm_setup(const spgemm_in *in, const void *) { return border::plan(in); }

extern "C" int spgemm_run(void *handle, const spgemm_in *in, const void *, spgemm_out *out) {
  if (!handle) return SPGEMM_NO_MEMORY; /* setup failed, on every rank */
  border::Plan &plan = *static_cast<border::Plan *>(handle);
  border::Values values(in, &plan);
  const border::Parts parts(in, plan);
  std::atomic<bool> arrived{false};
  const auto ready = [&](int part) {
    if (!arrived.load(std::memory_order_acquire) && omp_get_thread_num() == 0 && values.arrived())
      arrived.store(true, std::memory_order_release);
    return part == 0 || arrived.load(std::memory_order_acquire);
  };
  const bool done = rows::multiply({parts.of[0], parts.of[1]}, plan.runs, in->sorted != 0, out, ready);
  return done ? SPGEMM_OK : SPGEMM_NO_MEMORY;
}

extern "C" void spgemm_free(void *handle) { delete static_cast<border::Plan *>(handle); }
