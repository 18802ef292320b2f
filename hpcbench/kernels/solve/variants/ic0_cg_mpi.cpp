// /// hpcbench
// model = "mpi"
// summary = "conjugate gradients, incomplete Cholesky without fill of each rank's block"
// source = "Meijerink and van der Vorst, Math. Comp. 31(137), 1977"
// flags = ["-O3", "-march=native"]
// ///
#include "ic0.hpp"
#include "ranks.hpp"

extern "C" void *solve_setup(const solve_in *in, const void *) {
  return solve::distributed(in, [](const solve::Csr &a, const std::vector<double> &, auto make) {
    const auto with = [&](solve::Order order, auto lanes) {
      solve::Factor f;
      std::vector<int64_t> mirrored;
      if (!solve::mirror(a, &mirrored) || !solve::shifted(a, order, &f)) return int(SOLVE_INDEFINITE);
      auto scale = solve::inverse_roots(f.pivots);
      solve::Triangles<lanes> triangles(a, order, f, scale, mirrored);
      return make(std::move(order), lanes, std::move(scale), std::move(triangles));
    };
    return solve::in_levels(a, 1, with);
  });
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) { return solve::run_everywhere(handle, in, out); }
extern "C" void solve_free(void *handle) { delete static_cast<solve::Handle *>(handle); }
