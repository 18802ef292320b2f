// /// hpcbench
// model = "cuda"
// summary = "Jacobi's method, damped: one pass over the matrix and one synchronisation per iteration, all of it in one kernel"
// source = "Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM, 2003, section 4.1"
// flags = ["-O3"]
// params.omega = {when = "run", default = 0.8, low = 0.01, high = 1.99}
// params.THREADS = {when = "build", default = 256, values = [128, 256, 512]}
// ///
#include "abi.h"
#include "solution.cuh"

namespace {

using namespace solve;

/* r' = r - A p, x' = x + p and the next p, omega D^-1 r', as soon as a row is multiplied. */
struct Relaxed {
  const System &q;
  const double *p;
  double *next, square;
  __device__ double at(int column) const { return p[column]; }
  __device__ void part(int64_t, double) {}
  __device__ void whole(int64_t row, double sum) {
    const double r = q.r[row] - sum, natural = r * q.root[row];
    q.x[row] += p[row], q.r[row] = r, next[row] = copysign(q.omega, q.root[row]) * r;
    square += natural * natural;
  }
};

class Jacobi : public Solution<Jacobi, THREADS> {
 public:
  static constexpr bool kSymmetric = false;
  static constexpr int kVectors = 2, kSums = 1;
  using Solution::Solution;

  __device__ int iterate(double) {
    double *p = own(0), *next = own(1);
    each([&](int64_t i) { p[i] = copysign(q_.omega, q_.root[i]) * q_.r[i]; });
    world_.meet();
    for (;;) {
      Relaxed relaxed{q_, p, next, 0};
      multiply(q_.a, relaxed);
      if (const int status = step(world_.sum(relaxed.square, 0).x); status != kGoOn) return status;
      double *const now = next;
      next = p, p = now;
    }
  }
};

}  // namespace

extern "C" void *solve_setup(const solve_in *in, const void *) { return solve::whole<Scaled<THREADS>>(in); }
extern "C" int solve_run(void *handle, const solve_in *in, const void *params, solve_out *out) {
  return solved<Jacobi>(*static_cast<Scaled<THREADS> *>(handle), in, *static_cast<const double *>(params), out);
}
extern "C" void solve_free(void *handle) { delete static_cast<Scaled<THREADS> *>(handle); }
