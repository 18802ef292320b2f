/* Eisenstat's trick over ranks: solves with triangles of the whole matrix, in an order in which ranks seldom wait for each other. */
#ifndef SOLVE_TURNS_HPP
#define SOLVE_TURNS_HPP
#include "eisenstat.hpp"
#include "factor.hpp"
#include "ranks.hpp"

namespace solve {

/* What ranks know of each other before they choose pivots. */
struct Around {
  std::unique_ptr<Rows> rows;
  std::vector<double> diagonal;
  int64_t lower = 0, fetched = 0; /* how many rows are fetched, and of lower ranks, which come first */
  bool coupled = false;

  /* The entries of a vector of this rank's rows, and behind them those that are fetched. */
  std::vector<double> with_others(Block *block, const std::vector<double> &own) const {
    Fetch fetch(block, [&](int32_t row) { return own[size_t(row)]; });
    fetch.wait();
    std::vector<double> all(own.begin(), own.begin() + block->rows);
    all.insert(all.end(), block->inbox.begin(), block->inbox.begin() + fetched);
    return all;
  }
};

/* Ranks that solve with triangles of the whole matrix in turn, as threads do: each its inner rows, then those that need a lower
 * rank's, and the other way round. Vectors have places for what others compute. Where rows that come last need such rows of
 * another rank, ranks must wait for each other one by one. */
struct Neighbours : Ranks {
  Neighbours(Block *b, const Order *o, const Around &around) : block(b), order(o), coupled(around.coupled), lower(around.lower) {}

  Block *block;
  const Order *order;
  bool coupled;
  int64_t lower;

  /* Send to higher ranks and receive from lower ones, or the other way round: what y has there. */
  void send(bool up, double *y, std::vector<MPI_Request> *requests) {
    const int me_ = rank();
    for (int r = 0; r < int(block->sent.size()); ++r) {
      if ((r > me_) != up || r == me_ || !block->sent[size_t(r)]) continue;
      for (int k = block->sent_at[size_t(r)]; k < block->sent_at[size_t(r) + 1]; ++k)
        block->outbox[size_t(k)] = y[order->place[size_t(block->sent_rows[size_t(k)])]];
      requests->push_back(MPI_REQUEST_NULL);
      MPI_Isend(block->outbox.data() + block->sent_at[size_t(r)], block->sent[size_t(r)], MPI_DOUBLE, r, 1, MPI_COMM_WORLD, &requests->back());
    }
  }
  void receive(bool up, double *y, std::vector<MPI_Request> *requests) {
    const int me_ = rank();
    for (int r = 0; r < int(block->fetched.size()); ++r) {
      if ((r < me_) != up || r == me_ || !block->fetched[size_t(r)]) continue;
      double *to = y + (up ? block->fetched_at[size_t(r)] : order->last + block->fetched_at[size_t(r)] - lower);
      requests->push_back(MPI_REQUEST_NULL);
      MPI_Irecv(to, block->fetched[size_t(r)], MPI_DOUBLE, r, 1, MPI_COMM_WORLD, &requests->back());
    }
  }
  static void wait(std::vector<MPI_Request> *requests) {
    MPI_Waitall(int(requests->size()), requests->data(), MPI_STATUSES_IGNORE), requests->clear();
  }

  /* What lower ranks, or higher ones, have of y now. */
  void refresh(bool up, double *y) {
    std::vector<MPI_Request> requests;
    receive(up, y, &requests), send(up, y, &requests), wait(&requests);
  }

