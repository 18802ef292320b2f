// /// hpcbench
// model = "mpi"
// summary = "1D row blocks: fetch the rows of B that this rank's rows of A need, multiply locally; MERGE_MAX 0: as fitted"
// source = "Gustavson, ACM TOMS 4(3), 1978; row-wise 1D algorithm after Buluc and Gilbert, SIAM J. Sci. Comput. 34(4), 2012"
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
// ///
/* Until the values of fetched rows have arrived, inner rows are multiplied a few at a time, and the messages are seen to in
 * between: a rank that begins with border rows would wait for all the inner rows of its neighbour (a 5-point stencil took
 * twice as long). */
#include "border.hpp"
#include "rows.hpp"

extern "C" void *spgemm_setup(const spgemm_in *in, const void *) { return border::plan(in); }

extern "C" int spgemm_run(void *handle, const spgemm_in *in, const void *, spgemm_out *out) {
  if (!handle) return SPGEMM_NO_MEMORY; /* setup failed, on every rank */
  border::Plan &plan = *static_cast<border::Plan *>(handle);
  border::Values values(in, &plan);
  const border::Parts parts(in, plan);
  rows::Multiplier inner(parts.of[0].b, in->sorted != 0), outer(parts.of[1].b, in->sorted != 0);
  constexpr int64_t kStep = 256; /* entries of A between two looks at the messages */
  bool arrived = false;
  int64_t row = 0, nnz = 0;
  out->indptr[0] = 0;
  for (size_t r = 0; r < plan.runs.size(); ++r)
    while (row < plan.runs[r] && nnz >= 0) {
      if (r % 2 && !arrived) values.wait(), arrived = true;
      int64_t to = arrived ? plan.runs[r] : row + 1;
      while (to < plan.runs[r] && in->a_indptr[to] < in->a_indptr[row] + kStep) ++to;
      nnz = (r % 2 ? outer : inner)
                .multiply(parts.of[r % 2].a, row, to, out->indptr + 1, out->indices, out->data, out->capacity, nnz, true);
      if (!arrived) arrived = values.arrived();
    }
  return nnz < 0 ? SPGEMM_NO_MEMORY : SPGEMM_OK;
}

extern "C" void spgemm_free(void *handle) { delete static_cast<border::Plan *>(handle); }
