// /// hpcbench
// model = "openmp"
// summary = "blocks of rows as tasks, depend(iterator) on the blocks they need"
// ///
#include <algorithm>
#include <vector>
#include "abi.h"
extern "C" int sptrsv_run(void *, const sptrsv_in *in, const void *, sptrsv_out *out) {
  const int64_t n = in->nrows, B = std::max<int64_t>(n / 24, 16), nb = (n + B - 1) / B; double *x = out->x;
  std::vector<char> token(nb + 1); char *t = token.data();
  std::vector<std::vector<int>> need(nb);
  for (int64_t b = 0; b < nb; b++) { auto &w = need[b]; for (int64_t k = in->indptr[b * B]; k < in->indptr[std::min(n, b * B + B)]; k++) { int o = (int)(in->indices[k] / B); if (o != b) w.push_back(o); } std::sort(w.begin(), w.end()); w.erase(std::unique(w.begin(), w.end()), w.end()); }
#pragma omp parallel
#pragma omp master
  for (int64_t b = 0; b < nb; b++) {
    const int *w = need[b].data(); const int m = (int)need[b].size();
#pragma omp task firstprivate(b) depend(iterator(q = 0 : m), in : t[w[q]]) depend(out : t[b]) untied
    for (int64_t i = b * B; i < std::min(n, b * B + B); i++) { double s = in->b[i]; const int64_t last = in->indptr[i + 1] - 1; for (int64_t k = in->indptr[i]; k < last; k++) s -= in->data[k] * x[in->indices[k]]; x[i] = s / in->data[last]; }
  }
  return SPTRSV_OK;
}
