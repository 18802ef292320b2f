// /// hpcbench
// model = "serial"
// summary = "CSR row by row, up to 128 columns at a time in registers, rows of X fetched ahead"
// source = "Hong et al., PPoPP 2019; without its reordering"
// flags = ["-O3", "-march=native"]
// [params.WIDE]
// when = "build"
// default = 128
// values = [8, 32, 64, 128]
// [params.AHEAD]
// when = "build"
// default = 8
// values = [1, 4, 8, 16]
// ///
#include "rows.hpp"

extern "C" int spmm_run(void *, const spmm_in *in, const void *, spmm_out *out) {
  spmm::rows(in, 0, in->nrows, spmm::beyond(in, out->y), out->y);
  return SPMM_OK;
}
