// /// hpcbench
// model = "openmp"
// summary = "conjugate gradients, incomplete Cholesky without fill, a block of rows per thread from both ends; Eisenstat's trick where it holds"
// source = "Meijerink and van der Vorst, Math. Comp. 31(137), 1977; the order: van der Vorst, Parallel Computing 5, 1987"
// flags = ["-O3", "-march=native", "-fno-math-errno"]
// [params.SERIAL_BELOW]
// when = "build"
// default = 50000
// values = [0, 20000, 50000, 200000]
// ///
#include "ic0.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *) {
  const int64_t threads = in->nrows < SERIAL_BELOW ? 1 : omp_get_max_threads(); /* waking them takes as long as some iterations */
  return solve::ic0_setup(in, threads);
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return static_cast<solve::Method *>(handle)->run(in, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<solve::Method *>(handle); }
