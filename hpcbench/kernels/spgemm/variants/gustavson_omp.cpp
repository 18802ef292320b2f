// /// hpcbench
// model = "openmp"
// summary = "Gustavson on chunks of rows in tickets, output placed in order without a symbolic pass; MERGE_MAX 0: as fitted"
// source = "Gustavson, ACM TOMS 4(3), 1978; accumulator choice after Nagasaka et al., Parallel Computing 90, 2019"
// flags = ["-O3", "-march=native"]
// restrictions = ["ACCUMULATOR == 'auto' or MERGE_MAX == 0"]  # the others have no such limits
// [params.ACCUMULATOR]
// when = "build"
// default = "auto"
// values = ["auto", "dense", "hash", "merge"]
// [params.MERGE_MAX]
// when = "build"
// default = 0  # as fitted
// values = [0, 64, 128, 256]
// [params.SWEEP_MAX]
// when = "build"
// default = 4
// values = [2, 4, 8, 16]
// [params.REPLAY]
// when = "build"
// default = 1
// values = [0, 1]
// [params.CHUNK]
// when = "build"
// default = 131072
// values = [8192, 32768, 131072, 524288]
// [params.SERIAL_BELOW]
// when = "build"
// default = 65536
// values = [0, 16384, 65536, 262144]
// ///
#include "chunks.hpp"

/* Whether the product takes fewer multiply-adds than are done while threads are woken. */
static bool few(const spgemm_in *in) {
  const int64_t entries = in->a_indptr[in->a_nrows];
  int64_t flops = entries;
  for (int64_t k = 0; k < entries && flops < SERIAL_BELOW; ++k)
    flops += in->b_indptr[in->a_indices[k] + 1] - in->b_indptr[in->a_indices[k]];
  return flops < SERIAL_BELOW;
}

extern "C" int spgemm_run(void *, const spgemm_in *in, const void *, spgemm_out *out) {
  const rows::Part whole = {{in->a_nrows, in->a_ncols, in->a_indptr, in->a_indices, in->a_data},
                            {in->b_nrows, in->b_ncols, in->b_indptr, in->b_indices, in->b_data}};
  if (omp_get_max_threads() == 1 || few(in)) {
    rows::Multiplier multiplier(whole.b, in->sorted != 0);
    out->indptr[0] = 0;
    const int64_t nnz = multiplier.multiply(whole.a, out->indptr + 1, out->indices, out->data, out->capacity);
    return nnz < 0 ? SPGEMM_NO_MEMORY : SPGEMM_OK;
  }
  const auto always = [](int) { return true; };
  return rows::multiply({whole}, {in->a_nrows}, in->sorted != 0, out, always) ? SPGEMM_OK : SPGEMM_NO_MEMORY;
}
