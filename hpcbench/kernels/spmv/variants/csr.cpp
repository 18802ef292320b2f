// /// hpcbench
// model = "serial"
// summary = "CSR row by row, four sums per row"
// source = "Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM, 2003, section 3.4"
// flags = ["-O3", "-march=native"]
// ///
#include "csr.hpp"

extern "C" int spmv_run(void *, const spmv_in *in, const void *, spmv_out *out) {
  if (in->nrows) spmv::rows(in, 0, in->nrows, out->y);
  return SPMV_OK;
}
