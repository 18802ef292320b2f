/* Rows of many products: by blocks with a hash table, or a dense window with a bit map, in shared memory, and with
 * dense sums in global memory for what no shared memory holds. */
#ifndef ROWS_BLOCKS_CUH
#define ROWS_BLOCKS_CUH
#include "lanes.cuh"

namespace rows {

constexpr int kGlobalThreads = 512;

template <int Threads, int Columns> struct Window {
  double sums[Columns];
  unsigned bits[Columns / 32];
  int before[Columns / 32]; /* entries in earlier words */
};

template <int Products> struct Table {
  double sums[2 * Products];
  uint64_t order[Products]; /* column and slot */
  int32_t keys[2 * Products];
  int used;
};

template <int Threads, int Columns, int Products> struct BlockMemory {
  Chunk<Threads> chunk;
  union {
    Window<Threads, Columns> window;
    Table<Products> table;
  };
};

/* Ascending order of the first `n` by all threads of a block; `n` is a power of two. */
template <int Threads> __device__ void sort_block(uint64_t *items, int n) {
  for (int size = 2; size <= n; size *= 2)
    for (int stride = size / 2; stride > 0; stride /= 2) {
      for (int i = threadIdx.x; i < n / 2; i += Threads) {
        const int low = 2 * i - (i & (stride - 1)), high = low + stride;
        const uint64_t x = items[low], y = items[high];
        if ((x > y) == ((low & size) == 0)) items[low] = y, items[high] = x;
      }
      __syncthreads();
    }
}

template <int Threads, int Products>
__device__ void hash_row(const Factors &f, const Plan &plan, int64_t row, Chunk<Threads> &chunk, Table<Products> &table) {
  const int t = threadIdx.x;
  for (int i = t; i < 2 * Products; i += Threads) table.keys[i] = -1, table.sums[i] = 0;
  if (t == 0) table.used = 0;
  __syncthreads();
  by_block<Threads>(f, row, chunk, [&](int32_t col, double value) {
    add_hashed(table.keys, table.sums, 2 * Products - 1, col, value);
  });
  for (int i = t; i < 2 * Products; i += Threads) {
    const bool used = table.keys[i] >= 0;
    const unsigned all = __ballot_sync(kAll, used);
    int to = 0;
    if (t % 32 == 0 && all) to = atomicAdd(&table.used, __popc(all));
    to = __shfl_sync(kAll, to, 0) + __popc(all & ((1u << t % 32) - 1));
    if (used) table.order[to] = uint64_t(table.keys[i]) << 32 | unsigned(i);
  }
  __syncthreads();
  const int nnz = table.used;
  if (plan.sorted) {
    int n = 1;
    while (n < nnz) n *= 2;
    for (int i = nnz + t; i < n; i += Threads) table.order[i] = UINT64_MAX;
    __syncthreads();
    sort_block<Threads>(table.order, n);
  }
  const int64_t start = plan.start[row];
  for (int i = t; i < nnz; i += Threads) {
    plan.cols[start + i] = int32_t(table.order[i] >> 32);
    plan.vals[start + i] = table.sums[unsigned(table.order[i])];
  }
  if (t == 0) plan.length[row] = nnz;
  __syncthreads();
}

template <int Threads, int Columns>
__device__ void window_row(const Factors &f, const Plan &plan, int64_t row, Chunk<Threads> &chunk,
                           Window<Threads, Columns> &window) {
  const int t = threadIdx.x, lane = t % 32;
  const int32_t low = plan.first[row], span = plan.span[row], words = (span + 31) / 32;
  for (int i = t; i < span; i += Threads) window.sums[i] = 0;
  for (int i = t; i < words; i += Threads) window.bits[i] = 0;
  __syncthreads();
  by_block<Threads>(f, row, chunk, [&](int32_t col, double value) {
    const unsigned at = unsigned(col - low), bit = 1u << at % 32;
    if (at >= unsigned(span)) {
      *plan.astray = 1;
      return;
    }
    atomicAdd(window.sums + at, value);
    if (!(*const_cast<volatile unsigned *>(window.bits + at / 32) & bit)) atomicOr(window.bits + at / 32, bit);
  });
  static_assert(Columns / 32 <= Threads, "one word of the map to a thread");
  int64_t before, nnz;
  typename Chunk<Threads>::Scan(chunk.scan).ExclusiveSum(t < words ? __popc(window.bits[t]) : 0, before, nnz);
  if (t < words) window.before[t] = int(before);
  __syncthreads();
  const int64_t start = plan.start[row];
  for (int w = t / 32; w < words; w += Threads / 32) {
    const unsigned word = window.bits[w];
    const int64_t to = start + window.before[w] + __popc(word & ((1u << lane) - 1));
    if (word >> lane & 1) plan.cols[to] = low + 32 * w + lane, plan.vals[to] = window.sums[32 * w + lane];
  }
  if (t == 0) plan.length[row] = nnz;
  __syncthreads();
}

/* Of the bins `hash` and the one after it, by blockIdx.y. */
template <int Threads, int Columns, int Products>
__global__ void __launch_bounds__(Threads) rows_by_blocks(Factors f, Plan plan, int hash) {
  extern __shared__ __align__(16) unsigned char bytes[];
  auto &memory = *reinterpret_cast<BlockMemory<Threads, Columns, Products> *>(bytes);
  const int bin = hash + blockIdx.y;
  const int64_t count = plan.counts[bin];
  for (int64_t i = blockIdx.x; i < count; i += gridDim.x) {
    const int64_t row = plan.rows[bin * plan.nrows + i];
    if (bin == hash) hash_row<Threads>(f, plan, row, memory.chunk, memory.table);
    else window_row<Threads>(f, plan, row, memory.chunk, memory.window);
  }
}

/* Dense sums and a bit map over all columns for every block; zero between rows. */
struct Dense {
  double *sums;
  unsigned *bits;
};

__global__ void __launch_bounds__(kGlobalThreads) rows_in_global_memory(Factors f, Plan plan, Dense all) {
  __shared__ Chunk<kGlobalThreads> chunk;
  __shared__ unsigned map[kGlobalThreads];
  __shared__ int place[kGlobalThreads];
  const int t = threadIdx.x, lane = t % 32;
  const int64_t count = plan.counts[GLOBAL], ncols = f.b.ncols, words = (ncols + 31) / 32;
  double *const sums = all.sums + blockIdx.x * ncols;
  unsigned *const bits = all.bits + blockIdx.x * words;
  if (blockIdx.x < count) {
    for (int64_t i = t; i < ncols; i += kGlobalThreads) __stcg(sums + i, 0.0);
    for (int64_t i = t; i < words; i += kGlobalThreads) __stcg(bits + i, 0u);
  }
  __syncthreads();
  for (int64_t i = blockIdx.x; i < count; i += gridDim.x) {
    const int64_t row = plan.rows[GLOBAL * plan.nrows + i], low = plan.first[row], high = low + plan.span[row];
    by_block<kGlobalThreads>(f, row, chunk, [&](int32_t col, double value) {
      if (col < low || col >= high) {
        *plan.astray = 1;
        return;
      }
      atomicAdd(sums + col, value);
      if (!(__ldcg(bits + col / 32) >> col % 32 & 1)) atomicOr(bits + col / 32, 1u << col % 32);
    });
    int64_t start = plan.start[row];
    for (int64_t w0 = low / 32; 32 * w0 < high; w0 += kGlobalThreads) {
      map[t] = 32 * (w0 + t) < high ? __ldcg(bits + w0 + t) : 0;
      int64_t before, total;
      Chunk<kGlobalThreads>::Scan(chunk.scan).ExclusiveSum(int64_t(__popc(map[t])), before, total);
      place[t] = int(before);
      if (map[t]) __stcg(bits + w0 + t, 0u);
      __syncthreads();
      for (int w = t / 32; w < kGlobalThreads; w += kGlobalThreads / 32) {
        const unsigned word = map[w];
        const int64_t col = 32 * (w0 + w) + lane, to = start + place[w] + __popc(word & ((1u << lane) - 1));
        if (word >> lane & 1) {
          plan.cols[to] = int32_t(col), plan.vals[to] = __ldcg(sums + col);
          __stcg(sums + col, 0.0);
        }
      }
      start += total;
      __syncthreads();
    }
    if (t == 0) plan.length[row] = start - plan.start[row];
    __syncthreads();
  }
}

}  // namespace rows
#endif
