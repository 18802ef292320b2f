// /// hpcbench
// model = "cuda"
// summary = "conjugate gradients, SSOR by colours, Eisenstat's trick: a pass over the matrix per iteration, all of it in one kernel"
// source = "Eisenstat, SIAM J. Sci. Stat. Comput. 2(1), 1981; colours: Adams and Ortega, Int. Conf. on Parallel Processing, 1982"
// flags = ["-O3"]
// params.omega = {when = "run", default = 1.0, low = 0.01, high = 1.99}
// params.THREADS = {when = "build", default = 256, values = [128, 256, 512]}
// ///
/* As Eisenstat of eisenstat.hpp, in unknowns in which D, A's diagonal over omega, is I: entries of S A S times omega. For red and black
 * rows omega = 1 is best; who has many colours gains by more. Two meetings of all blocks for each colour, and one more. */
#include "abi.h"
#include "colours.cuh"

namespace {

using namespace solve;

constexpr double kCloser = 30; /* the norm of the system's own residual is looked at whenever it fell so far */

/* One colour of u, from what it has of `given`: done(p, v), v = given - omega (the half's rows) u. */
template <class Given, class Done> struct Sweep {
  const double *u;
  double omega;
  int64_t first; /* place of the colour */
  Given given;
  Done done;
  __device__ double at(int column) const { return u[column]; }
  __device__ void part(int64_t, double) {}
  __device__ void whole(int64_t row, double sum) { done(first + row, given(first + row) - omega * sum); }
};

class Eisenstat : public Solution<Eisenstat, THREADS> {
 public:
  static constexpr bool kSymmetric = true;
  static constexpr int kVectors = 5, kSums = 1;
  using Solution::Solution;

  __device__ int iterate(double) {
    const Colours &colours = q_.colours;
    const double omega = q_.omega, root = sqrt(omega), gap = omega - 2;
    double *x = own(0), *r = own(1), *p = own(2), *t = own(3), *w = own(4), natural = 0, square = 0;
    each([&](int64_t i) {
      const int64_t row = colours.row[i];
      x[i] = p[i] = 0, w[i] = root * q_.r[row], natural += q_.r[row] * q_.root[row] * (q_.r[row] * q_.root[row]);
    });
    upwards(r, [&](int64_t i) { return w[i]; }, [&](int64_t i, double v) { r[i] = v, square += v * v; });
    const double2 sums = world_.sum(natural, square);
    double norm = sqrt(sums.x), rho = sums.y, beta = 0, ratio = norm / sqrt(rho), look = fmax(progress()->target(), norm / kCloser);
    int status = kGoOn;
    while (status == kGoOn) {
      downwards(
          t,
          [&](int64_t i) {
            const double v = r[i] + beta * p[i];
            p[i] = v;
            return v;
          },
          [&](int64_t i, double v) { t[i] = v; });
      double dot = 0;
      upwards(w, [&](int64_t i) { return p[i] + gap * t[i]; }, [&](int64_t i, double v) { w[i] = v, dot += p[i] * (t[i] + v); });
      const double energy = world_.sum(dot, 0).x;
      if (!(energy > 0)) return isfinite(energy) ? SOLVE_INDEFINITE : SOLVE_BREAKDOWN;
      const double alpha = rho / energy, last = rho;
      square = 0;
      each([&](int64_t i) { x[i] += alpha * t[i], r[i] -= alpha * (t[i] + w[i]), square += r[i] * r[i]; });
      rho = world_.sum(square, 0).x, beta = rho / last, norm = ratio * sqrt(rho);
      if (norm <= look) norm = true_norm(r, root), ratio = norm / sqrt(rho), look = fmax(progress()->target(), norm / kCloser);
      status = step(norm * norm);
    }
    each([&](int64_t i) { q_.x[colours.row[i]] += root * x[i]; });
    return status;
  }

 private:
  template <class Given, class Done> __device__ void colour(bool wait, const tiles::Matrix &half, int c, const double *u, Given given, Done done) {
    const tiles::Matrix here = half;
    Sweep<Given, Done> sweep{u, q_.omega, q_.colours.first[c], given, done};
    if (wait) world_.meet();
    multiply(here, sweep);
  }
  /* From the first colour on, before each of which all meet. */
  template <class Given, class Done> __device__ void upwards(const double *u, Given given, Done done) {
    for (int c = 0; c < q_.colours.count; ++c) colour(true, q_.colours.lower[c], c, u, given, done);
  }
  /* From the last one on; all have just met. */
  template <class Given, class Done> __device__ void downwards(const double *u, Given given, Done done) {
    for (int c = q_.colours.count; c-- > 0;) colour(c + 1 < q_.colours.count, q_.colours.upper[c], c, u, given, done);
  }

  /* Of the residual of the system itself, which is (I + L) r in other units; all have just met. Seldom called. */
  __device__ __noinline__ double true_norm(const double *r, double root) {
    double square = 0;
    for (int c = 0; c < q_.colours.count; ++c)
      colour(false, q_.colours.lower[c], c, r, [&](int64_t i) { return -r[i]; }, [&](int64_t i, double v) {
        const double own = v * q_.colours.root[i] / root;
        square += own * own;
      });
    return sqrt(world_.sum(square, 0).x);
  }
};

}  // namespace

extern "C" void *solve_setup(const solve_in *in, const void *) { return solve::whole<Coloured<THREADS>>(in); }
extern "C" int solve_run(void *handle, const solve_in *in, const void *params, solve_out *out) {
  return solved<Eisenstat>(*static_cast<Coloured<THREADS> *>(handle), in, *static_cast<const double *>(params), out);
}
extern "C" void solve_free(void *handle) { delete static_cast<Coloured<THREADS> *>(handle); }
