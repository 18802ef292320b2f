// /// hpcbench
// model = "openmp"
// summary = "successive over-relaxation, threads share the rows of a colour, red and black where two are enough"
// source = "Young, Iterative Solution of Large Linear Systems, 1971, chapter 9; Adams and Ortega, Int. Conf. on Parallel Processing, 1982"
// flags = ["-O3", "-march=native"]
// params.omega = {when = "run", default = 1.8, low = 0.01, high = 1.99}
// [params.SERIAL_BELOW]
// when = "build"
// default = 50000
// values = [0, 20000, 50000, 200000]
// ///
#include "multicolour.hpp"
#include "sor.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *params) {
  const int64_t threads = in->nrows < SERIAL_BELOW ? 1 : omp_get_max_threads(); /* waking them takes as long as some iterations */
  const double omega = *static_cast<const double *>(params);
  return solve::by_diagonal(in, [omega, threads](const solve::Csr &a, const std::vector<double> &d) {
    return std::make_unique<solve::Sor<8>>(a, solve::by_colour(a, 8, threads), d, omega);
  });
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return static_cast<solve::Method *>(handle)->run(in, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<solve::Method *>(handle); }
