// /// hpcbench
// model = "mpi"
// summary = "conjugate gradients, V-cycle of smoothed aggregation over ranks"
// source = "Vanek, Mandel and Brezina, Computing 56, 1996"
// flags = ["-O3", "-march=native"]
// ///
#include "amg_ranks.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *) { return solve::amg_over_ranks(in); }
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) { return solve::run_everywhere(handle, in, out); }
extern "C" void solve_free(void *handle) { delete static_cast<solve::Handle *>(handle); }
