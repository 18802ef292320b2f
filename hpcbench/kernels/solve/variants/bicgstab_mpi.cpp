// /// hpcbench
// model = "mpi"
// summary = "BiCGSTAB, incomplete LU without fill of each rank's block from the right"
// source = "van der Vorst, SIAM J. Sci. Stat. Comput. 13(2), 1992"
// flags = ["-O3", "-march=native"]
// ///
#include "bicgstab.hpp"
#include "general_ranks.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *) { return solve::general_over_ranks<solve::Bicgstab>(in, 0); }
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) { return solve::run_everywhere(handle, in, out); }
extern "C" void solve_free(void *handle) { delete static_cast<solve::Handle *>(handle); }
