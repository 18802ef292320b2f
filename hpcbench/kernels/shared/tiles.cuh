/* A matrix in CSR for products with vectors on a CUDA device: tiles that weigh the same, entries and rows counted alike
 * (Merrill and Garland, Merge-based parallel sparse matrix-vector multiplication, SC 2016), one for a block of threads
 * at a time. Tiles end where rows end, unless a row is long: its pieces are summed by the block that finishes last.
 *
 * A product reads of an entry its value and its column, of a row where it ends in its tile (2 bytes). Where the columns of a
 * tile are less than 2^16 apart they are kept as distances from the least one, 2 bytes in place of 4. */
#ifndef SHARED_TILES_CUH
#define SHARED_TILES_CUH
#include <limits.h>

#include "device.cuh"

namespace tiles {

constexpr int kWarp = 32, kItems = 8; /* entries that a thread loads at once */
constexpr unsigned kAll = 0xffffffff;

template <int BLOCK> struct Shape {
  static constexpr int kTile = BLOCK * kItems, kShort = kTile / 8, kStep = kTile - kShort; /* longer rows may be cut */
};

struct Tile {
  int64_t row, entry; /* the first that ends in it, the first that lies in it */
  int32_t cut, last;  /* the tiles where the row begins and ends that is cut at this tile's beginning; none: -1 */
  int32_t column;     /* from which `near` counts; none: -1 */
  int32_t unused;
};

struct Matrix {
  int64_t rows, entries, count; /* tiles */
  const Tile *tile;             /* count + 1 */
  const uint16_t *end;          /* of each row, in its tile */
  const uint16_t *near;         /* columns */
  const int32_t *indices;
  const double *data;
  double *piece;     /* two of each tile: of a row that began earlier, of one that goes on */
  unsigned *arrived; /* of the tiles that share the row which begins in this one; 0 between products */
};

/* Sum over a warp, right in its first thread; `lanes`, a power of two, make a group with a sum of its own. */
__device__ inline double gather(double sum, int lanes = kWarp) {
  for (int step = lanes / 2; step; step /= 2) sum += __shfl_down_sync(kAll, sum, step, lanes);
  return sum;
}

template <int BLOCK> struct Scratch {
  static constexpr int kTile = Shape<BLOCK>::kTile, kSerial = 32; /* entries that one of a row's threads sums */
  double product[kTile];
  uint16_t end[kTile + 1];
  int longer[kTile / kSerial], found;
};

/* One piece of a row that is cut is in memory. The warp that brings the last one sums them, in their order. */
template <class Sink> __device__ void arrive(const Matrix &a, int64_t row, int first, int last, Sink &sink) {
  const int lane = threadIdx.x % kWarp;
  bool all = false;
  if (lane == 0) {
    __threadfence();
    all = atomicAdd(a.arrived + first, 1u) == unsigned(last - first);
  }
  if (!__shfl_sync(kAll, all, 0)) return;
  if (lane == 0) __threadfence();
  __syncwarp();
  double sum = 0;
  for (int t = first + lane; t <= last; t += kWarp) sum += __ldcg(a.piece + 2 * int64_t(t) + (t == first));
  sum = gather(sum);
  if (lane == 0) a.arrived[first] = 0, sink.whole(row, sum);
}

/* The product of tile `t`, by a block. `sink` has at(column), the entry of x; part(row, sum), told once of what a tile has of
 * each of its rows, and always in the same block; whole(row, sum), told of every row once. Between two products in
 * the same `shared` the block has to meet. */
template <int BLOCK, class Sink> __device__ void multiply(const Matrix &a, int64_t t, Scratch<BLOCK> &shared, Sink &sink) {
  const Tile here = a.tile[t], next = a.tile[t + 1];
  const int entries = int(next.entry - here.entry), rows = int(next.row - here.row), me = threadIdx.x;
  const bool open = next.cut >= 0; /* its last row goes on */
  const int sums = rows + open;

  /* All loads are under way before the first is waited for: a thread without an entry takes the last one. */
  const auto at = [&](int j) { return here.entry + min(me + j * BLOCK, entries - 1); };
  const int base = max(here.column, 0);
  int column[kItems];
  double value[kItems];
  if (entries) {
    if (here.column < 0) {
#pragma unroll
      for (int j = 0; j < kItems; ++j) column[j] = __ldcs(a.indices + at(j));
    } else {
#pragma unroll
      for (int j = 0; j < kItems; ++j) column[j] = __ldcs(a.near + at(j));
    }
#pragma unroll
    for (int j = 0; j < kItems; ++j) value[j] = __ldcs(a.data + at(j));
  }
  for (int i = me; i < rows; i += BLOCK) shared.end[i] = __ldcs(a.end + here.row + i);
  if (me == 0) shared.found = 0;
  if (me == 0 && open) shared.end[rows] = uint16_t(entries);
  if (entries) {
#pragma unroll
    for (int j = 0; j < kItems; ++j) value[j] *= sink.at(base + column[j]);
#pragma unroll
    for (int j = 0; j < kItems; ++j) shared.product[me + j * BLOCK] = value[j];
  }
  __syncthreads();

  const auto finish = [&](int i, double sum) {
    sink.part(here.row + i, sum);
    if (i == 0 && here.cut >= 0) a.piece[2 * t] = sum;
    else if (i == rows) a.piece[2 * t + 1] = sum;
    else sink.whole(here.row + i, sum);
  };
  /* As many threads for a row as there are for each; rows that are much longer than others wait for a warp. */
  const int each = min(BLOCK / max(sums, 1), kWarp), log = each ? 31 - __clz(each) : 0, lanes = 1 << log;
  for (int first = 0; first < sums; first += BLOCK >> log) {
    const int i = first + (me >> log), stop = i < sums ? shared.end[i] : 0;
    int k = i < sums && i > 0 ? shared.end[i - 1] : 0;
    const bool longer = stop - k > Scratch<BLOCK>::kSerial * lanes;
    double sum = 0;
    for (k += me & (lanes - 1); k < stop && !longer; k += lanes) sum += shared.product[k];
    sum = gather(sum, lanes);
    if ((me & (lanes - 1)) || i >= sums) continue;
    if (longer) shared.longer[atomicAdd(&shared.found, 1)] = i;
    else finish(i, sum);
  }
  __syncthreads();
  for (int q = me / kWarp; q < shared.found; q += BLOCK / kWarp) {
    const int i = shared.longer[q], stop = shared.end[i];
    double sum = 0;
    for (int k = (i ? shared.end[i - 1] : 0) + me % kWarp; k < stop; k += kWarp) sum += shared.product[k];
    sum = gather(sum);
    if (me % kWarp == 0) finish(i, sum);
  }

  if (here.cut < 0 && !open) return;
  __syncthreads();
  if (me >= kWarp) return;
  if (here.cut >= 0) arrive(a, here.row, here.cut, here.last, sink);
  if (next.cut == t) arrive(a, next.row, int(t), next.last, sink);
}

/* Where tiles begin: of the rows and entries in one list, every row after its entries, `kStep` to a tile. */
template <int BLOCK> __global__ void cut(Matrix a, const int64_t *indptr, Tile *tile) {
  using S = Shape<BLOCK>;
  const int64_t t = blockIdx.x * int64_t(BLOCK) + threadIdx.x;
  if (t > a.count) return;
  const int64_t base = indptr[0], at = min(t * S::kStep, a.rows + a.entries) + base;
  int64_t low = 0, high = a.rows; /* the last row that begins there or before */
  while (low < high) {
    const int64_t middle = (low + high + 1) / 2;
    if (indptr[middle] + middle <= at) low = middle;
    else high = middle - 1;
  }
  const int64_t begin = indptr[low], end = low < a.rows ? indptr[low + 1] : begin;
  const bool inside = end - begin > S::kShort && at - low > begin;
  tile[t] = {low, inside ? at - low : begin, inside ? int32_t((low + begin - base) / S::kStep) : -1, int32_t((low + end - base) / S::kStep), -1, 0};
}

/* Where rows end in their tiles, and columns as distances where they are small. */
template <int BLOCK> __global__ void pack(Matrix a, const int64_t *indptr, Tile *tile, uint16_t *end, uint16_t *near) {
  const int64_t t = blockIdx.x;
  const int64_t row = tile[t].row, entry = tile[t].entry, rows = tile[t + 1].row - row;
  const int entries = int(tile[t + 1].entry - entry), me = threadIdx.x;
  for (int64_t i = me; i < rows; i += BLOCK) end[row + i] = uint16_t(indptr[row + i + 1] - entry);
  __shared__ int least, most;
  if (me == 0) least = INT_MAX, most = 0;
  __syncthreads();
  int column[kItems], low = INT_MAX, high = 0;
#pragma unroll
  for (int j = 0; j < kItems; ++j) {
    column[j] = me + j * BLOCK < entries ? a.indices[entry + me + j * BLOCK] : -1;
    if (column[j] >= 0) low = min(low, column[j]), high = max(high, column[j]);
  }
  for (int step = kWarp / 2; step; step /= 2)
    low = min(low, __shfl_xor_sync(kAll, low, step)), high = max(high, __shfl_xor_sync(kAll, high, step));
  if (me % kWarp == 0) atomicMin(&least, low), atomicMax(&most, high);
  __syncthreads();
  if (most - least > UINT16_MAX || !entries) return;
  if (me == 0) tile[t].column = least;
#pragma unroll
  for (int j = 0; j < kItems; ++j)
    if (column[j] >= 0) near[entry + me + j * BLOCK] = uint16_t(column[j] - least);
}

/* Cut `a`, whose rows, entries, indices and data are known, into tiles for products with `width` columns, for as long as `call`
 * lasts; all pointers are the device's. False where nothing is left to do. */
template <int BLOCK> bool divide(device::Call &call, const int64_t *indptr, Matrix *a, int64_t width = 1, int64_t passes = 1) {
  constexpr int64_t kStep = Shape<BLOCK>::kStep;
  a->count = (a->rows + a->entries + kStep - 1) / kStep;
  Tile *tile = call.take<Tile>(a->count + 1);
  a->piece = call.take<double>(2 * a->count * width), a->arrived = call.take<unsigned>(a->count * passes), a->tile = tile;
  if (!call.note(a->count < INT_MAX ? cudaSuccess : cudaErrorInvalidValue) || !a->count) return false;
  call.note(cudaMemsetAsync(a->arrived, 0, size_t(a->count * passes) * sizeof(unsigned), 0));
  cut<BLOCK><<<unsigned(a->count / BLOCK + 1), BLOCK>>>(*a, indptr, tile);
  return call.started();
}

/* The same, with what a product with a vector reads in place of `indptr` and `indices`. Of a matrix that is a part of another one,
 * `near` has places for the other's entries. */
template <int BLOCK> void split(device::Call &call, const int64_t *indptr, Matrix *a, uint16_t *near) {
  uint16_t *end = call.take<uint16_t>(a->rows);
  a->end = end, a->near = near;
  if (!divide<BLOCK>(call, indptr, a)) return;
  pack<BLOCK><<<unsigned(a->count), BLOCK>>>(*a, indptr, const_cast<Tile *>(a->tile), end, near);
  call.started();
}

}  // namespace tiles
#endif
