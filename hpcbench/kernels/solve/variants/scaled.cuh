/* S A S on a CUDA device, S the inverse roots of the sizes of A's diagonal, and what is wrong with A as far as is seen. */
#ifndef SOLVE_SCALED_CUH
#define SOLVE_SCALED_CUH
#include "../../shared/tiles.cuh"
#include "progress.hpp"

namespace solve {

/* What is wrong with a matrix, as method.hpp asks on the host. */
struct Check {
  double difference, size; /* of u.Av and v.Au, for two vectors without a pattern; of all entries */
  int zero, negative;      /* diagonal entries */

  /* `definite`: whether it has to be symmetric positive definite. */
  __device__ int status(bool definite) const {
    if (zero) return SOLVE_ZERO_DIAGONAL;
    if (definite && negative) return SOLVE_INDEFINITE;
    if (!isfinite(size)) return SOLVE_BREAKDOWN;
    return definite && fabs(difference) > kUnequal * size ? SOLVE_INDEFINITE : SOLVE_OK;
  }
};

struct Given {
  int64_t rows;
  const int64_t *indptr;
  const int32_t *indices;
  const double *data;
};

__device__ inline double hashed(int64_t i, uint32_t factor, uint32_t offset) {
  return double(uint32_t(i * factor + offset) >> 16) / 32768 - 1;
}
__device__ inline double u(int64_t i) { return hashed(i, 2654435761u, 0); }
__device__ inline double v(int64_t i) { return hashed(i, 2246822519u, 3266489917u); }

/* Roots of the diagonal, of what is negative minus the root of its size, and the check; a warp takes a row. */
__global__ void examine(Given a, double *root, Check *check) {
  const int64_t warps = gridDim.x * int64_t(blockDim.x) / tiles::kWarp;
  const int lane = threadIdx.x % tiles::kWarp;
  double difference = 0, size = 0;
  for (int64_t i = (blockIdx.x * int64_t(blockDim.x) + threadIdx.x) / tiles::kWarp; i < a.rows; i += warps) {
    double au = 0, av = 0, d = 0;
    for (int64_t k = a.indptr[i] + lane; k < a.indptr[i + 1]; k += tiles::kWarp) {
      const int64_t j = a.indices[k];
      const double value = a.data[k];
      av += value * v(j), au += value * u(j), size += fabs(value);
      if (j == i) d = value;
    }
    difference += u(i) * av - v(i) * au;
    d = tiles::gather(d);
    if (lane) continue;
    root[i] = copysign(sqrt(fabs(d)), d);
    if (d == 0) check->zero = 1;
    else if (!(d > 0)) check->negative = 1;
  }
  difference = tiles::gather(difference), size = tiles::gather(size);
  if (lane == 0) atomicAdd(&check->difference, difference), atomicAdd(&check->size, size);
}

/* `data` = S A S. */
__global__ void rescale(Given a, const double *root, double *data) {
  const int64_t warps = gridDim.x * int64_t(blockDim.x) / tiles::kWarp;
  for (int64_t i = (blockIdx.x * int64_t(blockDim.x) + threadIdx.x) / tiles::kWarp; i < a.rows; i += warps)
    for (int64_t k = a.indptr[i] + threadIdx.x % tiles::kWarp; k < a.indptr[i + 1]; k += tiles::kWarp)
      data[k] = a.data[k] / fabs(root[i]) / fabs(root[a.indices[k]]);
}

/* The same colour by colour: rows of each, with those entries that stand in earlier colours, and with those in later ones. */
struct Colours {
  int count;
  const int64_t *first; /* place of each */
  const int32_t *row;   /* at each place */
  const double *root;   /* of it */
  const tiles::Matrix *lower, *upper;
};

/* On the device for as long as it lives. */
template <int BLOCK> struct Scaled {
  explicit Scaled(const solve_in *in) : call(in->device) {
    const int64_t n = in->nrows, entries = device::entries(call, in->indptr, n);
    given = {n, call.in(in->indptr, n + 1), call.in(in->indices, entries), call.in(in->data, entries)};
    double *data = call.take<double>(entries);
    root = call.take<double>(n), check = call.take<Check>(1);
    a.rows = n, a.entries = entries, a.indices = given.indices, a.data = data;
    if (!call.note(cudaMemsetAsync(check, 0, sizeof *check, 0))) return;
    const int blocks = 8 * device::processors();
    examine<<<blocks, 256>>>(given, root, check);
    rescale<<<blocks, 256>>>(given, root, data);
    call.started();
    tiles::split<BLOCK>(call, given.indptr, &a, call.take<uint16_t>(entries));
  }
  device::Call call;
  Given given{};
  tiles::Matrix a{};
  Colours colours{}; /* none */
  double *root = nullptr;
  Check *check = nullptr;
};

}  // namespace solve
#endif
