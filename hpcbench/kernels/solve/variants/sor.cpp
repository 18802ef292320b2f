// /// hpcbench
// model = "serial"
// summary = "successive over-relaxation, rows in their own order, eight of a level side by side"
// source = "Young, Trans. Amer. Math. Soc. 76, 1954"
// flags = ["-O3", "-march=native"]
// params.omega = {when = "run", default = 1.8, low = 0.01, high = 1.99}
// ///
#include "sor.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *params) {
  return solve::sor_setup(in, *static_cast<const double *>(params));
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return static_cast<solve::Method *>(handle)->run(in, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<solve::Method *>(handle); }
