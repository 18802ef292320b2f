// /// hpcbench
// model = "mpi"
// summary = "conjugate gradients, incomplete Cholesky without fill: of the whole matrix where it keeps the matrix's own triangles, else of each rank's block"
// source = "Meijerink and van der Vorst, Math. Comp. 31(137), 1977; the order: van der Vorst, Parallel Computing 5, 1987"
// flags = ["-O3", "-march=native", "-fno-math-errno"]
// ///
#include "ic0.hpp"
#include "turns.hpp"

/* What one rank makes of its own block. */
static void *of_blocks(const solve_in *in) {
  return solve::distributed(in, [](const solve::Csr &a, const std::vector<double> &, auto make) {
    solve::Factor f;
    if (!solve::shifted(a, solve::natural(a, 1), &f)) return int(SOLVE_INDEFINITE);
    auto scale = solve::inverse_roots(f.pivots);
    solve::in_roots(scale, &f.lower);
    return solve::in_levels(a, 1, [&](solve::Order order, auto lanes) {
      solve::Triangles<lanes> triangles(f.lower.view(), order);
      return make(std::move(order), lanes, std::move(scale), std::move(triangles));
    });
  });
}

extern "C" void *solve_setup(const solve_in *in, const void *) {
  bool kept = true;
  void *made = solve::over_ranks(in, [&kept](solve::Block *block, const solve::Around &around, solve::Order order, auto lanes) {
    std::vector<double> pivots;
    kept = solve::pivots_over_ranks(around, block, order, &pivots);
    return kept ? solve::split_over_ranks<lanes>(around, block, std::move(order), pivots) : nullptr;
  });
  if (kept) return made;
  delete static_cast<solve::Handle *>(made);
  return of_blocks(in);
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) { return solve::run_everywhere(handle, in, out); }
extern "C" void solve_free(void *handle) { delete static_cast<solve::Handle *>(handle); }
