/* SSOR as a preconditioner of conjugate gradients. */
#ifndef SOLVE_SSOR_HPP
#define SOLVE_SSOR_HPP
#include "method.hpp"

namespace solve {

inline void *ssor_setup(const solve_in *in, const void *params, int64_t threads) {
  const double omega = *static_cast<const double *>(params);
  return made([&]() -> std::unique_ptr<Method> {
    std::vector<double> d;
    if (const int status = diagonal(in, &d)) return std::make_unique<Refused>(status);
    std::vector<double> pivots(d);
    for (double &pivot : pivots) pivot /= omega;
    const Csr a = matrix(in);
    const auto scale = inverse_roots(std::move(pivots));
    return in_levels(a, threads, [&](Order order, auto lanes) -> std::unique_ptr<Method> {
      return std::make_unique<Split<lanes>>(a, std::move(order), d, scale);
    });
  });
}

}  // namespace solve
#endif
