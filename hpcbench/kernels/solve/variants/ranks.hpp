/* Ranks with a block of rows each: sums over all of them, and products with the whole matrix while the others' entries of the
 * vector are on their way. */
#ifndef SOLVE_RANKS_HPP
#define SOLVE_RANKS_HPP
#include <limits.h>

#include <array>
#include <functional>
#include <tuple>

#include "../../shared/collective.hpp"
#include "../../shared/columns.hpp"
#include "method.hpp"
#include "pcg.hpp"

namespace solve {

/* One rank is to a method what a thread is, but has vectors of its own. */
struct Ranks {
  static constexpr int64_t me = 0, all = 1;
  void barrier() {}
  void refresh(double *) {}
  double sum(double part) {
    MPI_Allreduce(MPI_IN_PLACE, &part, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    return part;
  }
  std::array<double, 2> sums(double one, double other) {
    std::array<double, 2> parts = {one, other};
    MPI_Allreduce(MPI_IN_PLACE, parts.data(), 2, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    return parts;
  }
};

/* A block of rows in two: entries in columns of its own rows, counted from the first of them, and all others, in columns of what
 * is fetched. */
struct Block {
  int64_t rows = 0;
  std::vector<int64_t> indptr = {0}, far_indptr = {0};
  std::vector<int32_t> indices, far_indices, far_rows; /* rows with entries of both kinds */
  std::vector<double> data, far_data;
  std::vector<int32_t> sent_rows; /* what others fetch, rank by rank */
  std::vector<int> sent, sent_at, fetched, fetched_at;
  std::vector<double> outbox, inbox;

  Csr own() const { return {rows, rows, indptr.data(), indices.data(), data.data()}; }
};

inline void split(const solve_in *in, Block *block) {
  const int64_t first = in->offsets[in->rank];
  block->rows = in->nrows;
  for (int64_t i = 0; i < in->nrows; ++i) {
    for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; ++k) {
      const int64_t column = in->indices[k] - first;
      const bool own = column >= 0 && column < in->nrows;
      (own ? block->indices : block->far_indices).push_back(own ? int32_t(column) : in->indices[k]);
      (own ? block->data : block->far_data).push_back(in->data[k]);
    }
    block->indptr.push_back(int64_t(block->indices.size()));
    if (int64_t(block->far_indices.size()) == block->far_indptr.back()) continue;
    block->far_rows.push_back(int32_t(i)), block->far_indptr.push_back(int64_t(block->far_indices.size()));
  }
}

/* The block of this rank, and who sends what to whom. */
inline int meet(const solve_in *in, Block *block) {
  const size_t ranks = size_t(in->ranks);
  std::vector<int32_t> wanted;
  int error = collective::alone([&] {
    block->fetched.resize(ranks), block->sent.resize(ranks);
    split(in, block);
    columns::Set outside(in->order);
    for (const int32_t c : block->far_indices) outside.add(c);
    outside.count();
    for (int32_t &c : block->far_indices) c = outside.number(c);
    wanted = columns::by_owner(outside, in->offsets, &block->fetched);
    block->fetched_at = collective::starts(block->fetched), block->inbox.resize(wanted.size() + 1);
    return true;
  });
  if (error) return error;
  MPI_Alltoall(block->fetched.data(), 1, MPI_INT, block->sent.data(), 1, MPI_INT, MPI_COMM_WORLD);
  error = collective::alone([&] {
    if (std::accumulate(block->sent.begin(), block->sent.end(), int64_t(0)) > INT_MAX) return false;
    block->sent_at = collective::starts(block->sent);
    block->sent_rows.resize(size_t(block->sent_at.back()) + 1), block->outbox.resize(block->sent_rows.size());
    return true;
  });
  if (error) return error;
  collective::exchange(wanted.data(), block->fetched, block->fetched_at, block->sent_rows.data(), block->sent, block->sent_at, MPI_INT32_T);
  return collective::kOk;
}

/* Other ranks' entries of a vector, which `at` gives for this rank's rows, on their way into the inbox. */
class Fetch {
 public:
  template <class At> Fetch(Block *block, At at) {
    for (size_t r = 0; r < block->fetched.size(); ++r)
      if (block->fetched[r])
        MPI_Irecv(block->inbox.data() + block->fetched_at[r], block->fetched[r], MPI_DOUBLE, int(r), 0, MPI_COMM_WORLD, request());
    for (size_t r = 0; r < block->sent.size(); ++r) {
      for (int k = block->sent_at[r]; k < block->sent_at[r + 1]; ++k) block->outbox[size_t(k)] = at(block->sent_rows[size_t(k)]);
      if (block->sent[r])
        MPI_Isend(block->outbox.data() + block->sent_at[r], block->sent[r], MPI_DOUBLE, int(r), 0, MPI_COMM_WORLD, request());
    }
  }
  void wait() { MPI_Waitall(int(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE); }

 private:
  MPI_Request *request() { return requests_.push_back(MPI_REQUEST_NULL), &requests_.back(); }
  std::vector<MPI_Request> requests_;
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
      double sum = 0;
      for (int64_t k = block_->far_indptr[r]; k < block_->far_indptr[r + 1]; ++k)
        sum += far_[size_t(k)] * block_->inbox[size_t(block_->far_indices[size_t(k)])];
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
      double rest = in->b[i];
      for (int64_t k = block->indptr[size_t(i)]; k < block->indptr[size_t(i) + 1]; ++k)
        rest -= block->data[size_t(k)] * x[block->indices[size_t(k)]];
      r[i] = rest;
    }
    fetch.wait();
    for (size_t row = 0; row < block->far_rows.size(); ++row)
      for (int64_t k = block->far_indptr[row]; k < block->far_indptr[row + 1]; ++k)
        r[block->far_rows[row]] -= block->far_data[size_t(k)] * block->inbox[size_t(block->far_indices[size_t(k)])];
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
    if (const int error = meet(in, &made->block)) return error;
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
