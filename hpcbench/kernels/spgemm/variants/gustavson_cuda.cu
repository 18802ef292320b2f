// /// hpcbench
// model = "cuda"
// summary = "Gustavson on the device, rows in bins by their work, each computed once"
// source = "bins after Nagasaka, Nukada and Matsuoka, ICPP 2017; choice per row after Parger et al., PPoPP 2020 (spECK)"
// flags = ["-O3"]
// [params.WINDOW_RATIO]
// when = "build"
// default = 16
// values = [4, 8, 16, 32]
// ///
/* No symbolic pass: a row is computed straight into working memory for as many entries as it can have, and copied to
 * its place once the lengths of all rows are summed up. That moves every entry of C three times, and reads B once
 * where two phases read it twice; nothing waits for the host in between. Needs 165 KiB of shared memory a block:
 * compute capability 9.0, or later in that line. */
#include "abi.h"
#include "../../shared/device.cuh"
#include "dense.cuh"
#include "lanes.cuh"
#include "shared.cuh"

#include <algorithm>
#include <mutex>

#include <cub/device/device_scan.cuh>

namespace {

constexpr int kCopyThreads = 256, kCopyLanes = 8, kCopyLong = 64;
constexpr int64_t kDenseBytes = int64_t(2) << 30; /* for the dense sums of all blocks together, at most */

/* `length` entries from working memory to their place in C, by `step` threads. */
__device__ void move(const rows::Plan &plan, int64_t from, int64_t to, int64_t length, int first, int step, int32_t *cols,
                     double *vals) {
#pragma unroll 4
  for (int64_t i = first; i < length; i += step) cols[to + i] = __ldg(plan.cols + from + i), vals[to + i] = __ldg(plan.vals + from + i);
}

/* Rows to their places: short ones by groups of lanes, long ones, which are in the lists of warps and blocks, by warps,
 * the longest by blocks. */
__global__ void __launch_bounds__(kCopyThreads) gather(rows::Plan plan, const int64_t *indptr, int32_t *cols, double *vals) {
  const int team = blockIdx.y == 0 ? kCopyLanes : blockIdx.y == 1 ? 32 : kCopyThreads, rank = threadIdx.x % team;
  const int64_t begin = (int64_t(blockIdx.x) * kCopyThreads + threadIdx.x) / team;
  const int64_t step = int64_t(gridDim.x) * kCopyThreads / team;
  if (blockIdx.y == 0) {
    for (int64_t row = begin; row < plan.nrows; row += step) {
      const int64_t to = indptr[row], length = indptr[row + 1] - to;
      if (length && length <= kCopyLong) move(plan, plan.start[row], to, length, rank, team, cols, vals);
    }
    return;
  }
  const int last = blockIdx.y == 1 ? rows::WINDOW2 : rows::GLOBAL;
  for (int bin = blockIdx.y == 1 ? rows::HASH0 : rows::HASH3; bin <= last; ++bin)
    for (int64_t i = begin; i < plan.counts[bin]; i += step) {
      const int64_t row = plan.rows[bin * plan.nrows + i], to = indptr[row], length = indptr[row + 1] - to;
      if (length > kCopyLong) move(plan, plan.start[row], to, length, rank, team, cols, vals);
    }
}

/* Start the kernel of a size on as many blocks as fit; its shared memory is more than the default. */
template <class Team, int Size, int Threads>
void start(device::Call &call, const rows::Factors &f, const rows::Plan &plan, unsigned blocks, cudaStream_t stream) {
  const auto kernel = rows::rows_in_shared_memory<Team, Size, Threads>;
  constexpr int bytes = Threads / Team::kThreads * sizeof(rows::Memory<Team, Size>);
  static const cudaError_t allowed = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (!call.note(allowed)) return;
  kernel<<<dim3(blocks, 2), Threads, bytes, stream>>>(f, plan);
  call.started();
}

/* Streams beside the default one, so that bins of a few rows each do not wait for each other. */
struct Side {
  cudaStream_t stream[5] = {};
  cudaEvent_t forked = nullptr, done[5] = {};

  Side() {
    cudaEventCreateWithFlags(&forked, cudaEventDisableTiming);
    for (int i = 0; i < 5; ++i) {
      cudaStreamCreateWithFlags(&stream[i], cudaStreamNonBlocking);
      cudaEventCreateWithFlags(&done[i], cudaEventDisableTiming);
    }
  }

  void fork(device::Call &call) {
    call.note(cudaEventRecord(forked, 0));
    for (cudaStream_t s : stream) call.note(cudaStreamWaitEvent(s, forked, 0));
  }

