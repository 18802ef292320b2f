/* The products of one row of A with B, dealt out evenly to the lanes of a warp or the threads of a block, whatever
 * the lengths of B's rows are: the lengths are summed up, and every lane finds the row of its product by bisection. */
#ifndef ROWS_PRODUCTS_CUH
#define ROWS_PRODUCTS_CUH
#include <cuda_runtime.h>
#include <stdint.h>

#include <cub/block/block_scan.cuh>

namespace rows {

constexpr unsigned kAll = 0xffffffffu;
constexpr int kWide = 24; /* mean length of B's rows from which the lanes of a warp take them one after the other */

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

__device__ inline Entry entry(const Factors &f, int64_t k, int64_t end) {
  if (k >= end) return {0, 0, 0.0};
  const int32_t c = f.a.indices[k];
  const int64_t start = f.b.indptr[c];
  return {start, int(f.b.indptr[c + 1] - start), f.a.data[k]};
}

/* Inclusive sum over the `G` lanes of a group, whose lanes `mask` names. */
template <int G> __device__ int sum_up(int value, unsigned mask) {
  const int lane = threadIdx.x % G;
#pragma unroll
  for (int d = 1; d < G; d *= 2) {
    const int before = __shfl_up_sync(mask, value, d, G);
    if (lane >= d) value += before;
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

/* add(column, product) for every product of `row`, by the lanes of a warp. */
template <class Add> __device__ void by_warp(const Factors &f, int64_t row, Add add) {
  const int lane = threadIdx.x % 32;
  const int64_t end = f.a.indptr[row + 1];
  for (int64_t k = f.a.indptr[row]; k < end; k += 32) {
    const Entry e = entry(f, k + lane, end);
    const int upto = sum_up<32>(e.length, kAll), total = __shfl_sync(kAll, upto, 31);
    if (total >= 32 * kWide) {
      for (int i = 0; i < 32; ++i) {
        const int64_t start = __shfl_sync(kAll, e.start, i);
        const int length = __shfl_sync(kAll, e.length, i);
        const double value = __shfl_sync(kAll, e.value, i);
        for (int64_t q = start + lane; q < start + length; q += 32) add(f.b.indices[q], value * f.b.data[q]);
      }
      continue;
    }
    const int64_t offset = e.start - (upto - e.length);
    for (int first = 0; first < total; first += 32) {
      const int p = first + lane, at = lane_of<32>(p, upto, kAll);
      const int64_t q = __shfl_sync(kAll, offset, at) + p;
      const double value = __shfl_sync(kAll, e.value, at);
      if (p < total) add(f.b.indices[q], value * f.b.data[q]);
    }
  }
}

/* What the threads of a block share of the entries of A that they are at. */
template <int Threads> struct Chunk {
  using Scan = cub::BlockScan<int64_t, Threads>;
  typename Scan::TempStorage scan;
  int64_t upto[Threads], offset[Threads];
  double value[Threads];
};

/* The same by the threads of a block, which meet at its end. */
template <int Threads, class Add>
__device__ void by_block(const Factors &f, int64_t row, Chunk<Threads> &chunk, Add add) {
  const int t = threadIdx.x;
  const int64_t end = f.a.indptr[row + 1];
  for (int64_t k = f.a.indptr[row]; k < end; k += Threads) {
    const Entry e = entry(f, k + t, end);
    int64_t upto, total;
    typename Chunk<Threads>::Scan(chunk.scan).InclusiveSum(int64_t(e.length), upto, total);
    chunk.upto[t] = upto, chunk.offset[t] = e.start - (upto - e.length), chunk.value[t] = e.value;
    __syncthreads();
    const int count = int(end - k < Threads ? end - k : Threads);
    int at = 0;
    for (int64_t p = t; p < total; p += Threads) {
      for (int beyond = count - 1; at < beyond;) { /* p ascends, and with it the entry */
        const int middle = (at + beyond) / 2;
        if (chunk.upto[middle] <= p) at = middle + 1;
        else beyond = middle;
      }
      const int64_t q = chunk.offset[at] + p;
      add(f.b.indices[q], chunk.value[at] * f.b.data[q]);
    }
    __syncthreads();
  }
}

}  // namespace rows
#endif
