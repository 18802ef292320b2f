/* Rows that no shared memory holds: dense sums and a bit map over all columns in global memory, one for every block,
 * zero between rows. */
#ifndef ROWS_DENSE_CUH
#define ROWS_DENSE_CUH
#include "bins.cuh"

namespace rows {

constexpr int kDenseThreads = 512;

struct Dense {
  double *sums;
  unsigned *bits;
};

__global__ void __launch_bounds__(kDenseThreads) rows_in_global_memory(Factors f, Plan plan, Dense all) {
  using Team = Block<kDenseThreads>;
  __shared__ Team::Memory memory;
  __shared__ unsigned map[kDenseThreads];
  __shared__ int place[kDenseThreads];
  const Team team(memory);
  const int t = threadIdx.x, lane = t % 32;
  const int64_t count = plan.counts[GLOBAL], ncols = f.b.ncols, words = (ncols + 31) / 32;
  double *const sums = all.sums + blockIdx.x * ncols;
  unsigned *const bits = all.bits + blockIdx.x * words;
  if (blockIdx.x < count) {
    for (int64_t i = t; i < ncols; i += kDenseThreads) __stcg(sums + i, 0.0);
    for (int64_t i = t; i < words; i += kDenseThreads) __stcg(bits + i, 0u);
  }
  __syncthreads();
  for (int64_t i = blockIdx.x; i < count; i += gridDim.x) {
    const int64_t row = plan.rows[GLOBAL * plan.nrows + i], low = plan.first[row], high = low + plan.span[row];
    team.products(f, row, [&](int32_t col, double value) {
      if (col < low || col >= high) {
        *plan.astray = 1;
        return;
      }
      atomicAdd(sums + col, value);
      if (!(__ldcg(bits + col / 32) >> col % 32 & 1)) atomicOr(bits + col / 32, 1u << col % 32);
    });
    int64_t to = plan.start[row];
    for (int64_t w0 = low / 32; 32 * w0 < high; w0 += kDenseThreads) {
      map[t] = 32 * (w0 + t) < high ? __ldcg(bits + w0 + t) : 0;
      int total;
      place[t] = team.before(__popc(map[t]), total);
      if (map[t]) __stcg(bits + w0 + t, 0u);
      __syncthreads();
      for (int w = t / 32; w < kDenseThreads; w += kDenseThreads / 32) {
        const unsigned word = map[w];
        const int64_t col = 32 * (w0 + w) + lane, at = to + place[w] + __popc(word & ((1u << lane) - 1));
        if (word >> lane & 1) {
          plan.cols[at] = int32_t(col), plan.vals[at] = __ldcg(sums + col);
          __stcg(sums + col, 0.0);
        }
      }
      to += total;
      __syncthreads();
    }
    if (t == 0) plan.length[row] = to - plan.start[row];
    __syncthreads();
  }
}

}  // namespace rows
#endif
