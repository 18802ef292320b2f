// /// hpcbench
// model = "mpi"
// summary = "successive over-relaxation, rows in colours over all ranks (two on grids), a message to each neighbour for every colour"
// source = "Young, Iterative Solution of Large Linear Systems, 1971, chapter 9; Adams and Ortega, Int. Conf. on Parallel Processing, 1982"
// flags = ["-O3", "-march=native"]
// params.omega = {when = "run", default = 1.8, low = 0.01, high = 1.99}
// ///
#include "sor.hpp"
#include "multicolour_ranks.hpp"

namespace {

struct SorByColour : solve::Sor<8> {
  SorByColour(const solve::Block &block, const solve::Csr &a, solve::Order order, const solve::Colours &colours, const std::vector<double> &d, double omega)
      : solve::Sor<8>(a, std::move(order), d, omega), team_(block, this->order(), colours) {}
  int iterate(const solve_in *, solve_out *out, double *natural, solve::Progress *progress, double) override {
    begin(natural);
    const int why = sweep(team_, progress);
    end(out);
    return why;
  }

 private:
  solve::ByColour team_;
};

int make(const solve_in *in, double omega, solve::Handle *made) {
  std::vector<double> d;
  if (const int error = solve::meet(solve::own_rows(in), &made->block)) return error;
  const int status = solve::diagonal(solve::Everywhere{&made->block}, in, &d);
  if (status == SOLVE_ZERO_DIAGONAL || status == SOLVE_BREAKDOWN) {
    made->method = std::make_unique<solve::Refused>(status);
    return collective::kOk;
  }
  solve::Colours colours;
  if (const int error = solve::colours(&made->block, in, &colours)) return error;
  return collective::alone([&] {
    const solve::Rows rows(made->block, 0);
    made->method = std::make_unique<SorByColour>(made->block, rows.view(), solve::by_colour(rows.view(), 8, colours), colours, d, omega);
    return true;
  });
}

}  // namespace

extern "C" void *solve_setup(const solve_in *in, const void *params) {
  const double omega = *static_cast<const double *>(params);
  return collective::together<solve::Handle>([&](solve::Handle *made) { return make(in, omega, made); });
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) { return solve::run_everywhere(handle, in, out); }
extern "C" void solve_free(void *handle) { delete static_cast<solve::Handle *>(handle); }
