/* Unknowns in colours over ranks with a block of rows each: no two neighbours have one colour, wherever they are. */
#ifndef SOLVE_MULTICOLOUR_RANKS_HPP
#define SOLVE_MULTICOLOUR_RANKS_HPP
#include "multicolour.hpp"
#include "ranks.hpp"

namespace solve {

/* What this rank needs: of each of its rows, and of each entry that is fetched. */
struct Colours {
  std::vector<int32_t> own, others;
  int count; /* over all ranks */
};

/* Rank by rank, row by row the first colour that no neighbour has: two on grids. Where a row needs another one's that does not need
 * it, both may have the same colour: it comes first. Exchanges messages. */
inline int colours(Block *block, const solve_in *in, Colours *found) {
  int error = collective::alone([&] { return found->own.assign(size_t(block->rows), -1), found->others.assign(block->inbox.size() - 1, -1), true; });
  for (int64_t rank = 0; !error && rank < in->ranks; ++rank) {
    error = collective::alone([&] {
      if (rank != in->rank) return true;
      size_t next = 0;
      first_fit(Pattern(block->own()).view(), &found->own, [&](size_t i, auto take) {
        if (next == block->far_rows.size() || size_t(block->far_rows[next]) != i) return;
        for (int64_t k = block->far_indptr[next]; k < block->far_indptr[next + 1]; ++k)
          take(found->others[size_t(block->far_indices[size_t(k)])]);
        ++next;
      });
      return true;
    });
    if (error) return error;
    Fetch fetch(block, [&](int32_t row) { return double(found->own[size_t(row)]); });
    fetch.wait();
    for (size_t k = 0; k < found->others.size(); ++k) found->others[k] = int32_t(block->inbox[k]);
  }
  if (error) return error;
  int last = -1;
  for (const int32_t c : found->own) last = std::max(last, int(c));
  found->count = collective::agree(last) + 1; /* the greatest */
  return collective::kOk;
}

/* Colour by colour, this rank's rows, then places for others' that are fetched. */
inline Order by_colour(const Csr &a, int64_t lanes, const Colours &colours) {
  const auto collect = [&](const std::vector<int32_t> &of) {
    std::vector<std::vector<int32_t>> rows(size_t(colours.count));
    for (size_t i = 0; i < of.size(); ++i) rows[size_t(of[i])].push_back(int32_t(i));
    return rows;
  };
  auto own = collect(colours.own);
  const auto others = collect(colours.others);
  Order o;
  o.place.resize(colours.own.size() + colours.others.size());
  const auto close = [&] { o.places = o.last = (int64_t(o.row.size()) + lanes - 1) / lanes * lanes, o.row.resize(size_t(o.places), -1); };
  for (size_t c = 0; c < own.size(); ++c) {
    const int64_t start = o.places, count = int64_t(own[c].size());
    for (int64_t i = 0; i < count; i += kWindow) alike(a, i, std::min(count, i + kWindow), &own[c]);
    for (const int32_t row : own[c]) o.place[size_t(row)] = int32_t(o.row.size()), o.row.push_back(row);
    close();
    o.stretches.push_back({start, o.places, {start, o.places}});
    for (const int32_t k : others[c]) o.place[colours.own.size() + size_t(k)] = int32_t(o.row.size()), o.row.push_back(-1);
    close();
  }
  return o;
}

/* Ranks that tell each other a colour's values as soon as they have them. */
class ByColour : public Ranks {
 public:
  ByColour(const Block &block, const Order &order, const Colours &colours) : trades_(size_t(colours.count)) {
    const size_t ranks = block.sent.size();
    for (Trade &trade : trades_) trade.sent.resize(ranks), trade.fetched.resize(ranks);
    for (size_t r = 0; r < ranks; ++r) {
      for (int k = block.sent_at[r]; k < block.sent_at[r + 1]; ++k) {
        const size_t row = size_t(block.sent_rows[size_t(k)]);
        Trade &trade = trades_[size_t(colours.own[row])];
        ++trade.sent[r], trade.out.push_back(order.place[row]);
      }
      for (int k = block.fetched_at[r]; k < block.fetched_at[r + 1]; ++k) {
        Trade &trade = trades_[size_t(colours.others[size_t(k)])];
        ++trade.fetched[r], trade.in.push_back(order.place[colours.own.size() + size_t(k)]);
      }
    }
    for (Trade &trade : trades_) {
      trade.sent_at = collective::starts(trade.sent), trade.fetched_at = collective::starts(trade.fetched);
      outbox_.resize(std::max(outbox_.size(), trade.out.size() + 1)), inbox_.resize(std::max(inbox_.size(), trade.in.size() + 1));
    }
  }

  size_t colours() const { return trades_.size(); }

  void tell(size_t colour, double *x) {
    const Trade &trade = trades_[colour];
    for (size_t k = 0; k < trade.out.size(); ++k) outbox_[k] = x[trade.out[k]];
    Exchange(trade, outbox_.data(), inbox_.data()).wait();
    for (size_t k = 0; k < trade.in.size(); ++k) x[trade.in[k]] = inbox_[k];
  }

 private:
  /* Of one colour: how many numbers for and from each rank, and their places. */
  struct Trade {
    std::vector<int> sent, sent_at, fetched, fetched_at;
    std::vector<int32_t> out, in;
  };
  struct Exchange : halo::Messages {
    Exchange(const Trade &trade, const double *outbox, double *inbox) {
      receive(inbox, trade.fetched, trade.fetched_at), send(outbox, trade.sent, trade.sent_at);
    }
  };
  std::vector<Trade> trades_;
  std::vector<double> outbox_, inbox_;
};

template <int LANES, class Work> void in_turn(ByColour &team, const Chunks<LANES> &half, bool, double *x, Work work) {
  for (size_t c = 0; c < team.colours(); ++c) work(half.part(int64_t(c))), team.tell(c, x);
}

}  // namespace solve
#endif
