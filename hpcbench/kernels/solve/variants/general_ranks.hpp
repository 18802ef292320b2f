/* Krylov methods over ranks; each preconditions its own block. */
#ifndef SOLVE_GENERAL_RANKS_HPP
#define SOLVE_GENERAL_RANKS_HPP
#include "ilu0.hpp"
#include "ranks.hpp"

namespace solve {

template <int LANES, class Krylov> struct GeneralOverRanks : Method {
  /* Exchanges messages. */
  GeneralOverRanks(Block *block, Order order, Ilu0<LANES> m, int64_t restart)
      : Method(SOLVE_OK),
        order_(std::move(order)),
        a_(block, order_, diagonal_of(block->own()), std::vector<double>(size_t(block->rows), 1.0)),
        m_(std::move(m)),
        krylov_(order_.places, restart) {}
  int iterate(const solve_in *, solve_out *out, double *natural, Progress *progress, double) override {
    return correct<LANES>(Ranks{}, order_, krylov_, a_, m_, out, natural, progress);
  }

 private:
  Order order_;
  Distributed<LANES> a_;
  Ilu0<LANES> m_;
  Krylov krylov_;
};

template <template <int> class Krylov> void *general_over_ranks(const solve_in *in, int64_t restart) {
  return collective::together<Handle>([&](Handle *made) -> int {
    if (const int error = meet(own_rows(in), &made->block)) return error;
    Block *block = &made->block;
    std::function<std::unique_ptr<Method>()> finish;
    const int error = collective::alone([&] {
      const Csr a = block->own();
      const Pattern both(a);
      finish = in_levels(both.view(), 1, [&](Order order, auto lanes) -> std::function<std::unique_ptr<Method>()> {
        auto m = std::make_shared<Ilu0<lanes>>(a, order, LowerUpper(a, order));
        return [=] { return std::make_unique<GeneralOverRanks<lanes, Krylov<lanes>>>(block, order, std::move(*m), restart); };
      });
      return true;
    });
    if (!error) made->method = finish();
    return error;
  });
}

}  // namespace solve
#endif
