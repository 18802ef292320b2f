/* The threads of a device on one core of the host: each of a block is a fiber that runs until it has to wait for others. Blocks run one after
 * the other, or together where a launch is cooperative; ORDER says who comes first. What hangs, or waits where others have ended, aborts. */
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
#include <type_traits>
#include <vector>

#ifndef ORDER
#define ORDER 0 /* 1: the last thread, and block, comes first */
#endif

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3(unsigned i = 1, unsigned j = 1, unsigned k = 1) : x(i), y(j), z(k) {}
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
