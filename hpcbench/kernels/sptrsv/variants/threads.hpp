/* Solves in steps, by one thread or several. */
#ifndef SPTRSV_THREADS_HPP
#define SPTRSV_THREADS_HPP
#include "../../shared/team.hpp"
#include "steps.hpp"

namespace sptrsv {

/* One thread, and all steps in the order in which they were made. */
struct Alone : Solver {
  Alone(const Csr &a, const Order &order) : triangle(a, order) {}
  void run(const double *b, double *x) override {
    Triangle::Rows::Cursor from(triangle.part(0));
    triangle.solve(&from, triangle.part(0).last, b, x);
  }
  Triangle triangle;
};

inline std::unique_ptr<Solver> alone(const Csr &a, int64_t width) {
  const Steps steps = Assignment(a, 1).blocks(width);
  if (!suits(a, steps.order)) return std::make_unique<Plain>(a);
  return std::make_unique<Alone>(a, steps.order);
}

#ifdef _OPENMP
/* How far each thread is, counted on from run to run. */
class Counters {
 public:
  explicit Counters(size_t threads) : lines_(threads) {}
  void tell(int64_t thread, int64_t steps) { lines_[size_t(thread)].done.store(base_ + steps, std::memory_order_release); }
  void wait(const Wait &wait) const {
    const std::atomic<int64_t> &done = lines_[size_t(wait.thread)].done;
    for (int spins = 0; done.load(std::memory_order_acquire) < base_ + wait.steps; ++spins)
      if (spins > Meeting::kSpins) sched_yield(); /* more threads than processors */
  }
  void next(int64_t steps) { base_ += steps; }

 private:
  struct alignas(64) Line {
    std::atomic<int64_t> done{0};
  };
  std::vector<Line> lines_;
  int64_t base_ = 0;
};

class Threads : public Solver {
 public:
  /* Between turns all wait for all, or with `waits` each before a step for those that it needs. */
  Threads(const Csr &a, Steps steps, bool waits)
      : steps_(std::move(steps)), waits_(waits), triangle_(a, steps_.order), counters_(steps_.threads.size()), at_(steps_.threads.size()) {
    for (const auto &list : steps_.threads) most_ = std::max(most_, int64_t(list.size()));
  }

  void run(const double *b, double *x) override {
    const int64_t count = int64_t(steps_.threads.size());
    together(count, [&](auto team) {
      if (waits_ && team.all == count) by_waits(team.me, b, x);
      else by_turns(team, b, x);
      return 0;
    });
    counters_.next(most_);
  }

 private:
  void by_waits(int64_t me, const double *b, double *x) {
    Triangle::Rows::Cursor at(triangle_.part(me));
    int64_t done = 0;
    for (const Step &step : steps_.threads[size_t(me)]) {
      for (const Wait &wait : step.waits) counters_.wait(wait);
      triangle_.solve(&at, step.end, b, x);
      counters_.tell(me, ++done);
    }
  }

  template <class Crew> void by_turns(Crew &team, const double *b, double *x) {
    const int64_t count = int64_t(steps_.threads.size());
    for (int64_t t = team.me; t < count; t += team.all) at_[size_t(t)] = {Triangle::Rows::Cursor(triangle_.part(t)), 0};
    for (int64_t turn = 0; turn < steps_.turns; ++turn) {
      for (int64_t t = team.me; t < count; t += team.all) {
        At &at = at_[size_t(t)];
        const auto &list = steps_.threads[size_t(t)];
        if (at.step < list.size() && list[at.step].turn == turn) triangle_.solve(&at.cursor, list[at.step++].end, b, x);
      }
      team.barrier();
    }
  }

  struct alignas(64) At {
    Triangle::Rows::Cursor cursor{Part{}};
    size_t step = 0;
  };

  Steps steps_;
  bool waits_;
  Triangle triangle_;
  Counters counters_;
  std::vector<At> at_;
  int64_t most_ = 0;
};

constexpr double kGain = 0.9; /* of the time of one thread, at most */
constexpr double kLatency = 300, kBarrier = 600; /* in entries */

/* What is estimated to take least: whole blocks or shares of levels for each thread, or one thread alone. */
inline std::unique_ptr<Solver> several(const Csr &a, int64_t threads, int64_t width, int64_t least, bool waits) {
  if (threads == 1) return alone(a, width);
  const int64_t some = std::min<int64_t>(threads, Meeting::kMost);
  Steps best = Assignment(a, some).shares(least);
  double span = waits ? best.span(kLatency) : best.span(0) + kBarrier * double(best.turns);
  if (waits) {
    Steps blocks = Assignment(a, some).blocks(width);
    if (const double other = blocks.span(kLatency); other < span) best = std::move(blocks), span = other;
  }
  double whole = 0;
  for (const auto &list : best.threads)
    for (const Step &step : list) whole += step.cost;
  if (span > kGain * whole || !suits(a, best.order)) return alone(a, width);
  return std::make_unique<Threads>(a, std::move(best), waits);
}
#endif

}  // namespace sptrsv
#endif
