// /// hpcbench
// model = "openmp"
// summary = "CSR, each thread a block of rows with as many entries"
// source = "Williams et al., Parallel Computing 35(3), 2009"
// flags = ["-O3", "-march=native"]
// ///
#include <omp.h>

#include "csr.hpp"

extern "C" int spmv_run(void *, const spmv_in *in, const void *, spmv_out *out) {
#pragma omp parallel
  {
    const int64_t me = omp_get_thread_num(), all = omp_get_num_threads();
    const int64_t from = spmv::cut(in, me, all), to = spmv::cut(in, me + 1, all);
    if (from < to) spmv::rows(in, from, to, out->y);
  }
  return SPMV_OK;
}
