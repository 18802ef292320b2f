/* Methods over ranks with a block of rows each: sums over all of them, and products with the whole matrix while the others'
 * entries of the vector are on their way. */
#ifndef SOLVE_RANKS_HPP
#define SOLVE_RANKS_HPP
#include <array>
#include <functional>
#include <tuple>

#include "blocks.hpp"
#include "pcg.hpp"

namespace solve {

/* One rank is to a method what a thread is, but has vectors of its own. */
struct Ranks {
  static constexpr int64_t me = 0, all = 1;
  void barrier() {}
  void refresh(bool, double *) {}
  double sum(double part) {
    MPI_Allreduce(MPI_IN_PLACE, &part, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    return part;
  }
  std::array<double, 2> sums(double one, double other) {
    std::array<double, 2> parts = {one, other};
    MPI_Allreduce(MPI_IN_PLACE, parts.data(), 2, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    return parts;
  }
  void sums(const double *parts, double *totals, size_t n) { MPI_Allreduce(parts, totals, int(n), MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD); }
};

/* q = S A S p of this rank's rows, at their places. */
template <int LANES> class Distributed {
 public:
  using L = Lane<LANES>;
  using Vector = typename L::Vector;

  Distributed(Block *block, const Order &order, const std::vector<double> &diagonal, const std::vector<double> &scale)
      : block_(block), order_(order), own_(block->own(), order, diagonal, scale), far_(block->far_data) {
    Fetch scales(block, [&](int32_t row) { return scale[size_t(row)]; });
    scales.wait();
    for (size_t r = 0; r < block->far_rows.size(); ++r)
      for (int64_t k = block->far_indptr[r]; k < block->far_indptr[r + 1]; ++k)
        far_[size_t(k)] *= scale[size_t(block->far_rows[r])] * block->inbox[size_t(block->far_indices[size_t(k)])];
  }

  double multiply(Ranks &, const double *p, double *q) {
    Fetch fetch(block_, [&](int32_t row) { return p[order_.place[size_t(row)]]; });
    Alone self;
    double dot = own_.multiply(self, p, q);
    fetch.wait();
    for (size_t r = 0; r < block_->far_rows.size(); ++r) {
      const double sum = block_->others(far_, r);
      const int32_t place = order_.place[size_t(block_->far_rows[r])];
      q[place] += sum, dot += p[place] * sum;
    }
    return dot;
  }

 private:
  Block *block_;
  const Order &order_;
  Whole<LANES> own_;
  std::vector<double> far_;
};

/* All ranks, for what a method does with the system itself. */
struct Everywhere {
  Block *block;
  double sum(double part) { return Ranks{}.sum(part); }
  int worst(int status) { return collective::agree(status); }
  double residual(const solve_in *in, const double *x, double *r) {
    Fetch fetch(block, [&](int32_t row) { return x[row]; });
    for (int64_t i = 0; i < in->nrows; ++i) {
      const int64_t k = block->indptr[size_t(i)];
      r[i] = in->b[i] - sparse::dot(block->data.data() + k, block->indices.data() + k, block->indptr[size_t(i) + 1] - k, x);
    }
    fetch.wait();
    for (size_t row = 0; row < block->far_rows.size(); ++row) r[block->far_rows[row]] -= block->others(block->far_data, row);
    return sum(squares(r, in->nrows));
  }
};

/* Conjugate gradients over all ranks; each preconditions its own block. */
template <int LANES, class Own> struct Shared : Method {
  Shared(Block *block, Order order, const std::vector<double> &diagonal, const std::vector<double> &scale, Own own)
      : Method(SOLVE_OK), order_(std::move(order)), a_(block, order_, diagonal, scale), own_(std::move(own)), cg_(&order_, scale) {}

  int iterate(const solve_in *, solve_out *out, double *r, Progress *progress, double) override {
    return cg_.run(Ranks{}, a_, own_, out, r, progress);
  }

 private:
  Order order_;
  Distributed<LANES> a_;
  Own own_;
  Pcg<LANES> cg_;
};

/* What setup returns under MPI. */
struct Handle {
  Block block;
  std::unique_ptr<Method> method;
};

/* A handle on all ranks, or NULL on all of them. `own(block, diagonal, make)`: this rank's part, without messages, which ends in
 * make(order, lanes, scale, preconditioner), or gives why it cannot. */
template <class Own> void *distributed(const solve_in *in, Own own) {
  return collective::together<Handle>([&](Handle *made) -> int {
    if (const int error = meet(own_rows(in), &made->block)) return error;
    std::vector<double> d;
    int status = diagonal(Everywhere{&made->block}, in, &d);
    std::function<std::unique_ptr<Method>()> finish; /* exchanges messages: only once all ranks have come so far */
    if (!status) {
      int mine = SOLVE_OK;
      const int error = collective::alone([&] {
        mine = own(made->block.own(), d, [&](Order order, auto lanes, std::vector<double> scale, auto preconditioner) -> int {
          using Kind = Shared<lanes, decltype(preconditioner)>;
          auto parts = std::make_shared<std::tuple<Order, std::vector<double>, decltype(preconditioner)>>(
              std::move(order), std::move(scale), std::move(preconditioner));
          finish = [&, parts]() -> std::unique_ptr<Method> {
            return std::make_unique<Kind>(&made->block, std::move(std::get<0>(*parts)), d, std::get<1>(*parts), std::move(std::get<2>(*parts)));
          };
          return SOLVE_OK;
        });
        return true;
      });
      if (error) return error;
      status = collective::agree(mine);
    }
    made->method = status ? std::make_unique<Refused>(status) : finish();
    return collective::kOk;
  });
}

inline int run_everywhere(void *handle, const solve_in *in, solve_out *out) {
  if (!handle) return SOLVE_NO_MEMORY; /* setup failed, on every rank */
  Handle *h = static_cast<Handle *>(handle);
  return h->method->run(Everywhere{&h->block}, in, out);
}

}  // namespace solve
#endif
