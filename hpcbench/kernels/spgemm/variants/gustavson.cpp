// /// hpcbench
// model = "serial"
// summary = "Gustavson row by row, accumulator chosen per row; MERGE_MAX and its kin 0: as fitted"
// source = "Gustavson, ACM TOMS 4(3), 1978; accumulator choice after Nagasaka et al., Parallel Computing 90, 2019"
// flags = ["-O3", "-march=native"]
// restrictions = ["ACCUMULATOR == 'auto' or MERGE_MAX + SMALL_MAX + MERGE_WIDTH + LONG_ROWS == 0"]  # the others have no such limits
// [params.ACCUMULATOR]
// when = "build"
// default = "auto"
// values = ["auto", "dense", "hash", "merge"]
// [params.SMALL_MAX]
// when = "build"
// default = 0
// values = [0, 16, 32]
// [params.LONG_ROWS]
// when = "build"
// default = 0
// values = [0, 4, 8, 4096]
// [params.MERGE_WIDTH]
// when = "build"
// default = 0
// values = [0, 4096, 16384, 65536]
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
// ///
/* One phase: each row is computed straight into its place, since the rows before it are complete; no
 * symbolic pass and no compaction. Pages behind the last entry are touched by at most a few vectors. */
#include "abi.h"
#include "rows.hpp"

extern "C" int spgemm_run(void *, const spgemm_in *in, const void *, spgemm_out *out) {
  const rows::Csr a = {in->a_nrows, in->a_ncols, in->a_indptr, in->a_indices, in->a_data};
  const rows::Csr b = {in->b_nrows, in->b_ncols, in->b_indptr, in->b_indices, in->b_data};
  rows::Multiplier multiplier(b, in->sorted != 0);
  out->indptr[0] = 0;
  const int64_t nnz =
      multiplier.multiply(a, out->indptr + 1, out->indices, out->data, out->capacity);
  return nnz < 0 ? SPGEMM_NO_MEMORY : SPGEMM_OK;
}
