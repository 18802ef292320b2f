/* The threads of one solve, which stay together from its first vector to its last: one parallel region, barriers that
 * spin, sums that come out the same in every run. */
#ifndef SHARED_TEAM_HPP
#define SHARED_TEAM_HPP
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

#ifdef _OPENMP
#include <omp.h>
#include <sched.h>
#endif

namespace sweeps {

/* One thread: all is free. */
struct Alone {
  static constexpr int64_t me = 0, all = 1;
  void barrier() {}
  void refresh(bool, double *) {}
  double sum(double part) { return part; }
  std::array<double, 2> sums(double one, double other) { return {one, other}; }
  void sums(const double *parts, double *totals, size_t n) { std::copy(parts, parts + n, totals); }
};

#ifdef _OPENMP
/* What the threads share. */
struct Meeting {
  static constexpr int kMost = 256, kSpins = 4000;
  struct alignas(64) Line {
    std::array<double, 2> part[2];
    const double *parts;
  };
  alignas(64) std::atomic<int> arrived{0};
  alignas(64) std::atomic<int> turn{0};
  Line lines[kMost];
};

struct Team {
  Meeting *meeting;
  int64_t me, all;
  int spins; /* none where there are more threads than processors */
  int turn = 0, parity = 0;

  void refresh(bool, double *) {}
  void barrier() {
    ++turn;
    if (meeting->arrived.fetch_add(1, std::memory_order_acq_rel) == int(all) - 1) {
      meeting->arrived.store(0, std::memory_order_relaxed);
      meeting->turn.store(turn, std::memory_order_release);
      return;
    }
    for (int spun = 0; meeting->turn.load(std::memory_order_acquire) != turn; ++spun)
      if (spun >= spins) sched_yield();
  }

  double sum(double part) { return sums(part, 0)[0]; }
  std::array<double, 2> sums(double one, double other) {
    parity ^= 1; /* the sums before may still be read */
    meeting->lines[me].part[parity] = {one, other};
    barrier();
    std::array<double, 2> total = {};
    for (int64_t t = 0; t < all; ++t)
      for (size_t k = 0; k < 2; ++k) total[k] += meeting->lines[t].part[parity][k];
    return total;
  }

  /* Of n parts, which must stay what they are until the next barrier. */
  void sums(const double *parts, double *totals, size_t n) {
    meeting->lines[me].parts = parts;
    barrier();
    std::fill(totals, totals + n, 0.0);
    for (int64_t t = 0; t < all; ++t)
      for (size_t k = 0; k < n; ++k) totals[k] += meeting->lines[t].parts[k];
  }
};
#endif

/* work(team) by each of `threads` threads; what all of them return. */
template <class Work> int together([[maybe_unused]] int64_t threads, Work work) {
#ifdef _OPENMP
  if (threads > 1) {
    Meeting meeting;
    int status = 0;
    const int some = int(std::min<int64_t>(threads, Meeting::kMost));
    const int spins = some > omp_get_num_procs() ? 0 : Meeting::kSpins;
#pragma omp parallel num_threads(some)
    {
      const int mine = work(Team{&meeting, omp_get_thread_num(), omp_get_num_threads(), spins});
#pragma omp master
      status = mine;
    }
    return status;
  }
#endif
  return work(Alone{});
}

}  // namespace sweeps
#endif
