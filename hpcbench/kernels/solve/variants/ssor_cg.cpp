// /// hpcbench
// model = "serial"
// summary = "conjugate gradients, SSOR, eight unknowns of a level side by side, Eisenstat's trick; systems with hubs with the shortest rows first"
// source = "Eisenstat, SIAM J. Sci. Stat. Comput. 2(1), 1981; levels: Anderson and Saad, Int. J. High Speed Comput. 1(1), 1989"
// flags = ["-O3", "-march=native", "-fno-math-errno"]
// params.omega = {when = "run", default = 1.5, low = 0.01, high = 1.99}
// ///
#include "ssor.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *params) { return solve::ssor_setup(in, params, 1); }
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return static_cast<solve::Method *>(handle)->run(in, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<solve::Method *>(handle); }
