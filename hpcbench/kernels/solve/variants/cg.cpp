// /// hpcbench
// model = "serial"
// summary = "conjugate gradients on the matrix scaled by its diagonal"
// source = "Hestenes and Stiefel, J. Res. Nat. Bur. Standards 49(6), 1952"
// flags = ["-O3", "-march=native"]
// ///
#include "cg.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *) { return solve::cg_setup(in, 1); }
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return static_cast<solve::Method *>(handle)->run(in, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<solve::Method *>(handle); }
