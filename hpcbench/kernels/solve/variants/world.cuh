/* What all blocks of a kernel do together: meet, and sum. */
#ifndef SOLVE_WORLD_CUH
#define SOLVE_WORLD_CUH
#include <cooperative_groups.h>

#include "../../shared/tiles.cuh"

namespace solve {

/* All blocks of a grid, each of BLOCK threads, that were launched to run at once. */
template <int BLOCK> class World {
 public:
  static constexpr int kWarps = BLOCK / tiles::kWarp;
  struct Shared {
    double2 sum[kWarps];
  };

  /* `parts`: two for every block. */
  __device__ World(Shared *shared, double2 *parts) : shared_(shared), parts_(parts) {}

  __device__ int64_t first() const { return blockIdx.x * int64_t(BLOCK) + threadIdx.x; }
  __device__ int64_t step() const { return gridDim.x * int64_t(BLOCK); }

  /* What was written before is seen after it, by all. */
  __device__ void meet() { cooperative_groups::this_grid().sync(); }

  /* Both sums over the threads of this block. */
  __device__ double2 of_block(double2 v) {
    v.x = tiles::gather(v.x), v.y = tiles::gather(v.y);
    __syncthreads();
    if (threadIdx.x % tiles::kWarp == 0) shared_->sum[threadIdx.x / tiles::kWarp] = v;
    __syncthreads();
    v = {0, 0};
    for (const double2 &part : shared_->sum) v.x += part.x, v.y += part.y;
    return v;
  }

  /* Both sums over all threads, the same to the last bit in each; they meet. */
  __device__ double2 sum(double a, double b) {
    double2 *parts = parts_ + (turn_ ? gridDim.x : 0); /* those of the last sum may still be read */
    turn_ = !turn_;
    double2 total = of_block({a, b});
    if (threadIdx.x == 0) parts[blockIdx.x] = total;
    meet();
    total = {0, 0};
    for (unsigned i = threadIdx.x; i < gridDim.x; i += BLOCK) {
      const double2 part = __ldcg(parts + i);
      total.x += part.x, total.y += part.y;
    }
    return of_block(total);
  }

 private:
  Shared *shared_;
  double2 *parts_;
  bool turn_ = false;
};

}  // namespace solve
#endif