  void join(device::Call &call) {
    for (int i = 0; i < 5; ++i)
      call.note(cudaEventRecord(done[i], stream[i])), call.note(cudaStreamWaitEvent(0, done[i], 0));
  }
};

Side &beside() {
  static Side streams;
  return streams;
}

/* Set by the device where B does not ascend; in the host's memory, so that nothing has to be copied. */
int *astray() {
  static int *const flag = [] {
    void *at = nullptr;
    cudaHostAlloc(&at, sizeof(int), cudaHostAllocMapped);
    return static_cast<int *>(at);
  }();
  return flag;
}

int multiply(device::Call &call, const rows::Factors &f, rows::Plan &plan, int64_t capacity, int64_t *indptr,
             int32_t *cols, double *vals) {
  const int64_t n = plan.nrows;
  const int p = device::processors();
  struct Counters {
    unsigned long long taken;
    int32_t counts[rows::BINS];
  };
  Counters *counters;
  call.want(counters, 1), call.want(plan.rows, rows::BINS * n);
  call.want(plan.start, n), call.want(plan.length, n + 1), call.want(plan.first, n), call.want(plan.span, n);
  call.want(plan.products, n);
  call.want(plan.cols, capacity), call.want(plan.vals, capacity);
  const int64_t dense_bytes = 8 * f.b.ncols + 4 * ((f.b.ncols + 31) / 32);
  const int64_t fitting = kDenseBytes / dense_bytes;
  const int dense_blocks = int(fitting < 1 ? 1 : fitting < 2 * p ? fitting : 2 * p);
  const bool may_be_large = capacity > rows::most_products(3) && f.b.ncols > rows::most_columns(3);
  rows::Dense dense = {nullptr, nullptr};
  if (may_be_large) {
    call.want(dense.sums, dense_blocks * f.b.ncols);
    call.want(dense.bits, dense_blocks * ((f.b.ncols + 31) / 32));
  }
  size_t scan_bytes = 0;
  call.note(cub::DeviceScan::ExclusiveSum(nullptr, scan_bytes, plan.length, indptr, n + 1));
  char *scan;
  call.want(scan, int64_t(scan_bytes));
  if (!call.get()) return call.finish();
  if (!astray()) return device::NO_MEMORY;
  plan.taken = &counters->taken, plan.counts = counters->counts, plan.astray = astray();
  *plan.astray = 0;
  call.note(cudaMemsetAsync(counters, 0, sizeof *counters, 0));

  const auto blocks = [&](int64_t rows_a_block, int64_t most) { /* no more than there can be work for */
    return unsigned(std::min((n + rows_a_block - 1) / rows_a_block, most));
  };
  constexpr int64_t all = INT32_MAX;
  if (n < 1 << 14) rows::plan_rows<32, 1><<<blocks(8, all), rows::kPlanThreads>>>(f, plan);
  else if (n < 1 << 19) rows::plan_rows<4, 1><<<blocks(64, all), rows::kPlanThreads>>>(f, plan);
  else rows::plan_rows<4, 4><<<blocks(256, all), rows::kPlanThreads>>>(f, plan);
  call.started();
  Side &side = beside();
  side.fork(call);
  if (may_be_large)
    rows::rows_in_global_memory<<<unsigned(dense_blocks), rows::kDenseThreads, 0, side.stream[0]>>>(f, plan, dense),
        call.started();
  start<rows::Block<1024>, 3, 1024>(call, f, plan, blocks(1, p), side.stream[1]);
  start<rows::Block<256>, 2, 256>(call, f, plan, blocks(1, 5 * p), side.stream[2]);
  start<rows::Block<128>, 1, 128>(call, f, plan, blocks(1, 16 * p), side.stream[3]);
  start<rows::Warp, 0, 256>(call, f, plan, blocks(8, 6 * p), side.stream[4]);
  if (f.b.ncols < rows::kNarrow) rows::rows_by_lanes<uint32_t><<<dim3(blocks(8, 8 * p), 3), rows::kLaneThreads>>>(f, plan);
  else rows::rows_by_lanes<unsigned long long><<<dim3(blocks(8, 8 * p), 3), rows::kLaneThreads>>>(f, plan);
  call.started();
  side.join(call);
  call.note(cub::DeviceScan::ExclusiveSum(scan, scan_bytes, plan.length, indptr, n + 1));
  gather<<<dim3(blocks(kCopyThreads / 32, 8 * p), 3), kCopyThreads>>>(plan, indptr, cols, vals), call.started();
  return call.finish();
}

}  // namespace

extern "C" int spgemm_run(void *, const spgemm_in *in, const void *, spgemm_out *out) {
  const int64_t n = in->a_nrows, capacity = out->capacity;
  if (n >= INT32_MAX || in->b_ncols > INT32_MAX) return SPGEMM_TOO_LARGE;
  static std::mutex one; /* streams, and the flag of astray columns, serve one call at a time */
  const std::lock_guard<std::mutex> alone(one);
  device::Call call(in->device != 0);
  const bool here = call.resident();
  const int64_t a_nnz = here ? 0 : in->a_indptr[n], b_nnz = here ? 0 : in->b_indptr[in->b_nrows];
  const rows::Factors f = {
      {n, in->a_ncols, call.in(in->a_indptr, n + 1), call.in(in->a_indices, a_nnz), call.in(in->a_data, a_nnz)},
      {in->b_nrows, in->b_ncols, call.in(in->b_indptr, in->b_nrows + 1), call.in(in->b_indices, b_nnz),
       call.in(in->b_data, b_nnz)}};
  int64_t *const indptr = call.out(out->indptr, n + 1);
  int32_t *const cols = call.out(out->indices, capacity);
  double *const vals = call.out(out->data, capacity);
  if (capacity == 0 || n == 0) {
    call.note(cudaMemsetAsync(indptr, 0, size_t(n + 1) * sizeof *indptr, 0));
    call.back(out->indptr, indptr, n + 1);
    return call.finish();
  }
  rows::Plan plan = {};
  plan.nrows = n, plan.sorted = in->sorted != 0, plan.ascends = true;
  int status = multiply(call, f, plan, capacity, indptr, cols, vals);
  if (status == device::OK && *plan.astray) {
    plan.ascends = false;
    status = multiply(call, f, plan, capacity, indptr, cols, vals);
  }
  if (status != device::OK || here) return status;
  call.back(out->indptr, indptr, n + 1);
  if (call.finish() != device::OK) return device::FAILED;
  call.back(out->indices, cols, out->indptr[n]);
  call.back(out->data, vals, out->indptr[n]);
  return call.finish();
}
