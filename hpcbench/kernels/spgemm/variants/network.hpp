/* Batcher's bitonic sorting network (AFIPS 1968) on 64-byte vectors of unsigned keys, written with GCC's
 * vector extensions so that any target compiles it. Every comparator puts the smaller key first, so that
 * missing vectors at the end count as all ones and comparators that reach them can be left out. */
#ifndef ROWS_NETWORK_HPP
#define ROWS_NETWORK_HPP
#include <stdint.h>

#include <algorithm>
#include <utility>

namespace rows {

template <class Key> struct Lanes {
  typedef Key Vector __attribute__((vector_size(64)));
  static constexpr int n = 64 / sizeof(Key);
};
template <class Key> using Vector = typename Lanes<Key>::Vector;

/* Lane i ^ X of v in lane i. */
template <class Key, int X> inline __attribute__((always_inline)) Vector<Key> partners(Vector<Key> v) {
#if defined(__clang__)
  return [v]<int... I>(std::integer_sequence<int, I...>) {
    return Vector<Key>(__builtin_shufflevector(v, v, (I ^ X)...));
  }(std::make_integer_sequence<int, Lanes<Key>::n>());
#else
  Vector<Key> from;
  for (int i = 0; i < Lanes<Key>::n; ++i) from[i] = Key(i ^ X);
  return __builtin_shuffle(v, from);
#endif
}

/* Comparators between lanes i and i ^ X, X = 2^k or 2^k - 1. */
template <class Key, int X> inline __attribute__((always_inline)) Vector<Key> exchange(Vector<Key> v) {
  constexpr int top = X & ~(X >> 1) & ~(X >> 2) & ~(X >> 3);
  Vector<Key> upper;
  for (int i = 0; i < Lanes<Key>::n; ++i) upper[i] = (i & top) ? ~Key(0) : 0;
  const Vector<Key> p = partners<Key, X>(v);
  const Vector<Key> low = v < p ? v : p, high = v < p ? p : v;
  return upper ? high : low;
}

/* Sorts a bitonic vector. */
template <class Key, int D = Lanes<Key>::n / 2>
inline __attribute__((always_inline)) Vector<Key> clean(Vector<Key> v) {
  v = exchange<Key, D>(v);
  if constexpr (D > 1) v = clean<Key, D / 2>(v);
  return v;
}

/* Sorts a vector: merges runs of S / 2 lanes, then longer ones. */
template <class Key, int S = 2> inline __attribute__((always_inline)) Vector<Key> sort_lanes(Vector<Key> v) {
  v = exchange<Key, S - 1>(v);
  if constexpr (S > 2) v = clean<Key, S / 4>(v);
  if constexpr (S < Lanes<Key>::n) v = sort_lanes<Key, 2 * S>(v);
  return v;
}

template <class Key> inline __attribute__((always_inline)) void order(Vector<Key> &a, Vector<Key> &b) {
  const Vector<Key> x = a, y = b;
  a = x < y ? x : y, b = x < y ? y : x;
}

/* Sorts v[0..nv) as one sequence. Unrolled and kept in registers where nv is a small constant. */
template <class Key> inline __attribute__((always_inline)) void sort_vectors(Vector<Key> *v, const int nv) {
  for (int i = 0; i < nv; ++i) v[i] = sort_lanes<Key>(v[i]);
  for (int w = 1; w < nv; w *= 2)
    for (int base = 0; base < nv; base += 2 * w) {
      const int stop = std::min(nv, base + 2 * w), mirror = 2 * base + 2 * w - 1;
      for (int i = std::max(base, mirror - nv + 1); i < base + w; ++i) {
        Vector<Key> high = partners<Key, Lanes<Key>::n - 1>(v[mirror - i]);
        order<Key>(v[i], high);
        v[mirror - i] = partners<Key, Lanes<Key>::n - 1>(high);
      }
      for (int d = w / 2; d; d /= 2)
        for (int i = base; i + d < stop; ++i)
          if (!((i - base) & d)) order<Key>(v[i], v[i + d]);
      for (int i = base; i < stop; ++i) v[i] = clean<Key>(v[i]);
    }
}

}  // namespace rows
#endif
