// /// hpcbench
// model = "cuda"
// summary = "restarted GMRES, scaled by the diagonal from the right, classical Gram-Schmidt, again where much was lost; all of it in one kernel"
// source = "Saad and Schultz, SIAM J. Sci. Stat. Comput. 7(3), 1986; Daniel, Gragg, Kaufman and Stewart, Math. Comp. 30, 1976"
// flags = ["-O3"]
// params.THREADS = {when = "build", default = 256, values = [128, 256]}
// params.RESTART = {when = "build", default = 30, values = [10, 30, 50]}
// ///
/* Every block keeps the small system, and finds the same: four meetings of all blocks per iteration, seldom six. */
#include "abi.h"
#include "solution.cuh"

namespace {

using namespace solve;

constexpr double kLost = 0.1; /* of a vector's norm, what must be left of it */

/* w = A S^2 v, of z = S v. */
struct Natural : Product {
  const double *root;
  __device__ void part(int64_t, double) {}
  __device__ void whole(int64_t row, double sum) { w[row] = fabs(root[row]) * sum; }
};

class Gmres : public Solution<Gmres, THREADS> {
 public:
  static constexpr bool kSymmetric = false;
  static constexpr int kVectors = RESTART + 3, kSums = 3 + RESTART / 4;
  using Base = Solution<Gmres, THREADS>;
  struct Shared : Base::Shared {
    double h[RESTART][RESTART + 1], c[RESTART], s[RESTART], g[RESTART + 1], along[RESTART + 6];
  };
  using Base::Base;

  __device__ int iterate(double) {
    Shared &k = here();
    double *w = own(RESTART + 1), *z = own(RESTART + 2);
    for (;;) {
      double square = 0;
      each([&](int64_t i) { square += q_.r[i] * size(i) * (q_.r[i] * size(i)); });
      const double norm = sqrt(world_.sum(square, 0).x);
      if (!(norm > 0)) return SOLVE_BREAKDOWN;
      each([&](int64_t i) { own(0)[i] = q_.r[i] * size(i) / norm, z[i] = q_.r[i] / norm; });
      if (threadIdx.x == 0) k.g[0] = norm;
      int status = kGoOn, j = 0;
      for (; j < RESTART && status == kGoOn; ++j) {
        world_.meet();
        Natural product{{z, w, 0}, q_.root};
        multiply(q_.a, product);
        world_.meet();
        const double rest = orthogonal(w, j);
        if (rest > 0) each([&](int64_t i) { own(j + 1)[i] = w[i] / rest, z[i] = w[i] / rest / size(i); });
        status = decide([&](Progress *progress) { return rotate(j, rest) ? progress->step(fabs(k.g[j + 1])) : int(SOLVE_BREAKDOWN); });
        if (status == SOLVE_BREAKDOWN) return status;
      }
      __syncthreads(); /* all have seen the status */
      if (threadIdx.x == 0) substitute(j);
      __syncthreads();
      each([&](int64_t i) {
        double sum = 0;
        for (int c = 0; c < j; ++c) sum += k.g[c] * own(c)[i];
        z[i] = sum / size(i), q_.x[i] += z[i];
      });
      world_.meet();
      Product product{z, w, 0};
      multiply(q_.a, product);
      world_.meet();
      each([&](int64_t i) { q_.r[i] -= w[i]; });
      if (status != kGoOn) return status;
    }
  }

 private:
  __device__ Shared &here() { return *static_cast<Shared *>(shared_); }

  /* Take from w what the vectors up to `last` have of it; the norm of what is left. */
  __device__ double orthogonal(double *w, int last) {
    Shared &k = here();
    double rest = 0;
    for (int pass = 0; pass < 2; ++pass) {
      project(w, last + 1);
      double square = 0;
      each([&](int64_t i) {
        double left = w[i];
        for (int c = 0; c <= last; ++c) left -= k.along[c] * own(c)[i];
        w[i] = left, square += left * left;
      });
      for (int c = threadIdx.x; c <= last; c += THREADS) k.h[last][c] = (pass ? k.h[last][c] : 0) + k.along[c];
      rest = sqrt(world_.sum(square, 0).x);
      if (rest > kLost * sqrt(k.along[last + 1])) break;
    }
    return rest;
  }

  /* along: what each of `count` vectors has of w, and behind it the square of w; every sum is the same in each block. */
  __device__ void project(const double *w, int count) {
    double2 *parts = q_.parts + 2 * gridDim.x;
    for (int k = 0; k <= count; k += 4) {
      double sum[4] = {};
      each([&](int64_t i) {
        for (int q = 0; q < 4; ++q) sum[q] += w[i] * (k + q < count ? own(k + q) : w)[i];
      });
      for (int pair = 0; pair < 2; ++pair) {
        const double2 total = world_.of_block({sum[2 * pair], sum[2 * pair + 1]});
        if (threadIdx.x == 0) parts[(k / 2 + pair) * gridDim.x + blockIdx.x] = total;
      }
    }
    world_.meet();
    const int lane = threadIdx.x % tiles::kWarp;
    for (int pair = threadIdx.x / tiles::kWarp; pair <= count / 2; pair += THREADS / tiles::kWarp) {
      double first = 0, second = 0;
      for (unsigned b = lane; b < gridDim.x; b += tiles::kWarp) {
        const double2 part = __ldcg(parts + pair * gridDim.x + b);
        first += part.x, second += part.y;
      }
      first = tiles::gather(first), second = tiles::gather(second);
      if (lane == 0) here().along[2 * pair] = first, here().along[2 * pair + 1] = second;
    }
    __syncthreads();
  }

  /* One more column, by one thread: what earlier rotations make of it, and the next one; false where nothing is left to divide by. */
  __device__ bool rotate(int j, double rest) {
    Shared &k = here();
    double *column = k.h[j];
    column[j + 1] = rest;
    for (int i = 0; i < j; ++i) {
      const double upper = column[i];
      column[i] = k.c[i] * upper + k.s[i] * column[i + 1], column[i + 1] = k.c[i] * column[i + 1] - k.s[i] * upper;
    }
    const double size = hypot(column[j], column[j + 1]);
    if (!(size > 0)) return false;
    k.c[j] = column[j] / size, k.s[j] = column[j + 1] / size, column[j] = size;
    k.g[j + 1] = -k.s[j] * k.g[j], k.g[j] *= k.c[j];
    return true;
  }

  /* g: how much of each of `count` vectors is in the correction. */
  __device__ void substitute(int count) {
    Shared &k = here();
    for (int i = count; i-- > 0;) {
      for (int c = i + 1; c < count; ++c) k.g[i] -= k.h[c][i] * k.g[c];
      k.g[i] /= k.h[i][i];
    }
  }
};

}  // namespace

extern "C" void *solve_setup(const solve_in *in, const void *) { return solve::whole<Scaled<THREADS>>(in); }
extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  return solved<Gmres>(*static_cast<Scaled<THREADS> *>(handle), in, 1, out);
}
extern "C" void solve_free(void *handle) { delete static_cast<Scaled<THREADS> *>(handle); }
