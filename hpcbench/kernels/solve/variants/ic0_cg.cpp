// /// hpcbench
// model = "serial"
// summary = "conjugate gradients, incomplete Cholesky without fill, eight unknowns of a level side by side; Eisenstat's trick where no neighbours are neighbours of each other; systems with hubs with the shortest rows first"
// source = "Meijerink and van der Vorst, Math. Comp. 31(137), 1977; Eisenstat, SIAM J. Sci. Stat. Comput. 2(1), 1981"
// flags = ["-O3", "-march=native", "-fno-math-errno"]
// ///
#include "ic0.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *) { return solve::ic0_setup(in, 1); }
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return static_cast<solve::Method *>(handle)->run(in, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<solve::Method *>(handle); }
