// /// hpcbench
// model = "serial"
// summary = "forward substitution row by row"
// source = "Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., SIAM, 2003, section 11.6"
// flags = ["-O3", "-march=native"]
// ///
#include "triangle.hpp"

extern "C" int sptrsv_run(void *, const sptrsv_in *in, const void *, sptrsv_out *out) {
  double *x = out->x;
  for (int64_t i = 0, k = 0; i < in->nrows; ++i) {
    const int64_t last = in->indptr[i + 1] - 1;
    x[i] = sptrsv::rest(in->b[i], in->data + k, in->indices + k, last - k, x) / in->data[last];
    k = last + 1;
  }
  return SPTRSV_OK;
}
