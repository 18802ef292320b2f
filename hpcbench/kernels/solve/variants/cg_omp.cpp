// /// hpcbench
// model = "openmp"
// summary = "conjugate gradients on the matrix scaled by its diagonal"
// source = "Hestenes and Stiefel, J. Res. Nat. Bur. Standards 49(6), 1952"
// flags = ["-O3", "-march=native"]
// [params.SERIAL_BELOW]
// when = "build"
// default = 50000
// values = [0, 20000, 50000, 200000]
// ///
#include "cg.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *) {
  const int64_t threads = in->nrows < SERIAL_BELOW ? 1 : omp_get_max_threads(); /* waking them takes as long as some iterations */
  return solve::cg_setup(in, threads);
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return static_cast<solve::Method *>(handle)->run(in, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<solve::Method *>(handle); }
