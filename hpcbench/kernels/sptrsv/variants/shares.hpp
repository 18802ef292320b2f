/* Levels whose rows several threads share. A step is a shared level, or levels in a row too narrow for that, which the first
 * thread has alone; between steps threads wait for each other, all for all or each for what it needs. */
#ifndef SPTRSV_SHARES_HPP
#define SPTRSV_SHARES_HPP
#include "levels.hpp"

namespace sptrsv {

/* That so many steps of a thread must be done. */
struct Wait {
  int64_t thread, steps;
};

struct Shares {
  Order order; /* one stretch per thread: its part of all levels */
  int64_t steps = 0;
  std::vector<int64_t> ends;                /* of thread t's step s, at t * steps + s: the place behind it */
  std::vector<std::vector<Wait>> waits;     /* before it, likewise */
  bool worth = false;                       /* most rows are in shared levels */
};

class Sharing {
 public:
  Sharing(const Csr &a, int64_t lanes, int64_t threads, int64_t least) : a_(a), lanes_(lanes), threads_(threads), least_(least), of_(size_t(a.nrows)) {
    by_level();
    lists_.resize(size_t(threads));
    int64_t shared_rows = 0;
    bool alone = false; /* the step before is one thread's */
    for (int64_t n = 0; n + 1 < int64_t(start_.size()); ++n) {
      const int64_t width = start_[size_t(n) + 1] - start_[size_t(n)], parts = std::clamp<int64_t>(width / least_, 1, threads_);
      if (parts > 1 || !alone) ++found_.steps;
      alone = parts == 1;
      if (parts > 1) shared_rows += width;
      share(n, parts);
    }
    found_.worth = shared_rows * 2 > a.nrows;
    place();
    wait();
  }

  Shares take() { return std::move(found_); }

 private:
  /* A thread's rows, level by level. */
  struct List {
    std::vector<int32_t> rows;
    std::vector<int64_t> levels = {0}, steps; /* where each level ends, and in which step it is */
  };
  struct Of {
    int32_t thread, step;
  };

  void by_level() {
    std::vector<int32_t> level(size_t(a_.nrows));
    start_.assign(1, 0);
    for (int64_t i = 0; i < a_.nrows; ++i) {
      int32_t deepest = 0;
      for (int64_t k = a_.indptr[i]; k < a_.indptr[i + 1] - 1; ++k) deepest = std::max(deepest, level[size_t(a_.indices[k])] + 1);
      level[size_t(i)] = deepest;
      if (size_t(deepest) + 1 == start_.size()) start_.push_back(0);
      ++start_[size_t(deepest) + 1];
    }
    for (size_t n = 1; n < start_.size(); ++n) start_[n] += start_[n - 1];
    rows_.resize(size_t(a_.nrows));
    std::vector<int64_t> next(start_);
    for (int64_t i = 0; i < a_.nrows; ++i) rows_[size_t(next[size_t(level[size_t(i)])]++)] = int32_t(i);
  }

  /* The rows of level `n` to the first `parts` threads, as many entries to each. */
  void share(int64_t n, int64_t parts) {
    const int64_t first = start_[size_t(n)], last = start_[size_t(n) + 1];
    int64_t entries = 0, done = 0, from = first;
    for (int64_t p = first; p < last; ++p) entries += length(p);
    for (int64_t t = 0; t < parts; ++t) {
      int64_t to = from;
      while (to < last && (t + 1 == parts || done * parts < entries * (t + 1))) done += length(to++);
      List &list = lists_[size_t(t)];
      list.rows.insert(list.rows.end(), rows_.begin() + from, rows_.begin() + to);
      alike(a_, lanes_, list.levels.back(), int64_t(list.rows.size()), &list.rows);
      for (int64_t p = list.levels.back(); p < int64_t(list.rows.size()); ++p) of_[size_t(list.rows[size_t(p)])] = {int32_t(t), int32_t(found_.steps - 1)};
      list.levels.push_back(int64_t(list.rows.size())), list.steps.push_back(found_.steps - 1);
      from = to;
    }
  }
  int64_t length(int64_t p) const { return a_.indptr[rows_[size_t(p)] + 1] - a_.indptr[rows_[size_t(p)]]; }

