// /// hpcbench
// model = "cuda"
// summary = "conjugate gradients on the matrix scaled by its diagonal, two synchronisations per iteration, all of it in one kernel"
// source = "Chronopoulos and Gear, s-step iterative methods for symmetric linear systems, J. Comput. Appl. Math. 25(2), 1989"
// flags = ["-O3"]
// params.THREADS = {when = "build", default = 256, values = [128, 256, 512]}
// ///
/* An iteration moves the matrix once and twelve vectors; where all of that stays in the cache, it takes what two meetings of all
 * blocks take. The host waits once, for the end. */
#include <algorithm>
#include <new>

#include "abi.h"
#include "scaled.cuh"
#include "world.cuh"

namespace {

using namespace solve;

struct System {
  tiles::Matrix a; /* S A S */
  const double *root;
  const Check *check;
  solve_in in;   /* b and x0 on the device */
  solve_out out; /* on the device */
  double *x, *r, *p, *s, *w; /* scaled */
  double2 *parts;
  double *aside; /* where blocks tell what the first one tells to `out` */
  int *status;
};

/* w = S A S u, and this thread's part of u.w. */
struct Product {
  const double *u; /* written in this kernel: not through the read-only path */
  double *w, dot;
  __device__ double at(int column) const { return u[column]; }
  __device__ void part(int64_t row, double sum) { dot += u[row] * sum; }
  __device__ void whole(int64_t row, double sum) { w[row] = sum; }
};

class Gradients {
 public:
  struct Shared {
    tiles::Scratch<THREADS> tile;
    World<THREADS>::Shared sums;
    alignas(Progress) char progress[sizeof(Progress)];
    int status;
  };

  __device__ Gradients(const System &q, Shared *shared) : q_(q), shared_(shared), world_(&shared->sums, q.parts) {}

  /* As Method::run of method.hpp, in unknowns over 2^shift_ times S. */
  __device__ int run() {
    double2 b = squares();
    if (!(b.x >= kLeast && b.x <= kMost) && b.y > 0 && isfinite(b.y)) shift_ = ilogb(b.y), b = squares();
    begin(b.x);
    int status = q_.check->status();
    if (!status && !isfinite(b.x)) status = SOLVE_BREAKDOWN;
    if (status || b.x == 0) {
      each([&](int64_t i) { q_.out.x[i] = b.x == 0 ? 0 : q_.in.x0[i]; });
      return status;
    }
    each([&](int64_t i) { q_.x[i] = scalbn(q_.in.x0[i], -shift_) * q_.root[i]; });
    double2 squares = residual();
    if (shift_ && !(squares.x <= b.x)) { /* zero is no worse a guess */
      each([&](int64_t i) { q_.x[i] = 0; });
      squares = residual();
    }
    double norm = sqrt(squares.x);
    status = decide([norm](Progress *progress) { return progress->begin(norm); });
    for (int again = 0; status == kGoOn; ++again) {
      status = iterate(squares.y);
      if (status != SOLVE_OK) break;
      const double before = norm;
      squares = residual(), norm = sqrt(squares.x);
      if (!(norm <= progress()->target())) status = norm > before / 2 || again == kRestarts ? SOLVE_STAGNATED : kGoOn;
    }
    each([&](int64_t i) { q_.out.x[i] = scalbn(q_.x[i] / q_.root[i], shift_); });
    return status;
  }

 private:
  template <class Do> __device__ void each(Do what) {
    for (int64_t i = world_.first(); i < q_.in.nrows; i += world_.step()) what(i);
  }

  __device__ Progress *progress() { return reinterpret_cast<Progress *>(shared_->progress); }
  __device__ double b(int64_t i) const { return scalbn(q_.in.b[i], -shift_); }

  /* Of b, and the sum of its sizes. */
  __device__ double2 squares() {
    double square = 0, size = 0;
    each([&](int64_t i) { square += b(i) * b(i), size += fabs(b(i)); });
    return world_.sum(square, size);
  }

  __device__ void begin(double b2) {
    solve_out told = q_.out;
    if (blockIdx.x) told.told = q_.aside, told.history = q_.aside + 1;
    if (threadIdx.x == 0) new (shared_->progress) Progress(&q_.in, &told, b2);
    __syncthreads();
  }

  /* Why to stop, or kGoOn: every block finds the same. */
  template <class Ask> __device__ int decide(Ask ask) {
    if (threadIdx.x == 0) shared_->status = ask(progress());
    __syncthreads();
    return shared_->status;
  }

