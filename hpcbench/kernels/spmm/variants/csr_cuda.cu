// /// hpcbench
// model = "cuda"
// summary = "CSR in tiles of equal work, one for a warp; lanes share the columns of X, and groups of lanes rows or entries; setup: tiles"
// source = "Yang, Buluc and Owens, Design Principles for Sparse Matrix Multiplication on the GPU, Euro-Par 2018"
// flags = ["-O3"]
// params.THREADS = {when = "build", default = 256, values = [128, 256, 512]}
// ///
/* A row of X is read as a whole where an entry of A asks for it: by k / 2 lanes, two numbers each. Where that is fewer than a
 * warp has, groups of lanes take a row of A each, or where a tile has few rows, every so many entries of one. */
#include <new>

#include "abi.h"
#include "../../shared/tiles.cuh"

namespace {

using tiles::kAll;
using tiles::kWarp;

constexpr int kTile = tiles::Shape<kWarp>::kTile, kTeams = THREADS / kWarp;

struct Dense {
  const double *x;
  double *y;
  int64_t k;
  int lanes; /* that share a row of X, a power of two */
};

struct Entries {
  double value[kTile];
  int column[kTile];
};

template <int V> struct alignas(8 * V) Pack {
  double at[V];
};

/* What a thread has of a row: COUNT times V columns, `stride` apart, the first ones at `first`. */
template <int V, int COUNT> struct Part {
  int64_t first, stride, k;
  Pack<V> sum[COUNT];

  __device__ void clear() {
    for (auto &s : sum)
      for (double &v : s.at) v = 0;
  }
  template <class Do> __device__ void each(Do what) {
#pragma unroll
    for (int j = 0; j < COUNT; ++j)
      if (first + j * stride < k) what(sum[j], first + j * stride);
  }
  __device__ void add(double factor, const double *row) {
    each([&](Pack<V> &s, int64_t at) {
      const auto p = *reinterpret_cast<const Pack<V> *>(row + at);
      for (int v = 0; v < V; ++v) s.at[v] += factor * p.at[v];
    });
  }
  __device__ void put(double *row) {
    each([&](Pack<V> &s, int64_t at) { *reinterpret_cast<Pack<V> *>(row + at) = s; });
  }
};

/* One piece of a row that is cut is in memory: the warp that brings the last one sums them, in their order. */
template <int V, int COUNT>
__device__ void arrive(const tiles::Matrix &a, const Dense &d, int64_t row, int first, int last, Part<V, COUNT> part, bool mine) {
  unsigned *const arrived = a.arrived + blockIdx.y * a.count + first;
  const int lane = threadIdx.x % kWarp;
  bool all = false;
  __syncwarp();
  if (lane == 0) {
    __threadfence();
    all = atomicAdd(arrived, 1u) == unsigned(last - first);
  }
  if (!__shfl_sync(kAll, all, 0)) return;
  if (lane == 0) __threadfence(), *arrived = 0;
  __syncwarp();
  if (!mine) return;
  part.clear();
#pragma unroll 4
  for (int t = first; t <= last; ++t) {
    const double *const piece = a.piece + (2 * int64_t(t) + (t == first)) * d.k;
    part.each([&](Pack<V> &s, int64_t at) {
      for (int v = 0; v < V; ++v) s.at[v] += __ldcg(piece + at + v);
    });
  }
  part.put(d.y + row * d.k);
}

template <int V, int COUNT>
__global__ void __launch_bounds__(THREADS) product(tiles::Matrix a, const int64_t *indptr, Dense d) {
  __shared__ Entries memory[kTeams];
  Entries &mine = memory[threadIdx.x / kWarp];
  const int64_t t = blockIdx.x * int64_t(kTeams) + threadIdx.x / kWarp;
  if (t >= a.count) return;
  const tiles::Tile here = a.tile[t], next = a.tile[t + 1];
  const int entries = int(next.entry - here.entry), rows = int(next.row - here.row), lane = threadIdx.x % kWarp;
  const bool open = next.cut >= 0; /* its last row goes on */
  const int sums = rows + open;
  for (int i = lane; i < entries; i += kWarp)
    mine.column[i] = __ldcs(a.indices + here.entry + i), mine.value[i] = __ldcs(a.data + here.entry + i);
  __syncwarp();

  int team = d.lanes; /* lanes for a row of A */
  while (team * 2 * sums <= kWarp) team *= 2;
  const int own = lane % team, group = own / d.lanes, groups = team / d.lanes;
  Part<V, COUNT> part;
  part.stride = V * d.lanes, part.k = d.k;
  part.first = blockIdx.y * COUNT * part.stride + V * (own % d.lanes);
  for (int first = 0; first < sums; first += kWarp / team) {
    const int i = first + lane / team;
    const int stop = i >= sums ? 0 : i < rows ? int(indptr[here.row + i + 1] - here.entry) : entries;
    part.clear();
#pragma unroll 4
    for (int e = (i > 0 && i < sums ? int(indptr[here.row + i] - here.entry) : 0) + group; e < stop; e += groups)
      part.add(mine.value[e], d.x + mine.column[e] * d.k);
    for (int step = d.lanes; step < team; step *= 2)
      for (auto &s : part.sum)
        for (double &v : s.at) v += __shfl_down_sync(kAll, v, step, team);
    if (group || i >= sums) continue;
    if (i == 0 && here.cut >= 0) part.put(a.piece + 2 * t * d.k);
    else if (i == rows) part.put(a.piece + (2 * t + 1) * d.k);
    else part.put(d.y + (here.row + i) * d.k);
  }
  if (here.cut >= 0) arrive(a, d, here.row, here.cut, here.last, part, lane < d.lanes);
  if (next.cut == t) arrive(a, d, next.row, int(t), next.last, part, lane < d.lanes);
}

template <int V, int COUNT> void start(device::Call &call, const tiles::Matrix &a, const int64_t *indptr, const Dense &d) {
  const int64_t pass = int64_t(V) * d.lanes * COUNT;
  product<V, COUNT><<<dim3(unsigned((a.count + kTeams - 1) / kTeams), unsigned((d.k + pass - 1) / pass)), THREADS>>>(a, indptr, d);
  call.started();
}

/* The matrix on the device, for as long as this lives. */
struct Handle {
  explicit Handle(const spmm_in *in) : call(in->device) {
    a.rows = in->nrows, a.entries = device::entries(call, in->indptr, in->nrows);
    a.indices = call.in(in->indices, a.entries), a.data = call.in(in->data, a.entries);
    indptr = call.in(in->indptr, in->nrows + 1);
    tiles::divide<kWarp>(call, indptr, &a, in->k, (in->k + kWarp - 1) / kWarp);
  }
  device::Call call;
  tiles::Matrix a{};
  const int64_t *indptr;
};

}  // namespace

