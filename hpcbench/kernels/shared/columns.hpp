/* A set of columns. */
#ifndef SHARED_COLUMNS_HPP
#define SHARED_COLUMNS_HPP
#include <stdint.h>

#include <cstddef>

#include <vector>

namespace columns {

/* A set of columns and the number of each among them: a bitmap with the count before every word (rank and select after
 * Jacobson, FOCS 1989). For ten million columns it is 2 MB, which a cache holds. */
class Set {
 public:
  explicit Set(int64_t n) : words_(size_t(n / 64 + 1)), before_(words_.size()) {}
  void add(int32_t c) { words_[size_t(c) / 64] |= uint64_t(1) << (c % 64); }
  void count() {
    int32_t n = 0;
    for (size_t w = 0; w < words_.size(); ++w) before_[w] = n, n += __builtin_popcountll(words_[w]);
  }
  /* How many of the set are before column c. */
  int32_t number(int64_t c) const {
    const uint64_t earlier = (uint64_t(1) << (c % 64)) - 1;
    return before_[size_t(c) / 64] + __builtin_popcountll(words_[size_t(c) / 64] & earlier);
  }
  /* All of the set from `first` up to `last`, less `first`. */
  void list(int64_t first, int64_t last, int32_t *to) const {
    for (int64_t c = first; c < last; c = (c / 64 + 1) * 64)
      for (uint64_t rest = words_[size_t(c) / 64] >> (c % 64); rest; rest &= rest - 1) {
        const int64_t at = c + __builtin_ctzll(rest);
        if (at < last) *to++ = int32_t(at - first);
      }
  }

 private:
  std::vector<uint64_t> words_;
  std::vector<int32_t> before_;
};

/* All of a set, each as its owner counts it, owner by owner, and how many each has: owner r has columns [offsets[r], offsets[r+1]). */
inline std::vector<int32_t> by_owner(const Set &set, const int64_t *offsets, std::vector<int> *counts) {
  const size_t owners = counts->size();
  std::vector<int32_t> found(size_t(set.number(offsets[owners])));
  for (size_t r = 0; r < owners; ++r) {
    const int32_t from = set.number(offsets[r]);
    set.list(offsets[r], offsets[r + 1], found.data() + from);
    (*counts)[r] = set.number(offsets[r + 1]) - from;
  }
  return found;
}

}  // namespace columns
#endif
