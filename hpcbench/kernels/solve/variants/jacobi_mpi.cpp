// /// hpcbench
// model = "mpi"
// summary = "Jacobi's method, damped, row blocks, halos exchanged while inner entries are multiplied"
// source = "Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM, 2003, section 4.1"
// flags = ["-O3", "-march=native"]
// params.omega = {when = "run", default = 0.8, low = 0.01, high = 1.99}
// ///
#include "jacobi.hpp"
#include "ranks.hpp"

namespace {

struct JacobiOverRanks : solve::Method {
  /* Exchanges messages. */
  JacobiOverRanks(solve::Block *block, solve::Order order, const std::vector<double> &d, const std::vector<double> &scale, double omega)
      : Method(SOLVE_OK), order_(std::move(order)), a_(block, order_, d, scale), method_(&order_, d, scale, omega) {}
  int iterate(const solve_in *, solve_out *out, double *r, solve::Progress *progress, double) override {
    return method_.run(solve::Ranks{}, a_, out, r, progress);
  }

 private:
  solve::Order order_;
  solve::Distributed<8> a_;
  solve::Relaxation<8> method_;
};

}  // namespace

extern "C" void *solve_setup(const solve_in *in, const void *params) {
  const double omega = *static_cast<const double *>(params);
  return collective::together<solve::Handle>([&](solve::Handle *made) -> int {
    std::vector<double> d;
    if (const int error = solve::meet(solve::own_rows(in), &made->block)) return error;
    const int status = solve::diagonal(solve::Everywhere{&made->block}, in, &d);
    if (status == SOLVE_ZERO_DIAGONAL || status == SOLVE_BREAKDOWN) made->method = std::make_unique<solve::Refused>(status);
    else made->method = std::make_unique<JacobiOverRanks>(&made->block, solve::natural(made->block.own(), 8), d, solve::inverse_root_sizes(d), omega);
    return collective::kOk;
  });
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) { return solve::run_everywhere(handle, in, out); }
extern "C" void solve_free(void *handle) { delete static_cast<solve::Handle *>(handle); }
