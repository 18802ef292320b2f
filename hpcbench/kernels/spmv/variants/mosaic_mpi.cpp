// /// hpcbench
// model = "mpi"
// summary = "row blocks: what meets a rank's own part of x as a mosaic while the others' entries are on their way"
// source = "the split into inner and border rows: Hoefler et al., Parallel Computing 33(9), 2007; see mosaic.cpp"
// flags = ["-O3", "-march=native"]
// ///
#include "border.hpp"

extern "C" void *spmv_setup(const spmv_in *in, const void *) { return border::plan(in); }

extern "C" int spmv_run(void *handle, const spmv_in *in, const void *, spmv_out *out) {
  if (!handle) return SPMV_NO_MEMORY; /* setup failed, on every rank */
  border::multiply(in, static_cast<border::Plan *>(handle), out->y);
  return SPMV_OK;
}

extern "C" void spmv_free(void *handle) { delete static_cast<border::Plan *>(handle); }
