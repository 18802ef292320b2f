/* CUDA on one core of the host, to test what a kernel computes where no device is: every thread of a block is a fiber that
 * runs until it has to wait for others. Blocks run one after the other, or together where a launch is cooperative; ORDER
 * says who comes first. Memory is full of ones before it is written: as numbers, none. What hangs or waits where
 * others have ended aborts. Says nothing of speed, and little of memory's order: one thread sees what another wrote at once. */
#include <math.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <map>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)
#define __grid_constant__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#ifndef ORDER
#define ORDER 0 /* 1: the last thread, and block, comes first */
#endif

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3(unsigned i = 1, unsigned j = 1, unsigned k = 1) : x(i), y(j), z(k) {}
};
struct double2 {
  double x, y;
};

namespace emulated {

constexpr int kWarp = 32, kProcessors = 3, kOccupancy = 1;
constexpr size_t kStack = 128 << 10;

[[noreturn]] inline void wrong(const char *what) {
  fprintf(stderr, "emulated device: %s\n", what);
  abort();
}

struct Barrier {
  int arrived = 0;
  unsigned turn = 0;
};

/* Of lanes that name each other; who is a turn ahead writes elsewhere than others still read. */
struct Meeting : Barrier {
  uint64_t slot[2][kWarp];
};

struct Warp {
  Meeting whole;
  std::map<unsigned, Meeting> some; /* by the mask of those who meet */
};

struct Block {
  dim3 index;
  int alive = 0;
  Barrier barrier;
  std::vector<Warp> warps;
  std::map<int, std::unique_ptr<char[]>> shared;
};

struct Thread {
  dim3 index;
  Block *block;
  Warp *warp;
  int lane;
  bool begun, ended;
  jmp_buf at;
  ucontext_t first;
};

struct Device {
  std::vector<Thread> threads;
  std::vector<Thread *> order;
  size_t place = 0;
  int idle = 0;
  int64_t before = 0;
  std::vector<Block> blocks;
  std::vector<char *> stacks;
  Thread *now = nullptr;
  jmp_buf scheduler;
  dim3 grid, block;
  Barrier all;
  int alive = 0;
  int64_t moved = 0; /* times that somebody went on after waiting */
  void (*enter)(void *) = nullptr;
  void *what = nullptr;
};
inline Device device;

void begin();

/* Switch to the next thread that has not ended. */
[[noreturn]] inline void go_on() {
  Device &d = device;
  do {
    if (++d.place < d.order.size()) continue;
    d.idle = d.moved == d.before ? d.idle + 1 : 0, d.place = 0, d.before = d.moved;
    if (d.idle > 10000) wrong("its threads wait for each other");
  } while (d.order[d.place]->ended);
  d.now = d.order[d.place];
  if (d.now->begun) _longjmp(d.now->at, 1);
  d.now->begun = true;
  ucontext_t &first = d.now->first;
  getcontext(&first);
  first.uc_stack.ss_sp = d.stacks[d.place], first.uc_stack.ss_size = kStack, first.uc_link = nullptr;
  makecontext(&first, begin, 0);
  setcontext(&first);
  abort();
}

inline void yield() {
  if (!_setjmp(device.now->at)) go_on();
}

inline void begin() {
  device.enter(device.what);
  Thread *t = device.now;
  t->ended = true, ++device.moved, --t->block->alive;
  if (!--device.alive) _longjmp(device.scheduler, 1);
  go_on();
}

/* Meet `*alive` threads, fewer once some of them have ended. */
inline void meet(Barrier *b, const int *alive) {
  const unsigned turn = b->turn;
  ++b->arrived;
  while (b->turn == turn) {
    if (b->arrived < *alive) yield();
    else b->arrived = 0, ++b->turn, ++device.moved;
  }
}

inline void run(std::vector<Block *> blocks) {
  device.threads.clear();
  device.threads.resize(blocks.size() * size_t(device.block.x));
  if (device.threads.empty()) return;
  size_t at = 0;
  for (Block *b : blocks) {
    b->alive = int(device.block.x), b->warps.resize((device.block.x + kWarp - 1) / kWarp);
    for (unsigned i = 0; i < device.block.x; ++i, ++at) {
      Thread &t = device.threads[at];
      t.index = dim3(i), t.block = b, t.warp = &b->warps[i / kWarp], t.lane = int(i % kWarp), t.begun = t.ended = false;
      t.index.y = t.index.z = 0;
    }
  }
  device.all = {}, device.alive = int(at);
  while (device.stacks.size() < at) {
    void *stack = mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED) wrong("no memory for another thread");
    device.stacks.push_back(static_cast<char *>(stack));
  }
  device.order.clear();
  for (size_t i = 0; i < at; ++i) device.order.push_back(&device.threads[ORDER ? at - 1 - i : i]);
  device.place = at - 1, device.idle = 0;
  if (!_setjmp(device.scheduler)) go_on();
}

template <class Kernel> void launch(dim3 grid, dim3 block, bool together, Kernel kernel) {
  if (block.y != 1 || block.z != 1 || block.x > 1024 || !block.x) wrong("a block of another shape");
  device.grid = grid, device.block = block;
  device.enter = [](void *what) { (*static_cast<Kernel *>(what))(); }, device.what = &kernel;
  std::vector<Block> blocks(size_t(grid.x) * grid.y);
  std::vector<Block *> all;
  for (size_t i = 0; i < blocks.size(); ++i) {
    blocks[i].index = dim3(unsigned(i % grid.x), unsigned(i / grid.x)), blocks[i].index.z = 0;
    all.push_back(&blocks[i]);
  }
  if (ORDER) std::reverse(all.begin(), all.end());
  if (together) return run(all);
  for (Block *b : all) run({b});
}

/* The variable of a block that is declared in one place. */
template <class T, int Place> T &shared() {
  auto &at = device.now->block->shared[Place];
  if (!at) at.reset(new char[sizeof(T) + alignof(T)]), memset(at.get(), 0xff, sizeof(T) + alignof(T));
  const uintptr_t address = reinterpret_cast<uintptr_t>(at.get());
  return *reinterpret_cast<T *>((address + alignof(T) - 1) / alignof(T) * alignof(T));
}

/* work(slots), once all lanes of `mask`, who must have named each other, have put there what they have. */
template <class T, class Work> auto exchange(unsigned mask, T mine, Work work) {
  static_assert(sizeof(T) <= 8, "a word for each lane");
  Warp &warp = *device.now->warp;
  if (!(mask >> device.now->lane & 1)) wrong("a lane meets others that do not name it");
  const int count = __builtin_popcount(mask);
  Meeting &m = mask == 0xffffffff ? warp.whole : warp.some[mask];
  uint64_t *const slot = m.slot[m.turn % 2];
  memcpy(slot + device.now->lane, &mine, sizeof mine);
  meet(&m, &count);
  return work(slot);
}

template <class T> T from(unsigned mask, T mine, int lane, int width) {
  const int first = device.now->lane / width * width;
  if (lane < first || lane >= first + width) lane = device.now->lane;
  if (!(mask >> lane & 1)) wrong("a lane takes a value of one that is not there");
  return exchange(mask, mine, [lane](const uint64_t *slots) {
    T found;
    return memcpy(&found, slots + lane, sizeof found), found;
  });
}

}  // namespace emulated

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
