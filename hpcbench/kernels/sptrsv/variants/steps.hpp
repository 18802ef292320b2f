/* Which thread takes which rows, and for what it waits. Rows come in levels: those of a level need none of each other (Anderson and
 * Saad, Int. J. High Speed Comput. 1(1), 1989), and some levels in a row are a step, behind which a thread tells how far it is. */
#ifndef SPTRSV_STEPS_HPP
#define SPTRSV_STEPS_HPP
#include "triangle.hpp"

namespace sptrsv {

/* Levels of a block of rows. */
class Levels {
 public:
  explicit Levels(const Csr &a) : a_(a), level_(size_t(a.nrows)) {}

  /* Of the rows from `first` on: a block ends where its levels have `width` rows in the mean, so that they can be worked through side by
   * side, and what they need of b and x still stays in the first cache. Returns its end. */
  int64_t block(int64_t first, int64_t width) {
    int64_t last = first;
    std::vector<int64_t> count;
    for (; last < a_.nrows && (last - first < kLeast || last - first < width * int64_t(count.size())); ++last) {
      int32_t deepest = 0;
      for (int64_t k = a_.indptr[last + 1] - 2; k >= a_.indptr[last] && a_.indices[k] >= first; --k)
        deepest = std::max(deepest, level_[size_t(a_.indices[k])] + 1);
      level_[size_t(last)] = deepest;
      if (size_t(deepest) == count.size()) count.push_back(0);
      ++count[size_t(deepest)];
    }
    starts.assign(1, 0);
    for (const int64_t n : count) starts.push_back(starts.back() + n);
    std::vector<int64_t> next(starts);
    rows.resize(size_t(last - first));
    for (int64_t i = first; i < last; ++i) rows[size_t(next[size_t(level_[size_t(i)])]++)] = int32_t(i);
    return last;
  }

  std::vector<int32_t> rows;
  std::vector<int64_t> starts; /* of each level in rows */

 private:
  static constexpr int64_t kLeast = 4000;
  Csr a_;
  std::vector<int32_t> level_;
};

/* That so many steps of a thread must be done. */
struct Wait {
  int64_t thread, steps;
};

struct Step {
  int64_t turn; /* steps of the same turn need nothing of each other */
  int64_t end;  /* the place behind it */
  std::vector<Wait> waits;
};

struct Steps {
  Order order; /* one stretch per thread */
  std::vector<std::vector<Step>> threads;
  int64_t turns = 0;
};

class Assignment {
 public:
  Assignment(const Csr &a, int64_t threads) : a_(a), of_(size_t(a.nrows)), lists_(size_t(threads)), levels_(a) {
    found_.threads.resize(size_t(threads)), found_.order.threads = threads;
  }

  /* Whole blocks to one thread after the other. */
  Steps blocks(int64_t width) {
    for (int64_t first = 0, t = 0; first < a_.nrows; t = (t + 1) % threads()) {
      first = levels_.block(first, width);
      int64_t rows = kStep;
      for (size_t n = 0; n + 1 < levels_.starts.size(); ++n) {
        if (rows >= kStep) begin(t, found_.turns++), rows = 0;
        rows += levels_.starts[n + 1] - levels_.starts[n];
        add(t, levels_.starts[n], levels_.starts[n + 1]);
      }
    }
    return finish();
  }

  /* The rows of each level of the whole triangle to all threads; a level too narrow for that to the first one. */
  Steps shares(int64_t least) {
    levels_.block(0, a_.nrows + 1);
    bool alone = false;
    for (size_t n = 0; n + 1 < levels_.starts.size(); ++n) {
      const int64_t first = levels_.starts[n], last = levels_.starts[n + 1];
      const int64_t parts = std::clamp<int64_t>((last - first) / least, 1, threads());
      if (parts > 1 || !alone) {
        for (int64_t t = 0; t < parts; ++t) begin(t, found_.turns);
        ++found_.turns;
      }
      alone = parts == 1;
      int64_t entries = 0, done = 0, from = first;
      for (int64_t p = first; p < last; ++p) entries += length(p);
      for (int64_t t = 0; t < parts; ++t) {
        int64_t to = from;
        while (to < last && (t + 1 == parts || done * parts < entries * (t + 1))) done += length(to++);
        add(t, from, to), from = to;
      }
    }
    return finish();
  }

 private:
  static constexpr int64_t kStep = 256; /* rows between two looks at what the others have done */

  struct List {
    std::vector<int32_t> rows;
    std::vector<int64_t> levels = {0}, steps; /* where each level ends, and in which step it is */
  };
  struct Of {
    int32_t thread, step;
  };

  int64_t threads() const { return int64_t(lists_.size()); }
  int64_t length(int64_t p) const { return a_.indptr[levels_.rows[size_t(p)] + 1] - a_.indptr[levels_.rows[size_t(p)]]; }
  void begin(int64_t t, int64_t turn) { found_.threads[size_t(t)].push_back({turn, 0, {}}); }

  /* Rows of one level to the thread's current step. */
  void add(int64_t t, int64_t from, int64_t to) {
    List &list = lists_[size_t(t)];
    auto &steps = found_.threads[size_t(t)];
    list.rows.insert(list.rows.end(), levels_.rows.begin() + from, levels_.rows.begin() + to);
    alike(a_, list.levels.back(), int64_t(list.rows.size()), &list.rows);
    list.levels.push_back(int64_t(list.rows.size())), list.steps.push_back(int64_t(steps.size()) - 1);
  }

  Steps finish() {
    Order &o = found_.order;
    o.place.resize(size_t(a_.nrows));
    for (int64_t t = 0; t < threads(); ++t) {
      const List &list = lists_[size_t(t)];
      Stretch s{o.places, o.places, {o.places}};
      for (size_t n = 0; n < list.steps.size(); ++n) {
        for (int64_t k = list.levels[n]; k < list.levels[n + 1]; ++k) {
          const int32_t row = list.rows[size_t(k)];
          o.place[size_t(row)] = int32_t(s.last++), o.row.push_back(row);
          of_[size_t(row)] = {int32_t(t), int32_t(list.steps[n])};
        }
        s.last = (s.last + kLanes - 1) / kLanes * kLanes, o.row.resize(size_t(s.last), -1), s.levels.push_back(s.last);
        found_.threads[size_t(t)][size_t(list.steps[n])].end = s.last;
      }
      o.places = o.last = s.last;
      o.stretches.push_back(std::move(s));
    }
    for (int64_t t = 0; t < threads(); ++t) wait(t);
    return std::move(found_);
  }

  /* Before a step that needs another thread's, unless so much of it has been waited for before. */
  void wait(int64_t t) {
    const List &list = lists_[size_t(t)];
    std::vector<int64_t> known(lists_.size());
    for (size_t n = 0; n < list.steps.size(); ++n)
      for (int64_t r = list.levels[n]; r < list.levels[n + 1]; ++r)
        for (int64_t i = list.rows[size_t(r)], k = a_.indptr[i]; k < a_.indptr[i + 1] - 1; ++k) {
          const Of other = of_[size_t(a_.indices[k])];
          if (other.thread == t || other.step < known[size_t(other.thread)]) continue;
          known[size_t(other.thread)] = other.step + 1;
          auto &waits = found_.threads[size_t(t)][size_t(list.steps[n])].waits;
          if (!waits.empty() && waits.back().thread == other.thread) waits.back().steps = other.step + 1;
          else waits.push_back({other.thread, other.step + 1});
        }
  }

  Csr a_;
  std::vector<Of> of_;
  std::vector<List> lists_;
  Levels levels_;
  Steps found_;
};

}  // namespace sptrsv
#endif
