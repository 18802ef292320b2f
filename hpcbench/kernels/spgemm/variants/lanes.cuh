/* Rows of few products: groups of lanes sort all of them in registers and add up equal columns. A key is a column and
 * the lane that holds the product, so that the network moves one word, and the values move once. */
#ifndef ROWS_LANES_CUH
#define ROWS_LANES_CUH
#include "bins.cuh"

namespace rows {

constexpr int kLaneThreads = 256;
constexpr int64_t kNarrow = int64_t(1) << 27; /* with fewer columns they fit a word beside the lane, and none is all ones */

/* Ascending keys over the G lanes of a group: a bitonic network. */
template <int G, class Key> __device__ void sort_lanes(Key &key, unsigned mask) {
  const int lane = threadIdx.x % G;
#pragma unroll
  for (int size = 2; size <= G; size *= 2)
#pragma unroll
    for (int stride = size / 2; stride > 0; stride /= 2) {
      const Key other = __shfl_xor_sync(mask, key, stride, G);
      const bool less = ((lane & size) == 0) == ((lane & stride) == 0);
      key = less == (other < key) ? other : key;
    }
}

struct Place {
  int32_t row;
  int64_t begin, end, to;
};

/* Rows of at most G products, one to a group. */
template <int G, class Key> __device__ void sort_rows(const Factors &f, const Plan &plan, int bin) {
  constexpr Key kNone = ~Key(0);
  const int lane = threadIdx.x % G, in_warp = threadIdx.x % 32;
  const unsigned mask = G == 32 ? kAll : ((1u << (G % 32)) - 1) << (in_warp / G * G);
  const int32_t *const list = plan.rows + bin * plan.nrows;
  const int64_t groups = int64_t(gridDim.x) * (kLaneThreads / G), count = plan.counts[bin];
  const auto place = [&](int64_t i) { /* where the i-th row begins and ends in A, and goes to */
    if (i >= count) return Place{0, 0, 0, 0};
    const int32_t row = __ldg(list + i);
    return Place{row, ldg(f.a.indptr + row), ldg(f.a.indptr + row + 1), ldg(plan.start + row)};
  };
  int64_t i = int64_t(blockIdx.x) * (kLaneThreads / G) + threadIdx.x / G;
  for (Place now = place(i), next; i < count; i += groups, now = next) {
    next = place(i + groups); /* under way while this one is computed */
    Key key = kNone;
    double val = 0;
    int done = 0; /* entries of A without products may make more rounds than one */
    for (int64_t k = now.begin; k < now.end; k += G) {
      const Entry e = entry(f, k + lane, now.end);
      const int upto = sum_up<G>(e.length, mask), total = __shfl_sync(mask, upto, G - 1, G);
      const int p = lane - done, at = lane_of<G>(p, upto, mask);
      const int64_t q = __shfl_sync(mask, e.start - (upto - e.length), at, G) + p;
      const double value = __shfl_sync(mask, e.value, at, G);
      if (p >= 0 && p < total) key = Key(__ldg(f.b.indices + q)) << 5 | Key(lane), val = value * __ldg(f.b.data + q);
      done += total;
    }
    sort_lanes<G>(key, mask);
    val = __shfl_sync(mask, val, int(key) & (G - 1), G);
    const Key left = __shfl_up_sync(mask, key, 1, G);
    const bool first = key != kNone && (lane == 0 || left >> 5 != key >> 5);
    const unsigned firsts = __ballot_sync(mask, first) & mask, none = __ballot_sync(mask, key == kNone) & mask;
    if ((firsts | none) != mask) { /* the first of equal columns gets the sum of all */
      const unsigned others = (firsts | none) >> in_warp >> 1;
      const int run = others ? __ffs(int(others)) : G - lane;
      for (int d = 1; __any_sync(mask, run > d); d *= 2) {
        const double theirs = __shfl_down_sync(mask, val, d, G);
        if (d < run) val += theirs;
      }
    }
    const int64_t to = now.to + __popc(firsts & ((1u << in_warp) - 1));
    if (first) plan.cols[to] = int32_t(key >> 5), plan.vals[to] = val;
    if (lane == 0) plan.length[now.row] = __popc(firsts);
  }
}

template <class Key> __global__ void __launch_bounds__(kLaneThreads, 5) rows_by_lanes(Factors f, Plan plan) {
  if (blockIdx.y == SORT8) sort_rows<8, Key>(f, plan, SORT8);
  if (blockIdx.y == SORT16) sort_rows<16, Key>(f, plan, SORT16);
  if (blockIdx.y == SORT32) sort_rows<32, Key>(f, plan, SORT32);
}

}  // namespace rows
#endif
