// /// hpcbench
// model = "openmp"
// summary = "CSR row by row, up to 128 columns at a time in registers, rows with the same columns together; each thread has as many entries"
// source = "Hong et al., PPoPP 2019; without its reordering"
// flags = ["-O3", "-march=native", "-falign-loops=64"]
// [params.WIDE]
// when = "build"
// default = 128
// values = [8, 32, 64, 128]
// [params.AHEAD]
// when = "build"
// default = 8
// values = [1, 4, 8, 16]
// [params.SERIAL_BELOW]
// when = "build"
// default = 2097152
// values = [0, 1048576, 2097152, 4194304]
// ///
#include <omp.h>

#include "setup.hpp"

extern "C" int spmm_run(void *handle, const spmm_in *in, const void *, spmm_out *out) {
  const auto &found = *static_cast<const std::vector<char> *>(handle);
  const spmm::Way way = spmm::way(in, out->y);
  const bool worth = in->nrows && in->indptr[in->nrows] * in->k >= SERIAL_BELOW; /* waking a thread takes as long as some of that */
#pragma omp parallel if (worth)
  {
    const int64_t me = omp_get_thread_num(), all = omp_get_num_threads();
    const int64_t from = sparse::cut(in, me, all), to = sparse::cut(in, me + 1, all);
    if (from < to) spmm::rows(in, spmm::Whole{in->x, in->k}, found, from, to, way, out->y);
  }
  return SPMM_OK;
}
