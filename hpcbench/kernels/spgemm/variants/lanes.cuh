/* Rows of few products: by groups of lanes that sort all products in registers and add up equal columns, and by warps
 * with a hash table, or a dense window with a bit map, in shared memory. */
#ifndef ROWS_LANES_CUH
#define ROWS_LANES_CUH
#include "bins.cuh"

namespace rows {

constexpr int kLaneThreads = 256;

/* Ascending columns over the G lanes of a group: a bitonic network. */
template <int G> __device__ void sort_lanes(int32_t &col, double &val, unsigned mask) {
  const int lane = threadIdx.x % G;
#pragma unroll
  for (int size = 2; size <= G; size *= 2)
#pragma unroll
    for (int stride = size / 2; stride > 0; stride /= 2) {
      const int32_t other = __shfl_xor_sync(mask, col, stride, G);
      const double theirs = __shfl_xor_sync(mask, val, stride, G);
      const bool wants_less = ((lane & size) == 0) == ((lane & stride) == 0);
      if (wants_less ? other < col : other > col) col = other, val = theirs;
    }
}

/* Rows of at most G products, one to a group. */
template <int G> __device__ void sort_rows(const Factors &f, const Plan &plan, int bin) {
  const int lane = threadIdx.x % G, group = threadIdx.x / G;
  const unsigned mask = G == 32 ? kAll : ((1u << (G % 32)) - 1) << (threadIdx.x % 32 / G * G);
  const unsigned before = mask & ((1u << (threadIdx.x % 32)) - 1);
  const int32_t *const list = plan.rows + bin * plan.nrows;
  const int64_t groups = int64_t(gridDim.x) * (kLaneThreads / G), count = plan.counts[bin];
  for (int64_t i = int64_t(blockIdx.x) * (kLaneThreads / G) + group; i < count; i += groups) {
    const int64_t row = list[i], end = f.a.indptr[row + 1];
    int32_t col = INT32_MAX;
    double val = 0;
    int done = 0; /* entries of A without products may make more rounds than one */
    for (int64_t k = f.a.indptr[row]; k < end; k += G) {
      const Entry e = entry(f, k + lane, end);
      const int upto = sum_up<G>(e.length, mask), total = __shfl_sync(mask, upto, G - 1, G);
      const int p = lane - done, at = lane_of<G>(p, upto, mask);
      const int64_t q = __shfl_sync(mask, e.start - (upto - e.length), at, G) + p;
      const double value = __shfl_sync(mask, e.value, at, G);
      if (p >= 0 && p < total) col = f.b.indices[q], val = value * f.b.data[q];
      done += total;
    }
    sort_lanes<G>(col, val, mask);
#pragma unroll
    for (int d = 1; d < G; d *= 2) { /* the first of equal columns gets the sum of all */
      const int32_t other = __shfl_down_sync(mask, col, d, G);
      const double theirs = __shfl_down_sync(mask, val, d, G);
      if (lane + d < G && other == col) val += theirs;
    }
    const int32_t left = __shfl_up_sync(mask, col, 1, G);
    const bool first = col != INT32_MAX && (lane == 0 || left != col);
    const unsigned firsts = __ballot_sync(mask, first) & mask;
    const int64_t to = plan.start[row] + __popc(firsts & before);
    if (first) plan.cols[to] = col, plan.vals[to] = val;
    if (lane == 0) plan.length[row] = __popc(firsts);
  }
}

__global__ void __launch_bounds__(kLaneThreads) rows_by_lanes(Factors f, Plan plan) {
  if (blockIdx.y == SORT8) sort_rows<8>(f, plan, SORT8);
  if (blockIdx.y == SORT16) sort_rows<16>(f, plan, SORT16);
  if (blockIdx.y == SORT32) sort_rows<32>(f, plan, SORT32);
}

__device__ inline void add_hashed(int32_t *keys, double *sums, unsigned mask, int32_t col, double value) {
  unsigned at = (unsigned(col) * 0x9E3779B1u >> 7) & mask;
  for (;; at = (at + 1) & mask) {
    int32_t seen = *const_cast<volatile int32_t *>(keys + at);
    if (seen < 0) seen = atomicCAS(keys + at, -1, col);
    if (seen < 0 || seen == col) break;
  }
  atomicAdd(sums + at, value);
}

struct WarpTable {
  double sums[2 * kWarpHash];
  int32_t keys[2 * kWarpHash], cols[kWarpHash];
  int16_t slots[kWarpHash];
};

struct WarpWindow {
  double sums[kWarpWindow];
  unsigned bits[kWarpWindow / 32];
};

union WarpMemory {
  WarpTable table;
  WarpWindow window;
};

__device__ inline void hash_row(const Factors &f, const Plan &plan, int64_t row, WarpTable &table) {
  const int lane = threadIdx.x % 32;
  for (int i = lane; i < 2 * kWarpHash; i += 32) table.keys[i] = -1, table.sums[i] = 0;
  __syncwarp();
  by_warp(f, row, [&](int32_t col, double value) { add_hashed(table.keys, table.sums, 2 * kWarpHash - 1, col, value); });
  __syncwarp();
  int nnz = 0;
  for (int i = lane; i < 2 * kWarpHash; i += 32) {
    const bool used = table.keys[i] >= 0;
    const unsigned all = __ballot_sync(kAll, used);
    const int to = nnz + __popc(all & ((1u << lane) - 1));
    if (used) table.cols[to] = table.keys[i], table.slots[to] = int16_t(i);
    nnz += __popc(all);
  }
  __syncwarp();
  const int64_t start = plan.start[row];
  for (int i = lane; i < nnz; i += 32) { /* the place of a column is the number of those before it */
    int to = plan.sorted ? 0 : i;
    for (int j = 0; plan.sorted && j < nnz; ++j) to += table.cols[j] < table.cols[i];
    plan.cols[start + to] = table.cols[i], plan.vals[start + to] = table.sums[table.slots[i]];
  }
  if (lane == 0) plan.length[row] = nnz;
  __syncwarp();
}

__device__ inline void window_row(const Factors &f, const Plan &plan, int64_t row, WarpWindow &window) {
  const int lane = threadIdx.x % 32;
  const int32_t low = plan.first[row], span = plan.span[row];
  for (int i = lane; i < span; i += 32) window.sums[i] = 0;
  for (int i = lane; i < kWarpWindow / 32; i += 32) window.bits[i] = 0;
  __syncwarp();
  by_warp(f, row, [&](int32_t col, double value) {
    const unsigned at = unsigned(col - low);
    if (at >= unsigned(span)) *plan.astray = 1;
    else atomicAdd(window.sums + at, value), atomicOr(window.bits + at / 32, 1u << at % 32);
  });
  __syncwarp();
  const int64_t start = plan.start[row];
  int nnz = 0;
  for (int w = 0; 32 * w < span; ++w) {
    const unsigned word = window.bits[w];
    const int64_t to = start + nnz + __popc(word & ((1u << lane) - 1));
    if (word >> lane & 1) plan.cols[to] = low + 32 * w + lane, plan.vals[to] = window.sums[32 * w + lane];
    nnz += __popc(word);
  }
  if (lane == 0) plan.length[row] = nnz;
  __syncwarp();
}

__global__ void __launch_bounds__(kLaneThreads) rows_by_warps(Factors f, Plan plan) {
  __shared__ WarpMemory memory[kLaneThreads / 32];
  const int bin = WARP_HASH + blockIdx.y, warp = threadIdx.x / 32;
  const int64_t count = plan.counts[bin], warps = int64_t(gridDim.x) * (kLaneThreads / 32);
  for (int64_t i = int64_t(blockIdx.x) * (kLaneThreads / 32) + warp; i < count; i += warps) {
    const int64_t row = plan.rows[bin * plan.nrows + i];
    if (bin == WARP_HASH) hash_row(f, plan, row, memory[warp].table);
    else window_row(f, plan, row, memory[warp].window);
  }
}

}  // namespace rows
#endif
