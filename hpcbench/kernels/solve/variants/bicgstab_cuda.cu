// /// hpcbench
// model = "cuda"
// summary = "stabilised bi-conjugate gradients on the matrix scaled by its diagonal, all of it in one kernel"
// source = "van der Vorst, SIAM J. Sci. Stat. Comput. 13(2), 1992"
// flags = ["-O3"]
// params.THREADS = {when = "build", default = 256, values = [128, 256, 512]}
// ///
/* Five meetings of all blocks per iteration, three of them with sums. */
#include "abi.h"
#include "solution.cuh"

namespace {

using namespace solve;

/* t = S A S s, and with it t.t and t.s. */
struct Stabilised : Product {
  double square;
  __device__ void whole(int64_t row, double sum) { w[row] = sum, square += sum * sum; }
};

/* v = S A S p, and with it v.shadow. */
struct Shadowed : Product {
  const double *shadow;
  __device__ void part(int64_t row, double sum) { dot += shadow[row] * sum; }
};

class Bicgstab : public Solution<Bicgstab, THREADS> {
 public:
  static constexpr bool kSymmetric = false;
  static constexpr int kVectors = 4, kSums = 1;
  using Solution::Solution;

  __device__ int iterate(double rho) {
    double *shadow = own(0), *p = own(1), *v = own(2), *t = own(3), *r = q_.r;
    each([&](int64_t i) { shadow[i] = p[i] = r[i]; });
    for (;;) {
      world_.meet();
      Shadowed first{{p, v, 0}, shadow};
      multiply(q_.a, first);
      const double slope = world_.sum(first.dot, 0).x;
      if (slope == 0 || !isfinite(slope)) return SOLVE_BREAKDOWN;
      const double alpha = rho / slope;
      each([&](int64_t i) { r[i] -= alpha * v[i], q_.x[i] += alpha * p[i]; });
      world_.meet();
      Stabilised second{{r, t, 0}, 0};
      multiply(q_.a, second);
      const double2 both = world_.sum(second.square, second.dot);
      const double omega = both.x > 0 ? both.y / both.x : 0;
      double natural = 0, mixed = 0;
      each([&](int64_t i) {
        const double left = r[i] - omega * t[i], own = left * q_.root[i];
        q_.x[i] += omega * r[i], r[i] = left;
        natural += own * own, mixed += shadow[i] * left;
      });
      const double2 sums = world_.sum(natural, mixed);
      if (const int status = step(sums.x); status != kGoOn) return status;
      if (omega == 0) return SOLVE_BREAKDOWN;
      const double beta = sums.y / rho * (alpha / omega);
      rho = sums.y;
      each([&](int64_t i) { p[i] = r[i] + beta * (p[i] - omega * v[i]); });
    }
  }
};

}  // namespace

extern "C" void *solve_setup(const solve_in *in, const void *) { return solve::whole<Scaled<THREADS>>(in); }
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return solved<Bicgstab>(*static_cast<Scaled<THREADS> *>(handle), in, 1, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<Scaled<THREADS> *>(handle); }
