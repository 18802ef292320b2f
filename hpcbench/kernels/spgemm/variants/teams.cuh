/* The products of one row of A with B, dealt out evenly to a team, the lanes of a warp or the threads of a block, whatever
 * the lengths of B's rows are: the lengths are summed up, and every thread finds the row of its product by bisection,
 * several products at a time, so that their loads are under way together. */
#ifndef ROWS_TEAMS_CUH
#define ROWS_TEAMS_CUH
#include <cuda_runtime.h>
#include <stdint.h>

#include <cub/block/block_scan.cuh>

namespace rows {

constexpr unsigned kAll = 0xffffffffu;

struct Csr {
  int64_t nrows, ncols;
  const int64_t *indptr;
  const int32_t *indices;
  const double *data;
};

struct Factors {
  Csr a, b;
};

/* An entry of A: the row of B that it asks for, and its value. */
struct Entry {
  int64_t start;
  int length;
  double value;
};

__device__ inline int64_t ldg(const int64_t *at) { return __ldg(reinterpret_cast<const long long *>(at)); }

__device__ inline Entry entry(const Factors &f, int64_t k, int64_t end) {
  if (k >= end) return {0, 0, 0.0};
  const int32_t c = __ldg(f.a.indices + k);
  const int64_t start = ldg(f.b.indptr + c);
  return {start, int(ldg(f.b.indptr + c + 1) - start), __ldg(f.a.data + k)};
}

/* Inclusive sum over the `G` lanes of a group, whose lanes `mask` names. */
template <int G> __device__ int sum_up(int value, unsigned mask) {
#pragma unroll
  for (int d = 1; d < G; d *= 2) {
    const int before = __shfl_up_sync(mask, value, d, G);
    if (threadIdx.x % G >= d) value += before;
  }
  return value;
}

/* The first lane of the group whose `upto` is beyond p, or the last. */
template <int G> __device__ int lane_of(int p, int upto, unsigned mask) {
  int at = 0;
#pragma unroll
  for (int step = G / 2; step > 0; step /= 2)
    if (__shfl_sync(mask, upto, at + step - 1, G) <= p) at += step;
  return at;
}

/* A warp on a row of at most 2^31 products. */
struct Warp {
  static constexpr int kThreads = 32;
  struct Memory {};

  __device__ explicit Warp(Memory &) {}
  __device__ static int rank() { return threadIdx.x % 32; }
  __device__ static void sync() { __syncwarp(); }

  /* The sum of `value` over the threads before this one, and over all. */
  __device__ int before(int value, int &total) const {
    const int upto = sum_up<32>(value, kAll);
    total = __shfl_sync(kAll, upto, 31);
    return upto - value;
  }

  /* add(column, product) for every product of `row`. */
  template <class Add> __device__ void products(const Factors &f, int64_t row, Add add) const {
    constexpr int kAhead = 4;
    const int64_t end = ldg(f.a.indptr + row + 1);
    for (int64_t k = ldg(f.a.indptr + row); k < end; k += 32) {
      const Entry e = entry(f, k + rank(), end);
      int total;
      const int first = before(e.length, total);
      for (int base = 0; base < total; base += 32 * kAhead) {
        int32_t col[kAhead];
        double val[kAhead];
#pragma unroll
        for (int j = 0; j < kAhead; ++j) {
          const int p = base + 32 * j + rank(), at = lane_of<32>(p, first + e.length, kAll);
          const int64_t q = __shfl_sync(kAll, e.start - first, at) + p;
          const double value = __shfl_sync(kAll, e.value, at);
          if (p < total) col[j] = __ldg(f.b.indices + q), val[j] = value * __ldg(f.b.data + q);
        }
#pragma unroll
        for (int j = 0; j < kAhead; ++j)
          if (base + 32 * j + rank() < total) add(col[j], val[j]);
      }
    }
  }
};

/* A block of `Threads` on a row. */
template <int Threads> struct Block {
  static constexpr int kThreads = Threads;
  using Scan = cub::BlockScan<int64_t, Threads>;
  struct Memory {
    typename Scan::TempStorage scan;
    int64_t upto[Threads], offset[Threads];
    double value[Threads];
  };
  Memory &memory;

  __device__ explicit Block(Memory &m) : memory(m) {}
  __device__ static int rank() { return threadIdx.x; }
  __device__ static void sync() { __syncthreads(); }

  __device__ int before(int value, int &total) const {
    int64_t sum, all;
    Scan(memory.scan).ExclusiveSum(int64_t(value), sum, all);
    total = int(all);
    return int(sum);
  }

  template <class Add> __device__ void products(const Factors &f, int64_t row, Add add) const {
    const int64_t end = ldg(f.a.indptr + row + 1);
    for (int64_t k = ldg(f.a.indptr + row); k < end; k += Threads) {
      const Entry e = entry(f, k + rank(), end);
      int64_t upto, total;
      Scan(memory.scan).InclusiveSum(int64_t(e.length), upto, total);
      memory.upto[rank()] = upto, memory.offset[rank()] = e.start - (upto - e.length), memory.value[rank()] = e.value;
      const int count = int(end - k < Threads ? end - k : Threads);
      sync();
      deal(f, count, total, add);
      sync();
    }
  }

 private:
  template <class Add> __device__ void deal(const Factors &f, int count, int64_t total, Add add) const {
    constexpr int kAhead = Threads > 256 ? 2 : 4;
    int at = 0;
    for (int64_t base = rank(); base < total; base += kAhead * Threads) {
      int32_t col[kAhead];
      double val[kAhead];
#pragma unroll
      for (int j = 0; j < kAhead; ++j) {
        const int64_t p = base + j * Threads;
        if (p >= total) break;
        for (int beyond = count - 1; at < beyond;) { /* p ascends, and with it the entry */
          const int middle = (at + beyond) / 2;
          if (memory.upto[middle] <= p) at = middle + 1;
          else beyond = middle;
        }
        const int64_t q = memory.offset[at] + p;
        col[j] = __ldg(f.b.indices + q), val[j] = memory.value[at] * __ldg(f.b.data + q);
      }
#pragma unroll
      for (int j = 0; j < kAhead; ++j)
        if (base + j * Threads < total) add(col[j], val[j]);
    }
  }
};

}  // namespace rows
#endif
