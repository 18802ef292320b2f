/* SSOR as a preconditioner of conjugate gradients. */
#ifndef SOLVE_SSOR_HPP
#define SOLVE_SSOR_HPP
#include "hubs.hpp"

namespace solve {

inline void *ssor_setup(const solve_in *in, const void *params, int64_t threads) {
  const double omega = *static_cast<const double *>(params);
  return made([&]() -> std::unique_ptr<Method> {
    std::vector<double> d;
    if (const int status = diagonal(in, &d)) return std::make_unique<Refused>(status);
    return with_hubs_last(matrix(in), d, [&](const Csr &a, const std::vector<double> &own) {
      return in_levels(a, threads, [&](Order order, auto lanes) -> std::unique_ptr<Method> {
        std::vector<double> pivots(own);
        for (double &pivot : pivots) pivot /= omega;
        return std::make_unique<Split<lanes>>(a, std::move(order), own, inverse_roots(std::move(pivots)));
      });
    });
  });
}

}  // namespace solve
#endif
