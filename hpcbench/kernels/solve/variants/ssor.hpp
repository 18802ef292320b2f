/* SSOR as a preconditioner of conjugate gradients. */
#ifndef SOLVE_SSOR_HPP
#define SOLVE_SSOR_HPP
#include "method.hpp"

namespace solve {

inline void *ssor_setup(const solve_in *in, const void *params, int64_t threads) {
  const double omega = *static_cast<const double *>(params);
  return made([&] {
    std::vector<double> pivots;
    const int status = diagonal(in, &pivots);
    for (double &d : pivots) d /= omega;
    return split(in, std::move(pivots), status, threads);
  });
}

}  // namespace solve
#endif