  /* w = S A S u; this thread's part of u.w. */
  __device__ double multiply(const double *u) {
    Product product{u, q_.w, 0};
    for (int64_t t = blockIdx.x; t < q_.a.count; t += gridDim.x) {
      tiles::multiply<THREADS>(q_.a, t, shared_->tile, product);
      __syncthreads();
    }
    return product.dot;
  }

  /* r = S (b - A S x), from which directions begin anew; the squares of b - A S x and of r.
   * Seldom called: inlined it would cost the iteration registers. */
  __device__ __noinline__ double2 residual() {
    world_.meet();
    multiply(q_.x);
    world_.meet();
    double own = 0, square = 0;
    each([&](int64_t i) {
      const double root = q_.root[i], r = b(i) / root - q_.w[i];
      q_.r[i] = r, q_.p[i] = q_.s[i] = 0;
      own += r * root * (r * root), square += r * r;
    });
    return world_.sum(own, square);
  }

  /* Add to x what makes r small, whose square is `rho`; s = S A S p. */
  __device__ int iterate(double rho) {
    double alpha = 1, beta = 0;
    for (;;) {
      if (!(rho > 0)) return isfinite(rho) ? SOLVE_INDEFINITE : SOLVE_BREAKDOWN;
      const double energy = world_.sum(multiply(q_.r), 0).x - beta * rho / alpha; /* p.s */
      if (!(energy > 0)) return isfinite(energy) ? SOLVE_INDEFINITE : SOLVE_BREAKDOWN;
      alpha = rho / energy;
      double own = 0, square = 0;
      each([&](int64_t i) {
        const double p = q_.r[i] + beta * q_.p[i], s = q_.w[i] + beta * q_.s[i], r = q_.r[i] - alpha * s, natural = r * q_.root[i];
        q_.p[i] = p, q_.s[i] = s, q_.r[i] = r, q_.x[i] += alpha * p;
        own += natural * natural, square += r * r;
      });
      const double2 squares = world_.sum(own, square);
      const int status = decide([&](Progress *progress) { return progress->step(sqrt(squares.x)); });
      if (status != kGoOn) return status;
      beta = squares.y / rho, rho = squares.y;
    }
  }

  const System &q_;
  Shared *shared_;
  World<THREADS> world_;
  int shift_ = 0;
};

__global__ void __launch_bounds__(THREADS, 1024 / THREADS) gradients(const __grid_constant__ System q) {
  __shared__ Gradients::Shared shared;
  const int status = Gradients(q, &shared).run();
  if (blockIdx.x == 0 && threadIdx.x == 0) *q.status = status;
}

/* Blocks that can run at once. */
int most() {
  static const int count = [] {
    int each = 0;
    cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, gradients, THREADS, 0);
    return std::max(each, 1) * device::processors();
  }();
  return count;
}

}  // namespace

extern "C" void *solve_setup(const solve_in *in, const void *) {
  auto *made = new (std::nothrow) Scaled<THREADS>(in);
  if (made && made->call.finish() == device::OK) return made;
  delete made;
  return nullptr;
}

extern "C" int solve_run(void *handle, const solve_in *in, const void *, solve_out *out) {
  const auto &matrix = *static_cast<Scaled<THREADS> *>(handle);
  const int64_t n = in->nrows;
  const int blocks = int(std::clamp<int64_t>(std::max(matrix.a.count, (n + THREADS - 1) / THREADS), 1, most()));
  device::Call call(in->device);
  System q{matrix.a, matrix.root, matrix.check, *in, {}, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
  q.in.b = call.in(in->b, n), q.in.x0 = call.in(in->x0, n);
  q.out = {call.out(out->x, n), call.out(out->told, 1), call.out(out->history, SOLVE_HISTORY)};
  for (double **vector : {&q.x, &q.r, &q.p, &q.s, &q.w}) *vector = call.take<double>(n);
  q.parts = call.take<double2>(2 * blocks), q.aside = call.take<double>(1 + SOLVE_HISTORY), q.status = call.take<int>(1);
  void *arguments[] = {&q};
  if (call.note(cudaSuccess))
    call.note(cudaLaunchCooperativeKernel(reinterpret_cast<const void *>(gradients), blocks, THREADS, arguments, 0, 0));
  int status = SOLVE_OK;
  call.back(out->x, q.out.x, n), call.back(out->told, q.out.told, 1), call.back(out->history, q.out.history, SOLVE_HISTORY);
  if (call.note(cudaSuccess)) call.note(cudaMemcpyAsync(&status, q.status, sizeof status, cudaMemcpyDeviceToHost, 0));
  const int failed = call.finish();
  return failed ? failed : status;
}

extern "C" void solve_free(void *handle) { delete static_cast<Scaled<THREADS> *>(handle); }
