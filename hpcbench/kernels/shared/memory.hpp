/* Arrays that a setup fills. */
#ifndef SHARED_MEMORY_HPP
#define SHARED_MEMORY_HPP
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace memory {

struct Free {
  void operator()(void *memory) const { free(memory); }
};
template <class T> using Array = std::unique_ptr<T[], Free>;

/* Without values, on a cache line of its own; large ones in huge pages where the system grants them, because a prefetcher
 * stops where a page ends. */
template <class T> Array<T> array(int64_t n) {
  constexpr size_t kHuge = size_t(2) << 20;
  const size_t bytes = size_t(n + 1) * sizeof(T);
  const bool huge = bytes >= 2 * kHuge;
  void *memory = nullptr;
  if (posix_memalign(&memory, huge ? kHuge : 64, bytes)) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  if (huge) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return Array<T>(static_cast<T *>(memory));
}

}  // namespace memory
#endif
