// /// hpcbench
// model = "cuda"
// summary = "rows in the order of their levels, and no barriers: lanes that share a row wait for each x that it needs; setup: levels, rows in order"
// source = "Liu et al., Euro-Par 2016 (rows that wait); Naumov, NVIDIA NVR-2011-001 (levels)"
// flags = ["-O3"]
// params.THREADS = {when = "build", default = 256, values = [128, 256, 512]}
// params.NAP = {when = "build", default = 100, values = [0, 20, 100, 500]}
// ///
/* One kernel per solve. An entry of x tells by itself that it is there: before, it has bits that no result has. Blocks take their rows
 * by tickets, so that whoever waits waits for rows that run or are done; those may be of the same warp, so that a turn of the loop is one look,
 * and a row that is done is told of in it, not behind it. NAP: nanoseconds between two looks. */
#include <new>

#include "abi.h"
#include "levels.cuh"

namespace {

using namespace sptrsv;

__global__ void __launch_bounds__(THREADS) solve(Ordered l, const double *b, double *x) {
  __shared__ unsigned ticket;
  if (threadIdx.x == 0) ticket = atomicAdd(l.taken, 1u);
  __syncthreads();
  if (threadIdx.x == 0 && ticket + 1 == gridDim.x) *l.taken = 0; /* for the next solve */
  const int own = threadIdx.x % l.lanes;
  const int64_t at = (int64_t(ticket) * THREADS + threadIdx.x) / l.lanes;
  if (at >= l.rows) return;
  const int64_t end = l.indptr[at + 1] - 1; /* the diagonal's */
  const int row = l.row[at];
  const double right = b[row], diagonal = l.data[end];
  const unsigned mask = (l.lanes == kWarp ? kAll : (1u << l.lanes) - 1) << threadIdx.x % kWarp / l.lanes * l.lanes; /* who share it */
  double sum = 0;
  int64_t k = l.indptr[at] + own;
  for (bool open = true; open;) {
    if (k < end) {
      const double value = *const_cast<const volatile double *>(x + l.indices[k]);
      if (__double_as_longlong(value) != kNothing) sum += l.data[k] * value, k += l.lanes;
      else __nanosleep(NAP);
    }
    if (!__all_sync(mask, k >= end)) continue;
    for (int step = l.lanes / 2; step; step /= 2) sum += __shfl_down_sync(mask, sum, step, l.lanes);
    const double value = (right - sum) / diagonal;
    if (own == 0) *const_cast<volatile double *>(x + row) = isnan(value) ? __longlong_as_double(kNotANumber) : value;
    open = false;
  }
}

}  // namespace

extern "C" void *sptrsv_setup(const sptrsv_in *in, const void *) {
  Levels *made = new (std::nothrow) Levels(in);
  if (made && made->call.finish() == device::OK) return made;
  delete made;
  return nullptr;
}

extern "C" int sptrsv_run(void *handle, const sptrsv_in *in, const void *, sptrsv_out *out) {
  const Ordered &l = static_cast<Levels *>(handle)->ordered;
  device::Call call(in->device);
  const double *b = call.in(in->b, l.rows);
  double *x = call.out(out->x, l.rows);
  if (l.rows && call.note(cudaMemsetAsync(x, 0xff, size_t(l.rows) * sizeof *x, 0)))
    solve<<<blocks(l.rows * l.lanes, THREADS), THREADS>>>(l, b, x);
  call.started();
  call.back(out->x, x, l.rows);
  return call.finish();
}

extern "C" void sptrsv_free(void *handle) { delete static_cast<Levels *>(handle); }
