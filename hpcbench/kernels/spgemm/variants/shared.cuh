/* Rows of many products in shared memory, by warps or by blocks: with a hash table whose columns are then put in order
 * by buckets, or with a dense window and a bit map, which have them in order. */
#ifndef ROWS_SHARED_CUH
#define ROWS_SHARED_CUH
#include "bins.cuh"

namespace rows {

template <int Columns> struct Window {
  double sums[Columns];
  unsigned bits[Columns / 32];
  int before[Columns / 32]; /* entries in earlier words */
};

template <int Products> struct Table {
  double sums[2 * Products];
  int32_t keys[2 * Products];
  int buckets[Products];
  uint16_t order[Products]; /* slots */
};

template <class Team, int Size> struct Memory {
  typename Team::Memory team;
  union {
    Window<most_columns(Size)> window;
    Table<most_products(Size)> table;
  };
};

__device__ inline void add_hashed(int32_t *keys, double *sums, unsigned mask, int32_t col, double value) {
  unsigned at = (unsigned(col) * 0x9E3779B1u >> 7) & mask;
  for (;; at = (at + 1) & mask) {
    int32_t seen = *const_cast<volatile int32_t *>(keys + at);
    if (seen < 0) seen = atomicCAS(keys + at, -1, col);
    if (seen < 0 || seen == col) break;
  }
  atomicAdd(sums + at, value);
}

/* Buckets of equal width over the row's span, half as many as slots: the order of columns within one is found by
 * comparing all of them. */
template <class Team, int Products>
__device__ void hash_row(const Team &team, const Factors &f, const Plan &plan, int64_t row, Table<Products> &table) {
  constexpr int kStep = Team::kThreads;
  const int t = team.rank(), slots = max(2 * kStep, 2 << (32 - __clz(plan.products[row] - 1))), many = slots / 2;
  for (int i = t; i < slots; i += kStep) table.keys[i] = -1, table.sums[i] = 0;
  for (int i = t; i < many; i += kStep) table.buckets[i] = 0;
  team.sync();
  team.products(f, row, [&](int32_t col, double value) {
    add_hashed(table.keys, table.sums, unsigned(slots - 1), col, value);
  });
  team.sync();
  const int32_t low = plan.first[row];
  const float scale = float(many) / float(plan.span[row]);
  const auto bucket = [=](int32_t col) { return min(max(int(float(col - low) * scale), 0), many - 1); };
  for (int i = t; i < slots; i += kStep)
    if (table.keys[i] >= 0) atomicAdd(table.buckets + bucket(table.keys[i]), 1);
  team.sync();
  const int own = many / kStep;
  int sum = 0, nnz;
  for (int i = t * own; i < (t + 1) * own; ++i) sum += table.buckets[i];
  sum = team.before(sum, nnz);
  for (int i = t * own; i < (t + 1) * own; ++i) {
    const int next = sum + table.buckets[i];
    table.buckets[i] = sum, sum = next;
  }
  team.sync();
  for (int i = t; i < slots; i += kStep) /* each bucket's place moves to the next one's */
    if (const int32_t col = table.keys[i]; col >= 0)
      table.order[atomicAdd(table.buckets + bucket(col), 1)] = uint16_t(i);
  team.sync();
  const int64_t start = plan.start[row];
  for (int i = t; i < nnz; i += kStep) {
    const int slot = table.order[i];
    const int32_t col = table.keys[slot];
    const int b = bucket(col), from = b ? table.buckets[b - 1] : 0;
    int to = from;
    for (int j = from; j < table.buckets[b]; ++j) to += table.keys[table.order[j]] < col;
    plan.cols[start + to] = col, plan.vals[start + to] = table.sums[slot];
  }
  if (t == 0) plan.length[row] = nnz;
  team.sync();
}

template <class Team, int Columns>
__device__ void window_row(const Team &team, const Factors &f, const Plan &plan, int64_t row, Window<Columns> &window) {
  constexpr int kStep = Team::kThreads;
  static_assert(Columns / 32 <= kStep, "one word of the map to a thread");
  const int t = team.rank(), lane = t % 32;
  const int32_t low = plan.first[row], span = plan.span[row], words = (span + 31) / 32;
  for (int i = t; i < span; i += kStep) window.sums[i] = 0;
  for (int i = t; i < words; i += kStep) window.bits[i] = 0;
  team.sync();
  team.products(f, row, [&](int32_t col, double value) {
    const unsigned at = unsigned(col - low), bit = 1u << at % 32;
    if (at >= unsigned(span)) {
      *plan.astray = 1;
      return;
    }
    atomicAdd(window.sums + at, value);
    if (!(*const_cast<volatile unsigned *>(window.bits + at / 32) & bit)) atomicOr(window.bits + at / 32, bit);
  });
  team.sync();
  int nnz;
  const int before = team.before(t < words ? __popc(window.bits[t]) : 0, nnz);
  if (t < words) window.before[t] = before;
  team.sync();
  const int64_t start = plan.start[row];
  for (int w = t / 32; w < words; w += kStep / 32) {
    const unsigned word = window.bits[w];
    const int64_t to = start + window.before[w] + __popc(word & ((1u << lane) - 1));
    if (word >> lane & 1) plan.cols[to] = low + 32 * w + lane, plan.vals[to] = window.sums[32 * w + lane];
  }
  if (t == 0) plan.length[row] = nnz;
  team.sync();
}

/* Rows of the two bins of one size, by blockIdx.y; a block holds as many teams as it has threads for. */
template <class Team, int Size, int Threads>
__global__ void __launch_bounds__(Threads) rows_in_shared_memory(Factors f, Plan plan) {
  extern __shared__ __align__(16) unsigned char bytes[];
  constexpr int kTeams = Threads / Team::kThreads;
  auto &memory = reinterpret_cast<Memory<Team, Size> *>(bytes)[threadIdx.x / Team::kThreads];
  const Team team(memory.team);
  const int bin = HASH0 + 2 * Size + blockIdx.y;
  const int64_t count = plan.counts[bin];
  for (int64_t i = int64_t(blockIdx.x) * kTeams + threadIdx.x / Team::kThreads; i < count; i += int64_t(gridDim.x) * kTeams) {
    const int64_t row = plan.rows[bin * plan.nrows + i];
    if (blockIdx.y == 0) hash_row(team, f, plan, row, memory.table);
    else window_row(team, f, plan, row, memory.window);
  }
}

}  // namespace rows
#endif
