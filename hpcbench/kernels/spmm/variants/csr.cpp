// /// hpcbench
// model = "serial"
// summary = "CSR row by row, up to 128 columns at a time in registers, rows of X fetched ahead; up to four rows with the same columns share them"
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
// ///
#include "setup.hpp"

extern "C" int spmm_run(void *handle, const spmm_in *in, const void *, spmm_out *out) {
  const auto &found = *static_cast<const std::vector<char> *>(handle);
  spmm::rows(in, spmm::Whole{in->x, in->k}, found, 0, in->nrows, spmm::way(in, out->y), out->y);
  return SPMM_OK;
}
