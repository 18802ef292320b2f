// /// hpcbench
// model = "mpi"
// summary = "successive over-relaxation of the whole matrix, symmetric positive definite, in an order in which ranks seldom wait for each other"
// source = "Young, Trans. Amer. Math. Soc. 76, 1954; the order: van der Vorst, Parallel Computing 5, 1987"
// flags = ["-O3", "-march=native"]
// params.omega = {when = "run", default = 1.8, low = 0.01, high = 1.99}
// ///
#include "sor.hpp"
#include "turns.hpp"

namespace {

template <int LANES> struct SorOverRanks : solve::Sor<LANES> {
  SorOverRanks(const solve::Around &around, solve::Block *block, solve::Order order, double omega)
      : solve::Sor<LANES>(around.rows->view(), std::move(order), around.diagonal, omega), team_(block, &this->order(), around) {}
  int iterate(const solve_in *, solve_out *out, double *natural, solve::Progress *progress, double) override {
    this->begin(natural);
    const int why = this->sweep(team_, progress);
    this->end(out);
    return why;
  }

 private:
  solve::Neighbours team_;
};

}  // namespace

extern "C" void *solve_setup(const solve_in *in, const void *params) {
  const double omega = *static_cast<const double *>(params);
  return solve::over_ranks(in, [omega](solve::Block *block, const solve::Around &around, solve::Order order, auto lanes) -> std::unique_ptr<solve::Method> {
    return std::make_unique<SorOverRanks<lanes>>(around, block, std::move(order), omega);
  });
}
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) { return solve::run_everywhere(handle, in, out); }
extern "C" void solve_free(void *handle) { delete static_cast<solve::Handle *>(handle); }
