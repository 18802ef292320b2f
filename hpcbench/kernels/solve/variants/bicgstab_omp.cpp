// /// hpcbench
// model = "openmp"
// summary = "BiCGSTAB, incomplete LU without fill from the right, blocks of rows shared by threads"
// source = "van der Vorst, SIAM J. Sci. Stat. Comput. 13(2), 1992"
// flags = ["-O3", "-march=native"]
// [params.SERIAL_BELOW]
// when = "build"
// default = 50000
// values = [0, 20000, 50000, 200000]
// ///
#include "bicgstab.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *) {
  const int64_t threads = in->nrows < SERIAL_BELOW ? 1 : omp_get_max_threads(); /* waking them takes as long as some iterations */
  return solve::general_setup<solve::Bicgstab>(in, threads, 0);
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return static_cast<solve::Method *>(handle)->run(in, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<solve::Method *>(handle); }
