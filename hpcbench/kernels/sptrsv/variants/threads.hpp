/* Solves in steps, by one thread or several. */
#ifndef SPTRSV_THREADS_HPP
#define SPTRSV_THREADS_HPP
#include <chrono>
#include <limits>
#include <memory>

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

/* Keeps what takes least time of what it is given, or the one that is wanted: 0 is the first. */
class Trial {
 public:
  Trial(const sptrsv_in *in, int64_t wanted) : b_(in->b), x_(memory::array<double>(in->nrows)), wanted_(wanted) {}

  void take(std::unique_ptr<Solver> solver) {
    const double least = wanted_ < 0 ? time(solver.get()) : double(count_ != wanted_);
    if (!best_ || least < kClear * least_) best_ = std::move(solver), least_ = least;
    ++count_;
  }
  std::unique_ptr<Solver> best() { return std::move(best_); }

 private:
  /* Of the fastest of some runs: a processor that has met a triangle often knows where its rows end. */
  double time(Solver *solver) {
    const auto now = [] { return std::chrono::steady_clock::now(); };
    double least = std::numeric_limits<double>::infinity(), all = 0;
    for (int k = 0; k < kTimes || all < kSeconds; ++k) {
      const auto begun = now();
      solver->run(b_, x_.get());
      const double spent = std::chrono::duration<double>(now() - begun).count();
      least = std::min(least, spent), all += spent + 1e-7;
    }
    return least;
  }

  static constexpr int kTimes = 4;
  static constexpr double kSeconds = 3e-3;
  static constexpr double kClear = 0.95; /* of the time of what was simpler */
  const double *b_;
  memory::Array<double> x_;
  int64_t wanted_, count_ = 0;
  std::unique_ptr<Solver> best_;
  double least_ = 0;
};

/* What is left of what try_out(trial) tries, or NULL where memory does not suffice. */
template <class TryOut> void *tried(const sptrsv_in *in, int64_t wanted, TryOut try_out) {
  try {
    Trial trial(in, wanted);
    try_out(&trial);
    return trial.best().release();
  } catch (const std::bad_alloc &) {
    return nullptr;
  }
}

/* Row by row, and in blocks of levels. */
inline void alone(const Csr &a, int64_t width, Trial *trial) {
  trial->take(std::make_unique<Rows>(a));
  const Steps steps = Assignment(a, 1).blocks(width);
  if (suits(a, steps.order)) trial->take(std::make_unique<Alone>(a, steps.order));
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

/* Also with shares of levels for each thread and, if they `wait` for each other by rows, with whole blocks. */
inline void several(const Csr &a, int64_t threads, int64_t width, int64_t least, bool wait, Trial *trial) {
  alone(a, width, trial);
  const int64_t some = std::min<int64_t>(threads, Meeting::kMost);
  if (some == 1) return;
  const auto take = [&](Steps steps) {
    if (suits(a, steps.order)) trial->take(std::make_unique<Threads>(a, std::move(steps), wait));
  };
  take(Assignment(a, some).shares(least));
  if (wait) take(Assignment(a, some).blocks(width));
}
#endif

}  // namespace sptrsv
#endif