 private:
  static int rank() {
    int r;
    MPI_Comm_rank(MPI_COMM_WORLD, &r);
    return r;
  }
};

template <int LANES, class Work> void in_turn(Neighbours &team, const Chunks<LANES> &half, bool up, double *y, Work work) {
  std::vector<MPI_Request> requests;
  if (up) work(half.part(0));
  else if (team.coupled) team.receive(false, y, &requests), team.wait(&requests);
  if (!up) work(half.part(1));
  if (up || !team.coupled) team.receive(up, y, &requests);
  if (!up || !team.coupled) team.send(up, y, &requests);
  team.wait(&requests);
  work(half.part(up ? 1 : 0));
  if (up && team.coupled) team.send(true, y, &requests), team.wait(&requests);
}

template <int LANES> struct SplitOverRanks : Method {
  SplitOverRanks(const Around &around, Order order, const std::vector<double> &scale, Block *block)
      : Method(SOLVE_OK), order_(order), team_(block, &order_, around), cg_(around.rows->view(), std::move(order), around.diagonal, scale) {}
  int iterate(const solve_in *, solve_out *out, double *r, Progress *progress, double norm) override {
    return cg_.run(team_, out, r, progress, norm);
  }

 private:
  Order order_;
  Neighbours team_;
  Eisenstat<LANES> cg_;
};

inline int look_around(const solve_in *in, Block *block, Around *around) {
  const int error = collective::alone([&] {
    for (int64_t r = 0; r < in->ranks; ++r) (r < in->rank ? around->lower : around->fetched) += block->fetched[size_t(r)];
    around->fetched += around->lower;
    around->rows = std::make_unique<Rows>(*block, around->lower);
    return true;
  });
  if (error) return error;
  const auto &between = around->rows->between;
  const auto theirs = around->with_others(block, std::vector<double>(between.begin(), between.end()));
  int coupled = 0;
  for (int64_t k = 0; k < around->lower; ++k) coupled |= theirs[size_t(block->rows + k)] > 0;
  around->coupled = collective::agree(coupled) > 0;
  return collective::kOk;
}

template <int LANES>
std::unique_ptr<Method> split_over_ranks(const Around &around, Block *block, Order order, const std::vector<double> &pivots) {
  const auto scale = inverse_roots(around.with_others(block, pivots));
  return std::make_unique<SplitOverRanks<LANES>>(around, std::move(order), scale, block);
}

/* make(order, lanes) in an order of all ranks together. */
template <class Make> auto in_turns(const solve_in *in, const Around &around, Make make) {
  const Csr a = around.rows->view();
  const auto levels = [&](int64_t lanes) {
    return Levels(a, lanes, around.rows->between, in->rank % 2 == 1, around.lower, around.fetched - around.lower).take();
  };
  Order order = levels(8);
  if (double(order.places) <= kPadded * double(a.nrows + around.fetched)) return make(std::move(order), std::integral_constant<int, 8>{});
  return make(levels(1), std::integral_constant<int, 1>{});
}

/* Pivots of an incomplete Cholesky factorization that keeps A's own triangles, in the order of all ranks together; false on all
 * of them where it would not keep them as far as ranks see their own rows, or no shift of the diagonal makes pivots positive. */
inline bool pivots_over_ranks(const Around &around, Block *block, const Order &order, std::vector<double> *pivots) {
  const Csr a = around.rows->view();
  Neighbours team(block, &order, around);
  std::vector<double> y(size_t(order.places));
  std::vector<MPI_Request> requests;
  const auto tell = [&](const Factor &f) {
    for (int64_t i = 0; i < a.nrows; ++i) y[size_t(order.place[size_t(i)])] = f.pivots[size_t(i)];
    team.send(true, y.data(), &requests);
  };
  for (double shift = 0; shift <= kLargestShift; shift = shift > 0 ? 2 * shift : kFirstShift) {
    Factor f;
    begin(a, order, around.fetched, &f);
    bool right = factorize(a, order, 0, shift, &f);
    if (!around.coupled) tell(f);
    team.receive(true, y.data(), &requests), team.wait(&requests);
    for (int64_t k = 0; k < around.lower; ++k) f.pivots[size_t(a.nrows + k)] = y[size_t(k)];
    right = factorize(a, order, 1, shift, &f) && right;
    if (around.coupled) tell(f), team.wait(&requests);
    if (collective::agree(!f.plain)) return false;
    *pivots = f.pivots;
    if (!collective::agree(!right)) return true;
  }
  return false;
}

/* A handle on all ranks, or NULL on all of them; make(block, around, order, lanes) exchanges messages. */
template <class Make> void *over_ranks(const solve_in *in, Make make) {
  return collective::together<Handle>([&](Handle *made) -> int {
    Around around;
    if (const int error = meet(own_rows(in), &made->block)) return error;
    if (const int error = look_around(in, &made->block, &around)) return error;
    if (const int status = diagonal(Everywhere{&made->block}, in, &around.diagonal)) made->method = std::make_unique<Refused>(status);
    else made->method = in_turns(in, around, [&](Order order, auto lanes) { return make(&made->block, around, std::move(order), lanes); });
    return collective::kOk;
  });
}

}  // namespace solve
#endif