extern "C" void *spmm_setup(const spmm_in *in, const void *) {
  Handle *made = new (std::nothrow) Handle(in);
  if (made && made->call.finish() == device::OK) return made;
  delete made;
  return nullptr;
}

extern "C" int spmm_run(void *handle, const spmm_in *in, const void *, spmm_out *out) {
  const tiles::Matrix &a = static_cast<Handle *>(handle)->a;
  const int64_t *const indptr = static_cast<Handle *>(handle)->indptr;
  device::Call call(in->device);
  Dense d{call.in(in->x, in->ncols * in->k), call.out(out->y, in->nrows * in->k), in->k, 1};
  const bool pairs = d.k % 2 == 0 && (reinterpret_cast<uintptr_t>(d.x) | reinterpret_cast<uintptr_t>(d.y)) % 16 == 0;
  const int64_t units = pairs ? d.k / 2 : d.k;
  while (d.lanes < units && d.lanes < kWarp) d.lanes *= 2;
  if (a.count && d.k && call.note(cudaSuccess)) {
    if (pairs) units > kWarp ? start<2, 2>(call, a, indptr, d) : start<2, 1>(call, a, indptr, d);
    else units > kWarp ? start<1, 2>(call, a, indptr, d) : start<1, 1>(call, a, indptr, d);
  }
  call.back(out->y, d.y, in->nrows * in->k);
  return call.finish();
}

extern "C" void spmm_free(void *handle) { delete static_cast<Handle *>(handle); }
