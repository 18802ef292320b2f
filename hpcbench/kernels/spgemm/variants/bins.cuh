/* Which way each row goes: its multiply-adds and the span of its columns decide. Every row gets a place for as many
 * entries as it can have, in working memory, in no order; lists of rows stay on the device, so that nobody waits. */
#ifndef ROWS_BINS_CUH
#define ROWS_BINS_CUH
#include "products.cuh"

#ifndef WINDOW_RATIO /* widest span of columns, per multiply-add, for which a dense window beats a hash table */
#define WINDOW_RATIO 16
#endif

namespace rows {

/* SORT: in registers, by groups of 8, 16 and 32 lanes; by warps, by blocks, and by large blocks with a hash table or a
 * dense window in shared memory; GLOBAL: dense sums in global memory. */
enum Bin { SORT8, SORT16, SORT32, WARP_HASH, WARP_WINDOW, HASH, WINDOW, LARGE_HASH, LARGE_WINDOW, GLOBAL, BINS };

constexpr int kWarpHash = 128, kHash = 512, kLargeHash = 4096;          /* most products; tables are twice as large */
constexpr int kWarpWindow = 512, kWindow = 4096, kLargeWindow = 16384;  /* most columns */
constexpr int kWarpProducts = 1024;                                     /* that one warp may be given */
constexpr int kPlanThreads = 256, kPlanLanes = 4, kPlanLong = 64, kPlanLongest = 4096;

struct Plan {
  int64_t nrows;
  int32_t *rows;                   /* BINS lists of at most nrows */
  int32_t *counts;                 /* BINS */
  unsigned long long *taken;       /* entries of working memory given away so far */
  int64_t *start, *length;         /* per row: where its entries go, and how many there are; length[nrows] = 0 */
  int32_t *first, *span;           /* per row: the least column and the number of columns up to the greatest */
  int32_t *cols;
  double *vals;
  int *astray; /* in the host's memory: set when a column lies outside its row's span, as where B does not ascend */
  bool sorted, ascends;
};

__device__ inline int bin_of(int64_t products, int64_t span) {
  const bool narrow = span <= WINDOW_RATIO * products;
  if (products <= 32) return products <= 8 ? SORT8 : products <= 16 ? SORT16 : SORT32;
  if (span <= kWarpWindow && narrow && products <= kWarpProducts) return WARP_WINDOW;
  if (products <= kWarpHash) return WARP_HASH;
  if (span <= kWindow && narrow) return WINDOW;
  if (products <= kHash) return HASH;
  if (span <= kLargeWindow && narrow) return LARGE_WINDOW;
  if (products <= kLargeHash) return LARGE_HASH;
  return span <= kLargeWindow ? LARGE_WINDOW : GLOBAL;
}

/* Products and columns that one entry of A brings. */
struct Reach {
  unsigned long long products;
  int32_t low, high;

  __device__ void meet(const Csr &b, int32_t row) {
    const int64_t from = b.indptr[row], to = b.indptr[row + 1];
    if (from == to) return;
    products += to - from;
    const int32_t left = b.indices[from], right = b.indices[to - 1];
    low = min(low, min(left, right)), high = max(high, max(left, right));
  }
};

/* A block plans Passes * kPlanThreads / kPlanLanes rows; those that are long it looks at with all its threads. */
template <int Passes> __global__ void __launch_bounds__(kPlanThreads) plan_rows(Factors f, Plan plan) {
  constexpr int kRows = Passes * kPlanThreads / kPlanLanes;
  using Scan = cub::BlockScan<int64_t, kPlanThreads>;
  __shared__ typename Scan::TempStorage scan;
  __shared__ Reach reach[kRows];
  __shared__ int count[BINS], place[BINS], longer[kRows], longs;
  __shared__ int64_t base;
  const int t = threadIdx.x;
  const int64_t from = int64_t(blockIdx.x) * kRows;
  if (t < BINS) count[t] = 0;
  if (t == 0) longs = 0;
  __syncthreads();
  for (int r = t / kPlanLanes; r < kRows; r += kPlanThreads / kPlanLanes) {
    Reach mine = {0, INT32_MAX, -1};
    if (from + r < plan.nrows) {
      const int64_t begin = f.a.indptr[from + r], end = f.a.indptr[from + r + 1];
      if (end - begin > kPlanLong) {
        if (t % kPlanLanes == 0) longer[atomicAdd(&longs, 1)] = r;
      } else {
        for (int64_t k = begin + t % kPlanLanes; k < end; k += kPlanLanes) mine.meet(f.b, f.a.indices[k]);
      }
    }
    __syncwarp();
#pragma unroll
    for (int d = 1; d < kPlanLanes; d *= 2) {
      mine.products += __shfl_xor_sync(kAll, mine.products, d);
      mine.low = min(mine.low, __shfl_xor_sync(kAll, mine.low, d));
      mine.high = max(mine.high, __shfl_xor_sync(kAll, mine.high, d));
    }
    if (t % kPlanLanes == 0) reach[r] = mine;
  }
  __syncthreads();
  for (int i = 0; i < longs; ++i) { /* by a warp each, or by all of them together */
    const int r = longer[i];
    const int64_t begin = f.a.indptr[from + r], end = f.a.indptr[from + r + 1];
    const bool alone = end - begin <= kPlanLongest;
    if (alone && i % (kPlanThreads / 32) != t / 32) continue;
    Reach mine = {0, INT32_MAX, -1};
    for (int64_t k = begin + (alone ? t % 32 : t); k < end; k += alone ? 32 : kPlanThreads)
      mine.meet(f.b, f.a.indices[k]);
    atomicAdd(&reach[r].products, mine.products);
    atomicMin(&reach[r].low, mine.low), atomicMax(&reach[r].high, mine.high);
  }
  __syncthreads();
  const bool here = t < kRows && from + t < plan.nrows;
  Reach mine = {0, INT32_MAX, -1};
  if (here) mine = reach[t];
  if (!plan.ascends && mine.products) mine.low = 0, mine.high = int32_t(f.b.ncols - 1);
  const int64_t products = int64_t(mine.products), span = products ? int64_t(mine.high) - mine.low + 1 : 0;
  const int bin = bin_of(products, span);
  const int within = products ? atomicAdd(&count[bin], 1) : 0;
  int64_t before, total;
  Scan(scan).ExclusiveSum(products < f.b.ncols ? products : f.b.ncols, before, total);
  if (t == 0) base = int64_t(atomicAdd(plan.taken, (unsigned long long)total));
  __syncthreads();
  if (t < BINS && count[t]) place[t] = atomicAdd(&plan.counts[t], count[t]);
  __syncthreads();
  if (here) {
    const int64_t row = from + t;
    if (products) plan.rows[bin * plan.nrows + place[bin] + within] = int32_t(row);
    if (!products) plan.length[row] = 0;
    plan.start[row] = base + before, plan.first[row] = mine.low, plan.span[row] = int32_t(span);
  }
  if (blockIdx.x == 0 && t == 0) plan.length[plan.nrows] = 0;
}

}  // namespace rows
#endif
