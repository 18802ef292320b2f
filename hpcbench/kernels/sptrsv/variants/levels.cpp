// /// hpcbench
// model = "serial"
// summary = "blocks of rows, each level by level, eight rows side by side, or row by row: setup tries both"
// source = "Anderson and Saad, Int. J. High Speed Comput. 1(1), 1989"
// flags = ["-O3", "-march=native"]
// [params.WIDTH]
// when = "build"
// default = 64
// values = [16, 32, 64, 128, 1000000]
// [params.KEEP]
// when = "build"
// default = -1
// values = [-1, 0, 1]
// ///
#include "threads.hpp"

extern "C" void *sptrsv_setup(const sptrsv_in *in, const void *) {
  return sptrsv::tried(in, KEEP, [in](sptrsv::Trial *trial) { sptrsv::alone(sptrsv::matrix(in), WIDTH, trial); });
}
extern "C" int sptrsv_run(void *handle, const sptrsv_in *in, const void *, sptrsv_out *out) {
  return static_cast<sptrsv::Solver *>(handle)->run(in->b, out->x), SPTRSV_OK;
}
extern "C" void sptrsv_free(void *handle) { delete static_cast<sptrsv::Solver *>(handle); }
