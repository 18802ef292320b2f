// /// hpcbench
// model = "mpi"
// summary = "conjugate gradients on the matrix scaled by its diagonal, row blocks, halos exchanged while inner entries are multiplied"
// source = "Hestenes and Stiefel, J. Res. Nat. Bur. Standards 49(6), 1952"
// flags = ["-O3", "-march=native"]
// ///
#include "cg.hpp"
#include "ranks.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *) {
  return solve::distributed(in, [](const solve::Csr &a, const std::vector<double> &d, auto make) {
    return make(solve::natural(a, 8), std::integral_constant<int, 8>{}, solve::inverse_roots(d), solve::Identity{});
  });
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) { return solve::run_everywhere(handle, in, out); }
extern "C" void solve_free(void *handle) { delete static_cast<solve::Handle *>(handle); }
