/* Arrays that a setup fills. */
#ifndef SHARED_MEMORY_HPP
#define SHARED_MEMORY_HPP
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

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

/* The same for a vector. */
template <class T> struct Allocator {
  typedef T value_type;
  T *allocate(size_t n) { return array<T>(int64_t(n)).release(); }
  void deallocate(T *memory, size_t) { free(memory); }
  bool operator==(const Allocator &) const { return true; }
  bool operator!=(const Allocator &) const { return false; }
};
template <class T> using Vector = std::vector<T, Allocator<T>>;

/* An array that grows at its end. */
template <class T> class Growing {
 public:
  explicit Growing(int64_t room) : room_(room), data_(array<T>(room)) {}
  int64_t size() const { return size_; }
  T *begin() { return data_.get(); }

  /* Where `n` more may be written, which are not counted yet. */
  T *room(int64_t n) {
    if (size_ + n > room_) {
      room_ = size_ + std::max(n, size_ / 2 + 64);
      Array<T> larger = array<T>(room_);
      std::copy(data_.get(), data_.get() + size_, larger.get());
      data_ = std::move(larger);
    }
    return data_.get() + size_;
  }
  void grow(int64_t n) { size_ += n; }
  void push(T one) { *room(1) = one, grow(1); }
  Array<T> take() { return std::move(data_); }

 private:
  int64_t size_ = 0, room_;
  Array<T> data_;
};

}  // namespace memory
#endif
