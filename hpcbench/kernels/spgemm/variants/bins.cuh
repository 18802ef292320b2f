/* Which way each row goes: its multiply-adds and the span of its columns decide. Every row gets a place for as many
 * entries as it can have, in working memory, in no order; lists of rows stay on the device, so that nobody waits. */
#ifndef ROWS_BINS_CUH
#define ROWS_BINS_CUH
#include "teams.cuh"

#ifndef WINDOW_RATIO /* widest span of columns, per multiply-add, for which a dense window beats a hash table */
#define WINDOW_RATIO 16
#endif

namespace rows {

/* SORT: in registers, by groups of 8, 16 and 32 lanes. HASH and WINDOW: a hash table, or a dense window of columns, in
 * the shared memory of a warp (0) or of blocks of 128, 256 and 1024 threads (1 to 3). GLOBAL: dense sums in global memory. */
enum Bin { SORT8, SORT16, SORT32, HASH0, WINDOW0, HASH1, WINDOW1, HASH2, WINDOW2, HASH3, WINDOW3, GLOBAL, BINS };

/* Most products in a hash table of each size, which has twice as many slots, and most columns in a window. */
__host__ __device__ constexpr int most_products(int size) { return size == 0 ? 128 : size == 1 ? 256 : size == 2 ? 1024 : 4096; }
__host__ __device__ constexpr int most_columns(int size) { return size == 0 ? 512 : size == 1 ? 1024 : size == 2 ? 4096 : 16384; }

constexpr int kWarpProducts = 512; /* that one warp may be given for its window; eight times as many the next size */
constexpr int kPlanThreads = 256;
constexpr int kPlanMost = 16, kPlanLongest = 1024;  /* entries of a row of A for a lane of a group; for a warp */

struct Plan {
  int64_t nrows;
  int32_t *rows;             /* BINS lists of at most nrows */
  int32_t *counts;           /* BINS */
  unsigned long long *taken; /* entries of working memory given away so far */
  int64_t *start, *length;   /* per row: where its entries go, and how many there are; length[nrows] = 0 */
  int32_t *products;         /* per row, at most INT32_MAX */
  int32_t *first, *span;     /* per row: the least column and the number of columns up to the greatest */
  int32_t *cols;
  double *vals;
  int *astray; /* in the host's memory: set when a column lies outside its row's span, as where B does not ascend */
  bool sorted, ascends;
};

__device__ inline int bin_of(int64_t products, int64_t span) {
  if (products <= 32) return products <= 8 ? SORT8 : products <= 16 ? SORT16 : SORT32;
#pragma unroll
  for (int size = 0; size < 4; ++size) {
    const bool narrow = span <= most_columns(size) && span <= WINDOW_RATIO * products;
    if (narrow && (size == 3 || products <= kWarpProducts << 3 * size)) return WINDOW0 + 2 * size;
    if (products <= most_products(size)) return HASH0 + 2 * size;
  }
  return span <= most_columns(3) ? WINDOW3 : GLOBAL;
}

/* What entries of A bring: products, and the span of their columns. */
struct Reach {
  unsigned long long products;
  int32_t low, high;
};

__device__ inline void count(Reach &reach, const Factors &f, int64_t begin, int64_t end, int step) {
#pragma unroll 4
  for (int64_t k = begin; k < end; k += step) {
    const int32_t c = f.a.indices[k];
    reach.products += f.b.indptr[c + 1] - f.b.indptr[c];
  }
}

__device__ inline void stretch(Reach &reach, const Factors &f, int64_t begin, int64_t end, int step) {
#pragma unroll 4
  for (int64_t k = begin; k < end; k += step) {
    const int32_t c = f.a.indices[k];
    const int64_t from = f.b.indptr[c], to = f.b.indptr[c + 1];
    if (from == to) continue;
    const int32_t left = f.b.indices[from], right = f.b.indices[to - 1];
    reach.low = min(reach.low, min(left, right)), reach.high = max(reach.high, max(left, right));
  }
}

/* The reach of entries of A by a group of `Lanes` lanes; columns count where there is a choice. */
template <int Lanes> __device__ Reach reach_of(const Factors &f, int64_t begin, int64_t end, int step = Lanes) {
  const unsigned mask = Lanes == 32 ? kAll : ((1u << (Lanes % 32)) - 1) << (threadIdx.x % 32 / Lanes * Lanes);
  Reach mine = {0, INT32_MAX, -1};
  count(mine, f, begin, end, step);
#pragma unroll
  for (int d = 1; d < Lanes; d *= 2) mine.products += __shfl_xor_sync(mask, mine.products, d);
  if (step == Lanes && mine.products <= 32) return mine;
  stretch(mine, f, begin, end, step);
#pragma unroll
  for (int d = 1; d < Lanes; d *= 2) {
    mine.low = min(mine.low, __shfl_xor_sync(mask, mine.low, d));
    mine.high = max(mine.high, __shfl_xor_sync(mask, mine.high, d));
  }
  return mine;
}

/* A block plans Passes * kPlanThreads / Lanes rows: short ones by groups of lanes, long ones by a warp each, the
 * longest by all warps together. */
template <int Lanes, int Passes> __global__ void __launch_bounds__(kPlanThreads) plan_rows(Factors f, Plan plan) {
  constexpr int kRows = Passes * kPlanThreads / Lanes, kWarps = kPlanThreads / 32;
  static_assert(kRows <= kPlanThreads, "a thread to a row");
  using Scan = cub::BlockScan<int64_t, kPlanThreads>;
  __shared__ typename Scan::TempStorage scan;
  __shared__ Reach reach[kRows];
  __shared__ int counts[BINS], place[BINS], longer[kRows], longs;
  __shared__ int64_t base;
  const int t = threadIdx.x, warp = t / 32;
  const int64_t from = int64_t(blockIdx.x) * kRows;
  if (t < BINS) counts[t] = 0;
  if (t == 0) longs = 0;
  __syncthreads();
  for (int r = t / Lanes; r < kRows && from + r < plan.nrows; r += kPlanThreads / Lanes) {
    const int64_t begin = f.a.indptr[from + r], end = f.a.indptr[from + r + 1];
    const bool is_long = end - begin > kPlanMost * Lanes;
    const Reach mine = is_long ? Reach{0, INT32_MAX, -1} : reach_of<Lanes>(f, begin + t % Lanes, end);
    if (t % Lanes) continue;
    reach[r] = mine;
    if (is_long) longer[atomicAdd(&longs, 1)] = r;
  }
  __syncthreads();
  for (int i = 0; i < longs; ++i) {
    const int r = longer[i];
    const int64_t begin = f.a.indptr[from + r], end = f.a.indptr[from + r + 1];
    const bool alone = end - begin <= kPlanLongest;
    if (alone && i % kWarps != warp) continue;
    const Reach mine = alone ? reach_of<32>(f, begin + t % 32, end) : reach_of<32>(f, begin + t, end, kPlanThreads);
    if (t % 32) continue;
    atomicAdd(&reach[r].products, mine.products);
    atomicMin(&reach[r].low, mine.low), atomicMax(&reach[r].high, mine.high);
  }
  __syncthreads();
  const bool here = t < kRows && from + t < plan.nrows;
  Reach mine = {0, INT32_MAX, -1};
  if (here) mine = reach[t];
  if (!plan.ascends && mine.products) mine.low = 0, mine.high = int32_t(f.b.ncols - 1);
  const int64_t products = int64_t(mine.products), span = mine.high < 0 ? 0 : int64_t(mine.high) - mine.low + 1;
  const int bin = bin_of(products, span);
  const int within = products ? atomicAdd(&counts[bin], 1) : 0;
  int64_t before, total;
  Scan(scan).ExclusiveSum(products < f.b.ncols ? products : f.b.ncols, before, total);
  if (t == 32) base = int64_t(atomicAdd(plan.taken, (unsigned long long)total)); /* while the first warp does the same */
  if (t < BINS && counts[t]) place[t] = atomicAdd(&plan.counts[t], counts[t]);
  __syncthreads();
  if (here) {
    const int64_t row = from + t;
    if (products) plan.rows[bin * plan.nrows + place[bin] + within] = int32_t(row);
    if (!products) plan.length[row] = 0;
    plan.start[row] = base + before, plan.products[row] = int32_t(products < INT32_MAX ? products : INT32_MAX);
    plan.first[row] = mine.low, plan.span[row] = int32_t(span);
  }
  if (blockIdx.x == 0 && t == 0) plan.length[plan.nrows] = 0;
}

}  // namespace rows
#endif
