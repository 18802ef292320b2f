// /// hpcbench
// model = "openmp"
// summary = "no barriers: a thread has blocks of rows, or its part of each level, and waits for what it needs of others; setup tries them"
// source = "Park et al., ISC 2014, LNCS 8488"
// flags = ["-O3", "-march=native"]
// [params.WIDTH]
// when = "build"
// default = 64
// values = [16, 32, 64, 128]
// [params.LEAST]
// when = "build"
// default = 64
// values = [8, 32, 64, 128, 256]
// [params.SERIAL_BELOW]
// when = "build"
// default = 5000
// values = [0, 5000, 20000, 50000]
// [params.KEEP]
// when = "build"
// default = -1
// values = [-1, 0, 1, 2, 3]
// ///
#include "threads.hpp"

extern "C" void *sptrsv_setup(const sptrsv_in *in, const void *) {
  const int64_t threads = in->nrows < SERIAL_BELOW ? 1 : omp_get_max_threads();
  return sptrsv::tried(in, KEEP, [in, threads](sptrsv::Trial *trial) { sptrsv::several(sptrsv::matrix(in), threads, WIDTH, LEAST, true, trial); });
}
extern "C" int sptrsv_run(void *handle, const sptrsv_in *in, const void *, sptrsv_out *out) {
  return static_cast<sptrsv::Solver *>(handle)->run(in->b, out->x), SPTRSV_OK;
}
extern "C" void sptrsv_free(void *handle) { delete static_cast<sptrsv::Solver *>(handle); }
