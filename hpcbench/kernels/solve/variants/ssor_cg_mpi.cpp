// /// hpcbench
// model = "mpi"
// summary = "conjugate gradients, SSOR of the whole matrix in an order in which ranks seldom wait for each other, Eisenstat's trick"
// source = "Eisenstat, SIAM J. Sci. Stat. Comput. 2(1), 1981; the order: van der Vorst, Parallel Computing 5, 1987"
// flags = ["-O3", "-march=native", "-fno-math-errno"]
// params.omega = {when = "run", default = 1.5, low = 0.01, high = 1.99}
// ///
#include "turns.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *params) {
  const double omega = *static_cast<const double *>(params);
  return solve::over_ranks(in, [omega](solve::Block *block, const solve::Around &around, solve::Order order, auto lanes) {
    std::vector<double> pivots(around.diagonal);
    for (double &pivot : pivots) pivot /= omega;
    return solve::split_over_ranks<lanes>(around, block, std::move(order), pivots);
  });
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) { return solve::run_everywhere(handle, in, out); }
extern "C" void solve_free(void *handle) { delete static_cast<solve::Handle *>(handle); }
