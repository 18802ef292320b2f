/* What CUDA's headers declare, as far as kernels use it, for the threads of fibers.hpp, to test what a kernel computes where no device is.
 * Memory is full of ones before it is written: as numbers, none. Says nothing of speed, and little of memory's order: one thread sees at once
 * what another wrote. */
#include <math.h>

#include <utility>

#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)
#define __grid_constant__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))

struct double2 {
  double x, y;
};

#define threadIdx (emulated::device.now->index)
#define blockIdx (emulated::device.now->block->index)
#define blockDim (emulated::device.block)
#define gridDim (emulated::device.grid)

inline void __syncthreads() { emulated::meet(&emulated::device.now->block->barrier, &emulated::device.now->block->alive); }
inline unsigned __ballot_sync(unsigned mask, int holds) {
  return emulated::exchange(mask, holds, [mask](const uint64_t *slots) {
    unsigned found = 0;
    for (int i = 0; i < emulated::kWarp; ++i) found |= unsigned((mask >> i & 1) && int(slots[i])) << i;
    return found;
  });
}
inline void __syncwarp(unsigned mask = 0xffffffff) { __ballot_sync(mask, 0); }
inline void __threadfence() {}
inline void __nanosleep(unsigned) { emulated::yield(); }
inline int __any_sync(unsigned mask, int holds) { return __ballot_sync(mask, holds) != 0; }
inline int __all_sync(unsigned mask, int holds) { return __ballot_sync(mask, holds) == mask; }
template <class T> T __shfl_sync(unsigned mask, T v, int lane, int width = 32) {
  return emulated::from(mask, v, emulated::device.now->lane / width * width + lane % width, width);
}
template <class T> T __shfl_down_sync(unsigned mask, T v, unsigned by, int width = 32) {
  return emulated::from(mask, v, emulated::device.now->lane + int(by), width);
}
template <class T> T __shfl_up_sync(unsigned mask, T v, unsigned by, int width = 32) {
  return emulated::from(mask, v, emulated::device.now->lane - int(by), width);
}
template <class T> T __shfl_xor_sync(unsigned mask, T v, int by, int width = 32) {
  return emulated::from(mask, v, emulated::device.now->lane ^ by, width);
}
inline int __clz(int v) { return v ? __builtin_clz(unsigned(v)) : 32; }
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __ffs(int v) { return __builtin_ffs(v); }
inline long long __double_as_longlong(double v) {
  long long bits;
  return memcpy(&bits, &v, 8), bits;
}
inline double __longlong_as_double(long long bits) {
  double v;
  return memcpy(&v, &bits, 8), v;
}
template <class T> T __ldg(const T *at) { return *at; }
template <class T> T __ldcs(const T *at) { return *at; }
template <class T> T __ldcg(const T *at) { return *at; }
template <class T> void __stcg(T *at, T v) { *at = v; }
template <class T, class V> T atomicAdd(T *at, V v) { return std::exchange(*at, T(*at + v)); }
template <class T, class V> T atomicMin(T *at, V v) { return std::exchange(*at, std::min(*at, T(v))); }
template <class T, class V> T atomicMax(T *at, V v) { return std::exchange(*at, std::max(*at, T(v))); }
template <class T, class V> T atomicOr(T *at, V v) { return std::exchange(*at, T(*at | v)); }
template <class T, class V> T atomicExch(T *at, V v) { return std::exchange(*at, T(v)); }
template <class T, class U, class V> T atomicCAS(T *at, U old, V v) {
  const T seen = *at;
  if (seen == T(old)) *at = T(v);
  return seen;
}
template <class A, class B> std::common_type_t<A, B> min(A a, B b) { return b < a ? b : a; }
template <class A, class B> std::common_type_t<A, B> max(A a, B b) { return a < b ? b : a; }

namespace cooperative_groups {
struct Grid {
  void sync() const { emulated::meet(&emulated::device.all, &emulated::device.alive); }
};
inline Grid this_grid() { return {}; }
}  // namespace cooperative_groups

enum cudaError_t { cudaSuccess, cudaErrorInvalidValue, cudaErrorMemoryAllocation };
enum { cudaMemcpyHostToHost, cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice, cudaMemPoolAttrReleaseThreshold, cudaDevAttrMultiProcessorCount };
using cudaStream_t = void *;
using cudaMemPool_t = void *;

template <class T> cudaError_t cudaMallocAsync(T **at, size_t bytes, cudaStream_t) {
  void *made = malloc(bytes);
  *at = static_cast<T *>(made);
  if (made) memset(made, 0xff, bytes);
  return made ? cudaSuccess : cudaErrorMemoryAllocation;
}
inline cudaError_t cudaFreeAsync(void *at, cudaStream_t) { return free(at), cudaSuccess; }
inline cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, int) { return memmove(to, from, bytes), cudaSuccess; }
inline cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, int, cudaStream_t) { return memmove(to, from, bytes), cudaSuccess; }
inline cudaError_t cudaMemsetAsync(void *at, int value, size_t bytes, cudaStream_t) { return memset(at, value, bytes), cudaSuccess; }
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *, int) { return cudaSuccess; }
inline cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, int, void *) { return cudaSuccess; }
inline cudaError_t cudaDeviceGetAttribute(int *value, int, int) { return *value = emulated::kProcessors, cudaSuccess; }
template <class Kernel> cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, Kernel, int, size_t) {
  return *blocks = emulated::kOccupancy, cudaSuccess;
}
template <class... Args, size_t... I>
void emulate(void (*kernel)(Args...), dim3 grid, dim3 block, void **args, std::index_sequence<I...>) {
  emulated::launch(grid, block, true, [&] { kernel(*static_cast<std::remove_cv_t<Args> *>(args[I])...); });
}
template <class... Args> cudaError_t cudaLaunchCooperativeKernel(void (*kernel)(Args...), dim3 grid, dim3 block, void **args, size_t, cudaStream_t) {
  if (grid.x > unsigned(emulated::kProcessors * emulated::kOccupancy)) return cudaErrorInvalidValue;
  return emulate(kernel, grid, block, args, std::index_sequence_for<Args...>()), cudaSuccess;
}
