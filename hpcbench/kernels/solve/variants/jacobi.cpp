// /// hpcbench
// model = "serial"
// summary = "Jacobi's method, damped"
// source = "Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM, 2003, section 4.1"
// flags = ["-O3", "-march=native"]
// params.omega = {when = "run", default = 0.8, low = 0.01, high = 1.99}
// ///
#include "jacobi.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *params) {
  const double omega = *static_cast<const double *>(params);
  return solve::by_diagonal(in, [omega](const solve::Csr &a, const std::vector<double> &d) {
    return std::make_unique<solve::Jacobi>(a, d, solve::inverse_root_sizes(d), omega, 1);
  });
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return static_cast<solve::Method *>(handle)->run(in, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<solve::Method *>(handle); }
