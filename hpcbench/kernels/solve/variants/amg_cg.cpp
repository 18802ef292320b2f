// /// hpcbench
// model = "serial"
// summary = "conjugate gradients, V-cycle of smoothed aggregation with Gauss-Seidel sweeps, Galerkin products by gustavson"
// source = "Vanek, Mandel and Brezina, Computing 56, 1996"
// flags = ["-O3", "-march=native"]
// ///
#include "amg.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *) { return solve::amg_setup(in, 1); }
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return static_cast<solve::Method *>(handle)->run(in, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<solve::Method *>(handle); }
