// /// hpcbench
// model = "serial"
// summary = "BiCGSTAB, incomplete LU without fill from the right"
// source = "van der Vorst, SIAM J. Sci. Stat. Comput. 13(2), 1992"
// flags = ["-O3", "-march=native"]
// ///
#include "bicgstab.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *) {
  return solve::general_setup<solve::Bicgstab>(in, 1, 0);
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return static_cast<solve::Method *>(handle)->run(in, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<solve::Method *>(handle); }
