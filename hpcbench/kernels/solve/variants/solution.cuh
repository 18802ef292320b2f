/* A solve on a CUDA device, all of it in one kernel, whose blocks meet where a method needs sums or what others wrote. In unknowns scaled
 * by roots of the diagonal's sizes: the matrix is S A S, a diagonal entry 1 or, where A's is negative, -1. */
#ifndef SOLVE_SOLUTION_CUH
#define SOLVE_SOLUTION_CUH
#include <algorithm>
#include <memory>
#include <new>

#include "scaled.cuh"
#include "world.cuh"

namespace solve {

struct System {
  tiles::Matrix a; /* S A S */
  const double *root;
  const Check *check;
  Colours colours;
  double omega;
  solve_in in;   /* b and x0 on the device */
  solve_out out; /* on the device */
  double *x, *r; /* scaled */
  double *own;   /* vectors of the method, one behind the other */
  double2 *parts;
  double *aside; /* where blocks tell what the first one tells to `out` */
  int *status;
};

/* w = S A S u; this thread's part of u.w. */
struct Product {
  const double *u; /* written in this kernel: not through the read-only path */
  double *w, dot;
  __device__ double at(int column) const { return u[column]; }
  __device__ void part(int64_t row, double sum) { dot += u[row] * sum; }
  __device__ void whole(int64_t row, double sum) { w[row] = sum; }
};

/* What methods have in common. Of a Method there are kVectors; kSymmetric, whether A has to be symmetric positive definite; and
 * iterate(rho): add to x what makes r = S (b - A x) small, whose square is `rho`; why it stopped. */
template <class Method, int BLOCK> class Solution {
 public:
  struct Shared {
    tiles::Scratch<BLOCK> tile;
    typename World<BLOCK>::Shared sums;
    alignas(Progress) char progress[sizeof(Progress)];
    int status;
  };

  __device__ Solution(const System &q, Shared *shared) : q_(q), shared_(shared), world_(&shared->sums, q.parts) {}

  /* As Method::run of method.hpp, in unknowns over 2^shift_ times S. */
  __device__ int run() {
    double2 b = squares();
    if (isinf(b.y)) shift_ = 900, b = squares(); /* as a sum, maybe */
    if (!(b.x >= kLeast && b.x <= kMost) && b.y > 0 && isfinite(b.y)) shift_ += ilogb(b.y), b = squares();
    begin(b.x);
    int status = q_.check->status(Method::kSymmetric);
    if (!status && !isfinite(b.x)) status = SOLVE_BREAKDOWN;
    if (status || b.x == 0) {
      each([&](int64_t i) { q_.out.x[i] = b.x == 0 ? 0 : q_.in.x0[i]; });
      return status;
    }
    each([&](int64_t i) { q_.x[i] = scalbn(q_.in.x0[i], -shift_) * size(i); });
    double2 squares = residual();
    if (shift_ && !(squares.x <= b.x)) { /* zero is no worse a guess */
      each([&](int64_t i) { q_.x[i] = 0; });
      squares = residual();
    }
    double norm = sqrt(squares.x);
    status = decide([norm](Progress *progress) { return progress->begin(norm); });
    for (int again = 0; status == kGoOn; ++again) {
      status = static_cast<Method *>(this)->iterate(squares.y);
      const double before = norm;
      squares = residual(), norm = sqrt(squares.x);
      if (status != SOLVE_OK || norm <= progress()->target()) break;
      status = norm > before / 2 || again == kRestarts ? SOLVE_STAGNATED : kGoOn;
    }
    each([&](int64_t i) { q_.out.x[i] = scalbn(q_.x[i] / size(i), shift_); });
    return status;
  }

 protected:
  template <class Do> __device__ void each(Do what) {
    for (int64_t i = world_.first(); i < q_.in.nrows; i += world_.step()) what(i);
  }
  __device__ double *own(int which) const { return q_.own + which * q_.in.nrows; }
  __device__ double size(int64_t i) const { return fabs(q_.root[i]); }
  __device__ Progress *progress() { return reinterpret_cast<Progress *>(shared_->progress); }

  /* Why to stop, or kGoOn: every block finds the same. */
  template <class Ask> __device__ int decide(Ask ask) {
    if (threadIdx.x == 0) shared_->status = ask(progress());
    __syncthreads();
    return shared_->status;
  }
  __device__ int step(double square) {
    return decide([square](Progress *progress) { return progress->step(sqrt(square)); });
  }

  template <class Sink> __device__ void multiply(const tiles::Matrix &a, Sink &sink) {
    for (int64_t t = blockIdx.x; t < a.count; t += gridDim.x) {
      tiles::multiply<BLOCK>(a, t, shared_->tile, sink);
      __syncthreads();
    }
  }

  const System &q_;
  Shared *shared_;
  World<BLOCK> world_;

 private:
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

  /* r = S (b - A S x); the squares of b - A S x and of r. Seldom called: inlined it would cost iterations registers. */
  __device__ __noinline__ double2 residual() {
    world_.meet();
    Product product{q_.x, q_.r, 0};
    multiply(q_.a, product);
    world_.meet();
    double own = 0, square = 0;
    each([&](int64_t i) {
      const double r = b(i) / size(i) - q_.r[i];
      q_.r[i] = r, own += r * size(i) * (r * size(i)), square += r * r;
    });
    return world_.sum(own, square);
  }

  int shift_ = 0;
};

template <class Method, int BLOCK> __global__ void __launch_bounds__(BLOCK, 1024 / BLOCK) solution(const __grid_constant__ System q) {
  __shared__ typename Method::Shared shared;
  const int status = Method(q, &shared).run();
  if (blockIdx.x == 0 && threadIdx.x == 0) *q.status = status;
}

/* Run a Method on `matrix`. */
template <class Method, int BLOCK> int solved(const Scaled<BLOCK> &matrix, const solve_in *in, double omega, solve_out *out) {
  static const int most = [] { /* blocks that can run at once */
    int each = 0;
    cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, solution<Method, BLOCK>, BLOCK, 0);
    return std::max(each, 1) * device::processors();
  }();
  const int64_t n = in->nrows;
  const int blocks = int(std::clamp<int64_t>(std::max(matrix.a.count, (n + BLOCK - 1) / BLOCK), 1, most));
  device::Call call(in->device);
  System q{};
  q.a = matrix.a, q.colours = matrix.colours, q.root = matrix.root, q.check = matrix.check, q.omega = omega, q.in = *in;
  q.in.b = call.in(in->b, n), q.in.x0 = call.in(in->x0, n);
  q.out = {call.out(out->x, n), call.out(out->told, 1), call.out(out->history, SOLVE_HISTORY)};
  q.x = call.take<double>(n), q.r = call.take<double>(n), q.own = call.take<double>(Method::kVectors * n);
  q.parts = call.take<double2>(Method::kSums * 2 * blocks), q.aside = call.take<double>(1 + SOLVE_HISTORY), q.status = call.take<int>(1);
  void *arguments[] = {&q};
  if (call.note(cudaSuccess))
    call.note(cudaLaunchCooperativeKernel(reinterpret_cast<const void *>(solution<Method, BLOCK>), blocks, BLOCK, arguments, 0, 0));
  int status = SOLVE_OK;
  call.back(out->x, q.out.x, n), call.back(out->told, q.out.told, 1), call.back(out->history, q.out.history, SOLVE_HISTORY);
  if (call.note(cudaSuccess)) call.note(cudaMemcpyAsync(&status, q.status, sizeof status, cudaMemcpyDeviceToHost, 0));
  const int failed = call.finish();
  return failed ? failed : status;
}

/* What setup returns: a Matrix on the device, or nothing where there is no room. */
template <class Matrix> void *whole(const solve_in *in) {
  try {
    auto made = std::make_unique<Matrix>(in);
    return made->call.finish() == device::OK ? made.release() : nullptr;
  } catch (const std::bad_alloc &) {
    return nullptr;
  }
}

}  // namespace solve
#endif
