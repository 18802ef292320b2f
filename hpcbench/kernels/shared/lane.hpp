/* Several numbers at once, or one in their stead. */
#ifndef SHARED_LANE_HPP
#define SHARED_LANE_HPP
#include "dot.hpp"

namespace sweeps {

/* So many numbers at once. */
template <int LANES> struct Lane;
template <> struct Lane<8> {
  typedef double Vector __attribute__((vector_size(64)));
  typedef double Loose __attribute__((vector_size(64), aligned(8), may_alias));
  typedef float Narrow __attribute__((vector_size(32), aligned(4), may_alias));
  static Vector load(const double *from) { return *reinterpret_cast<const Loose *>(from); }
  static Vector load(const float *from) { return __builtin_convertvector(*reinterpret_cast<const Narrow *>(from), Vector); }
  static void store(double *to, Vector v) { *reinterpret_cast<Loose *>(to) = v; }
  static Vector all(double v) { return v - Vector{}; }
  static double sum(Vector v) { return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7])); }
};
template <> struct Lane<1> {
  typedef double Vector;
  static double load(const double *from) { return *from; }
  static double load(const float *from) { return *from; }
  static void store(double *to, double v) { *to = v; }
  static double all(double v) { return v; }
  static double sum(double v) { return v; }
};

template <int LANES> inline typename Lane<LANES>::Vector gather(const double *x, const int32_t *columns) {
#ifdef SPARSE_AVX512
  if constexpr (LANES == 8) return (typename Lane<LANES>::Vector)sparse::gather(x, columns);
#endif
  if constexpr (LANES == 1) return x[*columns];
  else {
    typename Lane<LANES>::Vector v;
    for (int l = 0; l < LANES; ++l) v[l] = x[columns[l]];
    return v;
  }
}

}  // namespace sweeps
#endif
