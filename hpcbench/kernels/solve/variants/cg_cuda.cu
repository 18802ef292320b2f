// /// hpcbench
// model = "cuda"
// summary = "conjugate gradients on the matrix scaled by its diagonal, two synchronisations per iteration, all of it in one kernel"
// source = "Chronopoulos and Gear, s-step iterative methods for symmetric linear systems, J. Comput. Appl. Math. 25(2), 1989"
// flags = ["-O3"]
// params.THREADS = {when = "build", default = 256, values = [128, 256, 512]}
// ///
/* An iteration moves the matrix once and twelve vectors; where all of that stays in the cache, it takes what two meetings of all
 * blocks take. The host waits once, for the end. */
#include "abi.h"
#include "solution.cuh"

namespace {

using namespace solve;

class Gradients : public Solution<Gradients, THREADS> {
 public:
  static constexpr bool kSymmetric = true;
  static constexpr int kVectors = 3, kSums = 1;
  using Solution::Solution;

  __device__ int iterate(double rho) {
    double *p = own(0), *s = own(1), *w = own(2), alpha = 1, beta = 0; /* s = S A S p */
    each([&](int64_t i) { p[i] = s[i] = 0; });
    for (;;) {
      if (!(rho > 0)) return isfinite(rho) ? SOLVE_INDEFINITE : SOLVE_BREAKDOWN;
      Product product{q_.r, w, 0};
      multiply(q_.a, product);
      const double energy = world_.sum(product.dot, 0).x - beta * rho / alpha; /* p.s */
      if (!(energy > 0)) return isfinite(energy) ? SOLVE_INDEFINITE : SOLVE_BREAKDOWN;
      alpha = rho / energy;
      double natural = 0, square = 0;
      each([&](int64_t i) {
        const double direction = q_.r[i] + beta * p[i], image = w[i] + beta * s[i], r = q_.r[i] - alpha * image, own = r * q_.root[i];
        p[i] = direction, s[i] = image, q_.r[i] = r, q_.x[i] += alpha * direction;
        natural += own * own, square += r * r;
      });
      const double2 squares = world_.sum(natural, square);
      if (const int status = step(squares.x); status != kGoOn) return status;
      beta = squares.y / rho, rho = squares.y;
    }
  }
};

}  // namespace

extern "C" void *solve_setup(const solve_in *in, const void *) { return solve::whole<Scaled<THREADS>>(in); }
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return solved<Gradients>(*static_cast<Scaled<THREADS> *>(handle), in, 1, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<Scaled<THREADS> *>(handle); }
