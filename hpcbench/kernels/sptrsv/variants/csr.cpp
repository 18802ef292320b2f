// /// hpcbench
// model = "serial"
// summary = "forward substitution row by row"
// source = "Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM, 2003, section 11.6"
// flags = ["-O3", "-march=native"]
// ///
#include "triangle.hpp"

extern "C" int sptrsv_run(void *, const sptrsv_in *in, const void *, sptrsv_out *out) {
  return sptrsv::Plain(sptrsv::matrix(in)).run(in->b, out->x), SPTRSV_OK;
}
