/* Conjugate gradients without a preconditioner but the diagonal. */
#ifndef SOLVE_CG_HPP
#define SOLVE_CG_HPP
#include "method.hpp"
#include "pcg.hpp"

namespace solve {

struct Plain : Method {
  Plain(const Csr &a, const std::vector<double> &diagonal, const std::vector<double> &scale, int64_t threads)
      : Method(SOLVE_OK), threads_(threads), order_(natural(a, 8, threads)), a_(a, order_, diagonal, scale), cg_(&order_, scale) {}
  int iterate(const solve_in *, solve_out *out, double *r, Progress *progress, double) override {
    Identity none;
    return together(threads_, [&](auto team) { return cg_.run(team, a_, none, out, r, progress); });
  }

 private:
  int64_t threads_;
  Order order_;
  Whole<8> a_;
  Pcg<8> cg_;
};

inline void *cg_setup(const solve_in *in, int64_t threads) {
  return made([&]() -> std::unique_ptr<Method> {
    std::vector<double> d;
    if (const int status = diagonal(in, &d)) return std::make_unique<Refused>(status);
    return std::make_unique<Plain>(matrix(in), d, inverse_roots(d), threads);
  });
}

}  // namespace solve
#endif
