// /// hpcbench
// model = "mpi"
// summary = "restarted GMRES, incomplete LU without fill of each rank's block from the right"
// source = "Saad and Schultz, SIAM J. Sci. Stat. Comput. 7(3), 1986"
// flags = ["-O3", "-march=native"]
// [params.RESTART]
// when = "build"
// default = 30
// values = [10, 30, 60]
// ///
#include "gmres.hpp"
#include "general_ranks.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *) { return solve::general_over_ranks<solve::Gmres>(in, RESTART); }
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) { return solve::run_everywhere(handle, in, out); }
extern "C" void solve_free(void *handle) { delete static_cast<solve::Handle *>(handle); }
