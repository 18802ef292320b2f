// /// hpcbench
// model = "cuda"
// summary = "CSR in tiles of equal work, products in shared memory; setup: tiles, columns in 16 bits where they are near"
// source = "Merrill and Garland, Merge-based parallel sparse matrix-vector multiplication, SC 2016"
// flags = ["-O3"]
// params.THREADS = {when = "build", default = 256, values = [128, 256, 512]}
// ///
/* The floor is memory: of an entry 8 bytes of value and 2 or 4 of column, of a row 2 of where it ends and 8 of y, and x once; that
 * is 10 to 16 bytes less per row than CSR has, and up to 2 less per entry. One kernel per product, deterministic. */
#include <new>

#include "abi.h"
#include "../../shared/tiles.cuh"

namespace {

struct Vectors {
  const double *x;
  double *y;
  __device__ double at(int column) const { return __ldg(x + column); }
  __device__ void part(int64_t, double) const {}
  __device__ void whole(int64_t row, double sum) const { y[row] = sum; }
};

__global__ void __launch_bounds__(THREADS) product(tiles::Matrix a, Vectors v) {
  __shared__ tiles::Scratch<THREADS> shared;
  tiles::multiply<THREADS>(a, blockIdx.x, shared, v);
}

/* The matrix on the device, for as long as this lives. */
struct Handle {
  explicit Handle(const spmv_in *in) : call(in->device) {
    a.rows = in->nrows, a.entries = device::entries(call, in->indptr, in->nrows);
    a.indices = call.in(in->indices, a.entries), a.data = call.in(in->data, a.entries);
    tiles::split<THREADS>(call, call.in(in->indptr, in->nrows + 1), &a, call.take<uint16_t>(a.entries));
  }
  device::Call call;
  tiles::Matrix a{};
};

}  // namespace

extern "C" void *spmv_setup(const spmv_in *in, const void *) {
  Handle *made = new (std::nothrow) Handle(in);
  if (made && made->call.finish() == device::OK) return made;
  delete made;
  return nullptr;
}

extern "C" int spmv_run(void *handle, const spmv_in *in, const void *, spmv_out *out) {
  const tiles::Matrix &a = static_cast<Handle *>(handle)->a;
  device::Call call(in->device);
  const double *x = call.in(in->x, in->ncols);
  double *y = call.out(out->y, in->nrows);
  if (a.count && call.note(cudaSuccess)) product<<<unsigned(a.count), THREADS>>>(a, {x, y});
  call.started();
  call.back(out->y, y, in->nrows);
  return call.finish();
}

extern "C" void spmv_free(void *handle) { delete static_cast<Handle *>(handle); }
