/* How far a solver has come, what it tells of that, and when it stops. */
#ifndef SOLVE_PROGRESS_HPP
#define SOLVE_PROGRESS_HPP
#include <cmath>
#include <cstdint>

#include "abi.h"

#ifdef __CUDACC__
#define SOLVE_ANYWHERE __host__ __device__
#else
#define SOLVE_ANYWHERE
#endif

namespace solve {

constexpr int kGoOn = -1;
constexpr int64_t kPatience = 2000; /* iterations without a smaller residual: conjugate gradients may wander for long, SOR climbs first */
constexpr double kSame = 0.99;       /* of the residual so long ago */
constexpr double kGrown = 1e8;      /* times the first residual */
constexpr int kRestarts = 20;
constexpr double kLeast = 1e-250, kMost = 1e250; /* of the square of b's norm */
constexpr double kUnequal = 1e-11; /* of two sums over all entries, in terms of their sizes */

/* Sums that rounding spoils less than one sum would: eight of them, which a compiler makes one vector. */
inline double squares(const double *v, int64_t n) {
  double s[8] = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int l = 0; l < 8; ++l) s[l] += v[i + l] * v[i + l];
  for (; i < n; ++i) s[0] += v[i] * v[i];
  return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

class Progress {
 public:
  SOLVE_ANYWHERE Progress(const solve_in *in, const solve_out *out, double b2)
      : limit_(in->limit), scale_(b2 > 0 ? 1 / std::sqrt(b2) : 1), tolerance_(in->tolerance), history_(out->history) {
    out->told[0] = 0;
    told_ = out->told;
  }

  SOLVE_ANYWHERE double target() const { return tolerance_ / scale_; }
  SOLVE_ANYWHERE int64_t iterations() const { return iterations_; }

  /* Tell the norm of x0's residual. */
  SOLVE_ANYWHERE int begin(double norm) {
    first_ = best_ = norm;
    history_[0] = norm * scale_;
    return norm <= target() ? SOLVE_OK : std::isfinite(norm) ? kGoOn : SOLVE_BREAKDOWN;
  }

  /* Tell the norm after one more iteration; why to stop, or kGoOn. */
  SOLVE_ANYWHERE int step(double norm) {
    if (++iterations_ < SOLVE_HISTORY) history_[iterations_] = norm * scale_;
    *told_ = double(iterations_);
    if (norm <= target()) return SOLVE_OK;
    if (!std::isfinite(norm)) return SOLVE_BREAKDOWN;
    since_ = norm < best_ ? 0 : since_ + 1, best_ = std::fmin(norm, best_);
    if (norm > kGrown * first_) return SOLVE_DIVERGED;
    if (iterations_ % kPatience == 0) {
      if (since_ >= kPatience && norm > kSame * mark_) return SOLVE_STAGNATED;
      mark_ = norm;
    }
    return iterations_ < limit_ ? kGoOn : SOLVE_LIMIT;
  }

 private:
  int64_t limit_, iterations_ = 0, since_ = 0;
  double scale_, tolerance_, first_ = 0, best_ = 0, mark_ = HUGE_VAL, *history_, *told_;
};

}  // namespace solve
#endif
