// /// hpcbench
// model = "serial"
// summary = "each few rows as diagonals, as runs of neighbouring columns, or as CSR, by estimated cost; many together in cache blocks where x does not stay in a cache"
// source = "DIA: Saad, Iterative Methods for Sparse Linear Systems, section 3.4; rows of equal columns: PETSc's inodes; cache blocks: Buluc et al., SPAA 2009"
// flags = ["-O3", "-march=native"]
// ///
#include "mosaic.hpp"

extern "C" void *spmv_setup(const spmv_in *in, const void *) {
  try {
    return new spmv::Mosaic(in, 0, in->nrows);
  } catch (const std::bad_alloc &) {
    return nullptr;
  }
}

extern "C" int spmv_run(void *handle, const spmv_in *in, const void *, spmv_out *out) {
  static_cast<const spmv::Mosaic *>(handle)->multiply(in, out->y);
  return SPMV_OK;
}

extern "C" void spmv_free(void *handle) { delete static_cast<spmv::Mosaic *>(handle); }