  void place() {
    Order &o = found_.order;
    o.threads = threads_, o.place.resize(size_t(a_.nrows));
    found_.ends.assign(size_t(threads_ * found_.steps), 0);
    for (int64_t t = 0; t < threads_; ++t) {
      const List &list = lists_[size_t(t)];
      Stretch s{o.places, o.places, {o.places}};
      int64_t *ends = found_.ends.data() + t * found_.steps, step = 0;
      for (size_t n = 0; n < list.steps.size(); ++n) {
        for (; step < list.steps[n]; ++step) ends[step] = s.last;
        for (int64_t p = list.levels[n]; p < list.levels[n + 1]; ++p) {
          const int32_t row = list.rows[size_t(p)];
          o.place[size_t(row)] = int32_t(s.last++), o.row.push_back(row);
        }
        s.last = (s.last + lanes_ - 1) / lanes_ * lanes_, o.row.resize(size_t(s.last), -1), s.levels.push_back(s.last);
      }
      for (; step < found_.steps; ++step) ends[step] = s.last;
      o.places = o.last = s.last;
      o.stretches.push_back(std::move(s));
    }
  }

  /* Whoever needs a row of another thread's waits for its step, unless it has waited for as much before. */
  void wait() {
    found_.waits.resize(found_.ends.size());
    std::vector<int64_t> known(size_t(threads_ * threads_), 0);
    for (const int32_t i : rows_) {
      const Of mine = of_[size_t(i)];
      for (int64_t k = a_.indptr[i]; k < a_.indptr[i + 1] - 1; ++k) {
        const Of other = of_[size_t(a_.indices[k])];
        int64_t &so_far = known[size_t(mine.thread * threads_ + other.thread)];
        if (other.thread == mine.thread || other.step < so_far) continue;
        so_far = other.step + 1;
        found_.waits[size_t(mine.thread * found_.steps + mine.step)].push_back({other.thread, so_far});
      }
    }
  }

  Csr a_;
  int64_t lanes_, threads_, least_;
  std::vector<int64_t> start_; /* of each level in rows_ */
  std::vector<int32_t> rows_;
  std::vector<Of> of_;
  std::vector<List> lists_;
  Shares found_;
};

/* How far each thread is, counted on from run to run. */
class Counters {
 public:
  explicit Counters(int64_t threads) : lines_(size_t(threads)) {}
  void tell(int64_t thread, int64_t steps) { lines_[size_t(thread)].done.store(base_ + steps, std::memory_order_release); }
  void wait(const Wait &wait) const {
    const std::atomic<int64_t> &done = lines_[size_t(wait.thread)].done;
    for (int spins = 0; done.load(std::memory_order_acquire) < base_ + wait.steps; ++spins)
      if (spins > Meeting::kSpins) sched_yield(); /* more threads than processors */
  }
  void next(int64_t steps) { base_ += steps + 1; }

 private:
  struct alignas(64) Line {
    std::atomic<int64_t> done{0};
  };
  std::vector<Line> lines_;
  int64_t base_ = 0;
};

/* Threads that wait for each other between steps: all for all, or with `waits` each for those it needs. */
template <bool WAITS> class Shared : public Solver {
 public:
  Shared(const Csr &a, Shares shares)
      : shares_(std::move(shares)), threads_(shares_.order.threads), triangle_(a, shares_.order, Side::kOthers), counters_(threads_) {}

  void run(const double *b, double *x) override {
    together(threads_, [&](auto team) {
      if (WAITS && team.all == threads_) solve(team.me, b, x);
      else in_step(team, b, x);
      return 0;
    });
    counters_.next(shares_.steps);
  }

 private:
  void solve(int64_t me, const double *b, double *x) {
    Chunks<8>::Cursor at(triangle_.part(me));
    for (int64_t s = 0; s < shares_.steps; ++s) {
      const size_t k = size_t(me * shares_.steps + s);
      if (shares_.ends[k] == at.place) continue;
      for (const Wait &wait : shares_.waits[k]) counters_.wait(wait);
      triangle_.solve(&at, shares_.ends[k], b, x);
      counters_.tell(me, s + 1);
    }
  }

  template <class Crew> void in_step(Crew &team, const double *b, double *x) {
    std::vector<Chunks<8>::Cursor> at;
    for (int64_t t = 0; t < threads_; ++t) at.emplace_back(triangle_.part(t));
    for (int64_t s = 0; s < shares_.steps; ++s) {
      for (int64_t t = team.me; t < threads_; t += team.all) triangle_.solve(&at[size_t(t)], shares_.ends[size_t(t * shares_.steps + s)], b, x);
      team.barrier();
    }
  }

  Shares shares_;
  int64_t threads_;
  Triangle<8> triangle_;
  Counters counters_;
};

/* Shared out where most rows lie in levels that are wide enough, else for one thread. */
template <bool WAITS> Solver *shared(const Csr &a, int64_t threads, int64_t least) {
  if (threads == 1) return alone(a);
  Shares shares = Sharing(a, 8, std::min<int64_t>(threads, Meeting::kMost), least).take();
  return shares.worth ? new Shared<WAITS>(a, std::move(shares)) : alone(a);
}

}  // namespace sptrsv
#endif
