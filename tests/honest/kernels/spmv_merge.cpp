// /// hpcbench
// model = "openmp"
// summary = "merge path with carry-outs fixed up after the region; thread_local scratch"
// ///
#include <omp.h>
#include <vector>
#include <algorithm>
#include "abi.h"
namespace {
struct Carry { int64_t row; double val; };
void search(int64_t d, const int64_t *ends, int64_t n, int64_t nnz, int64_t &r, int64_t &k) {
  int64_t lo = std::max<int64_t>(d - nnz, 0), hi = std::min(d, n);
  while (lo < hi) { int64_t m = (lo + hi) >> 1; if (ends[m] <= d - m - 1) lo = m + 1; else hi = m; }
  r = lo; k = d - lo;
}
}
extern "C" int spmv_run(void *, const spmv_in *in, const void *, spmv_out *out) {
  const int64_t n = in->nrows, nnz = in->indptr[n], *ends = in->indptr + 1;
  std::vector<Carry> carry(omp_get_max_threads(), Carry{n, 0.0});
#pragma omp parallel
  {
    const int64_t t = omp_get_thread_num(), T = omp_get_num_threads(), all = n + nnz, per = (all + T - 1) / T;
    int64_t r, k, re, ke;
    search(std::min(per * t, all), ends, n, nnz, r, k); search(std::min(per * (t + 1), all), ends, n, nnz, re, ke);
    for (; r < re; r++) { double s = 0; for (; k < ends[r]; k++) s += in->data[k] * in->x[in->indices[k]]; out->y[r] = s; }
    double s = 0; for (; k < ke; k++) s += in->data[k] * in->x[in->indices[k]];
    carry[t] = {re, s};
  }
  for (auto &c : carry) if (c.row < n) out->y[c.row] += c.val;
  return SPMV_OK;
}
