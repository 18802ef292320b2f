/* The rows of a triangle in the order of their levels, on a CUDA device: the first level needs no other row, each further
 * one needs a row of the level before. */
#ifndef SPTRSV_LEVELS_CUH
#define SPTRSV_LEVELS_CUH
#include "../../shared/device.cuh"

namespace sptrsv {

constexpr int kWarp = 32, kThreads = 256, kScan = 1024;
constexpr unsigned kAll = 0xffffffff;
constexpr long long kNothing = -1, kNotANumber = 0x7ff8000000000000; /* of x: all bits set; what a result may be instead */

struct Rows {
  int64_t count;
  const int64_t *indptr;
  const int32_t *indices;
  const double *data;
};

struct Ordered {
  int64_t rows;
  const int64_t *indptr;
  const int32_t *row, *indices;
  const double *data;
  unsigned *taken; /* tickets; 0 between solves */
  int lanes;       /* that share a row, a power of two */
};

inline unsigned blocks(int64_t threads, int block) { return unsigned((threads + block - 1) / block); }

/* The level of every row, which was -1: a thread waits for those that its row needs, one look in a turn, as in waits_cuda.cu. */
__global__ void __launch_bounds__(kThreads) find(Rows a, int *level, unsigned *taken) {
  __shared__ unsigned ticket;
  if (threadIdx.x == 0) ticket = atomicAdd(taken, 1u);
  __syncthreads();
  if (threadIdx.x == 0 && ticket + 1 == gridDim.x) *taken = 0;
  const int64_t i = int64_t(ticket) * kThreads + threadIdx.x;
  if (i >= a.count) return;
  int own = 0;
  int64_t k = a.indptr[i];
  const int64_t end = a.indptr[i + 1] - 1;
  for (bool open = true; open;) {
    if (k == end) {
      *const_cast<volatile int *>(level + i) = own, open = false;
      continue;
    }
    const int found = *const_cast<const volatile int *>(level + a.indices[k]);
    if (found >= 0) own = max(own, found + 1), ++k;
    else __nanosleep(20);
  }
}

__global__ void count(int64_t rows, const int *level, unsigned long long *first) {
  const int64_t i = blockIdx.x * int64_t(kThreads) + threadIdx.x;
  if (i < rows) atomicAdd(first + level[i], 1ull);
}

/* In place of each of `n` numbers the sum of those before it, and behind them the sum of all; by one block. */
__global__ void __launch_bounds__(kScan) sum_up(int64_t n, unsigned long long *number) {
  __shared__ unsigned long long part[kScan / kWarp], before;
  const int me = threadIdx.x, lane = me % kWarp, warp = me / kWarp;
  const auto up_to = [lane](unsigned long long v) {
    for (int step = 1; step < kWarp; step *= 2) {
      const unsigned long long other = __shfl_up_sync(kAll, v, step);
      if (lane >= step) v += other;
    }
    return v;
  };
  if (me == 0) before = 0;
  for (int64_t first = 0; first < n; first += kScan) {
    const int64_t i = first + me;
    const unsigned long long own = i < n ? number[i] : 0, sum = up_to(own);
    __syncthreads();
    if (lane == kWarp - 1) part[warp] = sum;
    __syncthreads();
    if (warp == 0) part[lane] = up_to(part[lane]);
    __syncthreads();
    const unsigned long long to = before + (warp ? part[warp - 1] : 0) + sum;
    if (i < n) number[i] = to - own;
    __syncthreads();
    if (me == kScan - 1) before = to;
  }
  __syncthreads();
  if (me == 0) number[n] = before;
}

/* Rows to their places; `first`, the place of a level's next row, moves on. */
__global__ void place(Rows a, const int *level, unsigned long long *first, int32_t *row, unsigned long long *indptr) {
  const int64_t i = blockIdx.x * int64_t(kThreads) + threadIdx.x;
  if (i >= a.count) return;
  const unsigned long long at = atomicAdd(first + level[i], 1ull);
  row[at] = int32_t(i), indptr[at] = a.indptr[i + 1] - a.indptr[i];
}

/* Entries behind them: a warp takes a row. */
__global__ void move(Rows a, const int32_t *row, const unsigned long long *indptr, int32_t *indices, double *data) {
  const int64_t at = (blockIdx.x * int64_t(kThreads) + threadIdx.x) / kWarp;
  if (at >= a.count) return;
  const int64_t from = a.indptr[row[at]], length = a.indptr[row[at] + 1] - from;
  for (int64_t k = threadIdx.x % kWarp; k < length; k += kWarp)
    indices[indptr[at] + k] = a.indices[from + k], data[indptr[at] + k] = a.data[from + k];
}

/* On the device for as long as it lives. */
struct Levels {
  explicit Levels(const sptrsv_in *in) : call(in->device) {
    const int64_t n = in->nrows, entries = device::entries(call, in->indptr, n);
    device::Call once(in->device); /* what only setup needs */
    const Rows a{n, once.in(in->indptr, n + 1), once.in(in->indices, entries), once.in(in->data, entries)};
    int *level = once.take<int>(n);
    auto *first = once.take<unsigned long long>(n + 1);
    auto *indptr = call.take<unsigned long long>(n + 1);
    int32_t *row = call.take<int32_t>(n), *indices = call.take<int32_t>(entries);
    double *data = call.take<double>(entries);
    unsigned *taken = call.take<unsigned>(1);
    ordered = {n, reinterpret_cast<const int64_t *>(indptr), row, indices, data, taken, 1};
    while (ordered.lanes < kWarp && ordered.lanes * n < entries - n) ordered.lanes *= 2;
    call.note(once.finish() == device::OK ? cudaSuccess : cudaErrorMemoryAllocation);
    if (!n || !call.note(cudaMemsetAsync(level, 0xff, size_t(n) * sizeof *level, 0))) return;
    call.note(cudaMemsetAsync(first, 0, size_t(n + 1) * sizeof *first, 0));
    if (!call.note(cudaMemsetAsync(taken, 0, sizeof *taken, 0))) return;
    const unsigned each = blocks(n, kThreads);
    find<<<each, kThreads>>>(a, level, taken);
    count<<<each, kThreads>>>(n, level, first);
    sum_up<<<1, kScan>>>(n, first);
    place<<<each, kThreads>>>(a, level, first, row, indptr);
    sum_up<<<1, kScan>>>(n, indptr);
    move<<<blocks(n * kWarp, kThreads), kThreads>>>(a, row, indptr, indices, data);
    call.started();
  }
  device::Call call;
  Ordered ordered{};
};

}  // namespace sptrsv
#endif
