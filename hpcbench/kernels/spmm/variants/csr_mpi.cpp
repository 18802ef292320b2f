// /// hpcbench
// model = "mpi"
// summary = "row blocks: inner rows while the border rows' rows of X are on their way"
// source = "the split into inner and border rows: Hoefler et al., Parallel Computing 33(9), 2007; see csr.cpp"
// flags = ["-O3", "-march=native", "-falign-loops=64"]
// [params.WIDE]
// when = "build"
// default = 128
// values = [8, 32, 64, 128]
// [params.AHEAD]
// when = "build"
// default = 8
// values = [1, 4, 8, 16]
// ///
#include "border.hpp"

extern "C" void *spmm_setup(const spmm_in *in, const void *) { return border::plan(in); }

extern "C" int spmm_run(void *handle, const spmm_in *in, const void *, spmm_out *out) {
  if (!handle) return SPMM_NO_MEMORY; /* setup failed, on every rank */
  border::multiply(in, static_cast<border::Plan *>(handle), out->y);
  return SPMM_OK;
}

extern "C" void spmm_free(void *handle) { delete static_cast<border::Plan *>(handle); }
