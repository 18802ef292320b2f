// /// hpcbench
// model = "serial"
// summary = "successive over-relaxation, rows in their own order, eight of a level side by side"
// source = "Young, Trans. Amer. Math. Soc. 76, 1954"
// flags = ["-O3", "-march=native"]
// params.omega = {when = "run", default = 1.8, low = 0.01, high = 1.99}
// ///
#include "pattern.hpp"
#include "sor.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *params) {
  const double omega = *static_cast<const double *>(params);
  return solve::by_diagonal(in, [omega](const solve::Csr &a, const std::vector<double> &d) {
    const solve::Pattern pattern(a); /* rows side by side read nothing of each other in either direction */
    return solve::in_levels(pattern.view(), 1, [&](solve::Order order, auto lanes) -> std::unique_ptr<solve::Method> {
      return std::make_unique<solve::Sor<lanes>>(a, std::move(order), d, omega);
    });
  });
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return static_cast<solve::Method *>(handle)->run(in, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<solve::Method *>(handle); }
