// /// hpcbench
// model = "openmp"
// summary = "conjugate gradients, V-cycle of smoothed aggregation, Gauss-Seidel sweeps over a block of rows per thread"
// source = "Vanek, Mandel and Brezina, Computing 56, 1996"
// flags = ["-O3", "-march=native"]
// [params.SERIAL_BELOW]
// when = "build"
// default = 50000
// values = [0, 20000, 50000, 200000]
// ///
#include "amg.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *) {
  const int64_t threads = in->nrows < SERIAL_BELOW ? 1 : omp_get_max_threads(); /* waking them takes as long as some iterations */
  return solve::amg_setup(in, threads);
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return static_cast<solve::Method *>(handle)->run(in, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<solve::Method *>(handle); }
