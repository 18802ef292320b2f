// /// hpcbench
// model = "cuda"
// summary = "successive over-relaxation, red and black rows where two colours are enough; a pass over the matrix per iteration, all of it in one kernel"
// source = "Young, Iterative Solution of Large Linear Systems, 1971, chapter 9; Adams and Ortega, Int. Conf. on Parallel Processing, 1982"
// flags = ["-O3"]
// params.omega = {when = "run", default = 1.8, low = 0.01, high = 1.99}
// params.THREADS = {when = "build", default = 256, values = [128, 256, 512]}
// ///
/* As Sor of sor.hpp, colour by colour: one meeting of all blocks for each, and one for the sum of the residual. */
#include "abi.h"
#include "colours.cuh"

namespace {

using namespace solve;

/* Of x' = (1 - omega) x + omega D^-1 (b - L x' - U x) one colour; y, which is b - U x, becomes x' + L x', in units of the diagonal. */
struct Forward {
  const System &q;
  double *x, *y;
  int64_t first; /* place of the colour */
  __device__ double at(int column) const { return x[column]; }
  __device__ void part(int64_t, double) {}
  __device__ void whole(int64_t row, double sum) {
    const int64_t p = first + row;
    const double v = y[p] - copysign(1.0, q.colours.root[p]) * sum, next = q.omega * v + (1 - q.omega) * x[p];
    x[p] = next, y[p] += next - v;
  }
};

/* y = b - U x; the square of the residual. */
struct Backward {
  const System &q;
  const double *x, *b;
  double *y, square;
  int64_t first;
  __device__ double at(int column) const { return x[column]; }
  __device__ void part(int64_t, double) {}
  __device__ void whole(int64_t row, double sum) {
    const int64_t p = first + row;
    const double root = q.colours.root[p], v = b[p] - copysign(1.0, root) * sum, natural = (v - y[p]) * root;
    y[p] = v, square += natural * natural;
  }
};

class Sor : public Solution<Sor, THREADS> {
 public:
  static constexpr bool kSymmetric = false;
  static constexpr int kVectors = 3, kSums = 1;
  using Solution::Solution;

  __device__ int iterate(double) {
    const Colours &colours = q_.colours;
    double *x = own(0), *y = own(1), *b = own(2);
    each([&](int64_t p) { x[p] = 0, y[p] = b[p] = q_.r[colours.row[p]] * copysign(1.0, colours.root[p]); });
    world_.meet();
    int status = kGoOn;
    while (status == kGoOn) {
      for (int c = 0; c < colours.count; ++c) {
        const tiles::Matrix half = colours.lower[c];
        Forward forward{q_, x, y, colours.first[c]};
        if (c) world_.meet();
        multiply(half, forward);
      }
      world_.meet();
      Backward backward{q_, x, b, y, 0, 0};
      for (int c = 0; c < colours.count; ++c) {
        backward.first = colours.first[c];
        const tiles::Matrix half = colours.upper[c];
        multiply(half, backward);
      }
      status = step(world_.sum(backward.square, 0).x);
    }
    each([&](int64_t p) { q_.x[colours.row[p]] += x[p]; });
    return status;
  }
};

}  // namespace

extern "C" void *solve_setup(const solve_in *in, const void *) { return solve::whole<Coloured<THREADS>>(in); }
extern "C" int solve_run(void *handle, const solve_in *in, const void *params, solve_out *out) {
  return solved<Sor>(*static_cast<Coloured<THREADS> *>(handle), in, *static_cast<const double *>(params), out);
}
extern "C" void solve_free(void *handle) { delete static_cast<Coloured<THREADS> *>(handle); }
