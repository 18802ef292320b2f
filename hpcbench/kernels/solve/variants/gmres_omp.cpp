// /// hpcbench
// model = "openmp"
// summary = "restarted GMRES, incomplete LU without fill from the right, blocks of rows shared by threads"
// source = "Saad and Schultz, SIAM J. Sci. Stat. Comput. 7(3), 1986"
// flags = ["-O3", "-march=native"]
// [params.RESTART]
// when = "build"
// default = 30
// values = [10, 30, 60]
// [params.SERIAL_BELOW]
// when = "build"
// default = 50000
// values = [0, 20000, 50000, 200000]
// ///
#include "gmres.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *) {
  const int64_t threads = in->nrows < SERIAL_BELOW ? 1 : omp_get_max_threads(); /* waking them takes as long as some iterations */
  return solve::general_setup<solve::Gmres>(in, threads, RESTART);
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return static_cast<solve::Method *>(handle)->run(in, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<solve::Method *>(handle); }
