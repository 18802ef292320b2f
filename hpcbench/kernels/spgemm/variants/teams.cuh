/* The products of one row of A with B, dealt out to a team: the lanes of a warp or the threads of a block. Where B's rows
 * are long the team takes them in turn: the columns of one row differ, so sums need no atomic addition, which shared
 * memory has not in double precision (it takes a loop of compare-and-swap). Else their lengths are summed up, and every
 * thread finds the row of its product by bisection. */
#ifndef ROWS_TEAMS_CUH
#define ROWS_TEAMS_CUH
#include <cuda_runtime.h>
#include <stdint.h>

#include <cub/block/block_scan.cuh>

namespace rows {

constexpr unsigned kAll = 0xffffffffu;

/* Mean length of B's rows from which a team takes them in turn. */
__host__ __device__ constexpr int turns_from(int threads) { return threads < 256 ? 16 : threads / 16; }

struct Csr {
  int64_t nrows, ncols;
  const int64_t *indptr;
  const int32_t *indices;
  const double *data;
};

struct Factors {
  Csr a, b;
};

/* Whether others may add to the same sum at the same time. */
struct Alone {};
struct Together {};

__device__ inline void add_to(double *sum, double value, Alone) { *sum += value; }
__device__ inline void add_to(double *sum, double value, Together) { atomicAdd(sum, value); }

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

  /* add(how, column, product) for every product of `row`. */
  template <class Add> __device__ void products(const Factors &f, int64_t row, Add add) const {
    const int64_t end = ldg(f.a.indptr + row + 1);
    for (int64_t k = ldg(f.a.indptr + row); k < end; k += 32) {
      const Entry e = entry(f, k + rank(), end);
      int total;
      const int first = before(e.length, total);
      const int count = int(end - k < 32 ? end - k : 32);
      if (total >= count * turns_from(32)) {
        for (int i = 0; i < count; ++i) {
          const int64_t start = __shfl_sync(kAll, e.start, i);
          const int length = __shfl_sync(kAll, e.length, i);
          const double value = __shfl_sync(kAll, e.value, i);
#pragma unroll 2
          for (int64_t q = start + rank(); q < start + length; q += 32)
            add(Alone(), __ldg(f.b.indices + q), value * __ldg(f.b.data + q));
          sync();
        }
        continue;
      }
      for (int base = 0; base < total; base += 32) {
        const int p = base + rank(), at = lane_of<32>(p, first + e.length, kAll);
        const int64_t q = __shfl_sync(kAll, e.start - first, at) + p;
        const double value = __shfl_sync(kAll, e.value, at);
        if (p < total) add(Together(), __ldg(f.b.indices + q), value * __ldg(f.b.data + q));
      }
      sync(); /* the next ones may be added in turn */
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
      if (total >= int64_t(count) * turns_from(Threads)) in_turn(f, count, add);
      else by_bisection(f, count, total, add);
      sync();
    }
  }

 private:
  /* What a thread has of a row of B: its first product there, and where that row ends. */
  struct Turn {
    int64_t q, end;
    int32_t col;
    double value;
  };

  __device__ Turn turn(const Factors &f, int i, int count) const {
    if (i >= count) return {0, 0, 0, 0.0};
    Turn t = {memory.offset[i] + (i ? memory.upto[i - 1] : 0) + rank(), memory.offset[i] + memory.upto[i], 0, 0.0};
    if (t.q < t.end) t.col = __ldg(f.b.indices + t.q), t.value = memory.value[i] * __ldg(f.b.data + t.q);
    return t;
  }

  template <class Add> __device__ void in_turn(const Factors &f, int count, Add add) const {
    Turn now = turn(f, 0, count);
    for (int i = 0; i < count; ++i) {
      const Turn next = turn(f, i + 1, count); /* under way while this one is added */
      if (now.q < now.end) add(Alone(), now.col, now.value);
      for (int64_t q = now.q + Threads; q < now.end; q += Threads)
        add(Alone(), __ldg(f.b.indices + q), memory.value[i] * __ldg(f.b.data + q));
      sync();
      now = next;
    }
  }

  template <class Add> __device__ void by_bisection(const Factors &f, int count, int64_t total, Add add) const {
    int at = 0;
    for (int64_t p = rank(); p < total; p += Threads) {
      for (int beyond = count - 1; at < beyond;) { /* p ascends, and with it the entry */
        const int middle = (at + beyond) / 2;
        if (memory.upto[middle] <= p) at = middle + 1;
        else beyond = middle;
      }
      const int64_t q = memory.offset[at] + p;
      add(Together(), __ldg(f.b.indices + q), memory.value[at] * __ldg(f.b.data + q));
    }
  }
};

}  // namespace rows
#endif
