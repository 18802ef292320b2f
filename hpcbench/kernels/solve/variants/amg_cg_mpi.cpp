// /// hpcbench
// model = "mpi"
// summary = "conjugate gradients, V-cycle of smoothed aggregation on each rank's block"
// source = "Vanek, Mandel and Brezina, Computing 56, 1996"
// flags = ["-O3", "-march=native"]
// ///
#include "amg.hpp"
#include "ranks.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *) {
  return solve::distributed(in, [](const solve::Csr &a, const std::vector<double> &d, auto make) {
    solve::Hierarchy h(a, d, 1);
    const solve::Order order = h.order();
    const std::vector<double> scale = h.scale();
    return make(order, std::integral_constant<int, 8>{}, scale, std::move(h));
  });
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) { return solve::run_everywhere(handle, in, out); }
extern "C" void solve_free(void *handle) { delete static_cast<solve::Handle *>(handle); }
