/* Arrays that a setup fills. */
#ifndef SPMV_MEMORY_HPP
#define SPMV_MEMORY_HPP
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace spmv {

struct Free {
  void operator()(void *memory) const { free(memory); }
};
template <class T> using Array = std::unique_ptr<T, Free>;

/* Without values, on a cache line of its own. */
template <class T> Array<T> array(int64_t n) {
  void *memory = nullptr;
  if (posix_memalign(&memory, 64, size_t(n + 1) * sizeof(T))) throw std::bad_alloc();
  return Array<T>(static_cast<T *>(memory));
}

/* Bytes of the cache that one core has for itself. */
inline int64_t own_cache() {
  const int64_t bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return bytes > 0 ? bytes : int64_t(1) << 20;
}

}  // namespace spmv
#endif
