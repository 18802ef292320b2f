// /// hpcbench
// model = "openmp"
// summary = "conjugate gradients, SSOR, a block of rows per thread from both ends, Eisenstat's trick"
// source = "Eisenstat, SIAM J. Sci. Stat. Comput. 2(1), 1981; the order: van der Vorst, Parallel Computing 5, 1987"
// flags = ["-O3", "-march=native", "-fno-math-errno"]
// params.omega = {when = "run", default = 1.5, low = 0.01, high = 1.99}
// [params.SERIAL_BELOW]
// when = "build"
// default = 50000
// values = [0, 20000, 50000, 200000]
// ///
#include "ssor.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *params) {
  const int64_t threads = in->nrows < SERIAL_BELOW ? 1 : omp_get_max_threads(); /* waking them takes as long as some iterations */
  return solve::ssor_setup(in, params, threads);
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return static_cast<solve::Method *>(handle)->run(in, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<solve::Method *>(handle); }
