// /// hpcbench
// model = "openmp"
// summary = "a mosaic of diagonals, runs, rows and cache blocks per thread, each with as many entries"
// source = "DIA: Saad, Iterative Methods for Sparse Linear Systems, section 3.4; rows of equal columns: PETSc's inodes; cache blocks: Buluc et al., SPAA 2009"
// flags = ["-O3", "-march=native"]
// [params.SERIAL_BELOW]
// when = "build"
// default = 262144
// values = [0, 65536, 262144, 1048576]
// ///
#include <omp.h>

#include "mosaic.hpp"

typedef std::vector<std::unique_ptr<spmv::Mosaic>> Parts;

extern "C" void *spmv_setup(const spmv_in *in, const void *) {
  /* Entries and rows that are multiplied sooner than threads are woken; a row costs as much as two entries. */
  const bool few = in->indptr[in->nrows] + 2 * in->nrows < SERIAL_BELOW;
  const int64_t all = few ? 1 : omp_get_max_threads();
  std::unique_ptr<Parts> parts;
  try {
    parts.reset(new Parts(size_t(all)));
  } catch (const std::bad_alloc &) {
    return nullptr;
  }
  bool failed = false;
#pragma omp parallel for schedule(static, 1) reduction(|| : failed) /* each thread's memory where it runs */
  for (int64_t p = 0; p < all; ++p) {
    try {
      (*parts)[size_t(p)].reset(new spmv::Mosaic(in, spmv::cut(in, p, all), spmv::cut(in, p + 1, all)));
    } catch (const std::bad_alloc &) {
      failed = true;
    }
  }
  return failed ? nullptr : parts.release();
}

extern "C" int spmv_run(void *handle, const spmv_in *in, const void *, spmv_out *out) {
  const Parts &parts = *static_cast<const Parts *>(handle);
#pragma omp parallel for schedule(static, 1) if (parts.size() > 1)
  for (size_t p = 0; p < parts.size(); ++p) parts[p]->multiply(in, out->y);
  return SPMV_OK;
}

extern "C" void spmv_free(void *handle) { delete static_cast<Parts *>(handle); }
