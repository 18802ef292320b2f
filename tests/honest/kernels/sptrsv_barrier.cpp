// /// hpcbench
// model = "openmp"
// summary = "std::jthread team with std::barrier per level; Kahan"
// flags = ["-O2", "-std=gnu++20", "-pthread"]
// ///
#include <barrier>
#include <thread>
#include <vector>
#include <span>
#include <ranges>
#include <omp.h>
#include "abi.h"
struct Levels { std::vector<std::vector<int64_t>> rows; };
extern "C" void *sptrsv_setup(const sptrsv_in *in, const void *) {
  auto *l = new Levels; std::vector<int64_t> d(in->nrows);
  for (int64_t i : std::views::iota(int64_t{0}, in->nrows)) { std::span<const int32_t> c(in->indices + in->indptr[i], in->indices + in->indptr[i + 1] - 1); int64_t m = 0; for (int32_t j : c) m = std::max(m, d[j] + 1); d[i] = m; if ((int64_t)l->rows.size() <= m) l->rows.resize(m + 1); l->rows[m].push_back(i); }
  return l;
}
extern "C" void sptrsv_free(void *h) { delete static_cast<Levels *>(h); }
extern "C" int sptrsv_run(void *h, const sptrsv_in *in, const void *, sptrsv_out *out) {
  auto &l = *static_cast<Levels *>(h); const int T = omp_get_max_threads(); double *x = out->x;
  std::barrier<> b(T);
  auto work = [&](int t) { for (auto &rows : l.rows) { const size_t n = rows.size(); for (size_t q = n * t / T; q < n * (t + 1) / T; q++) { const int64_t i = rows[q]; double s = in->b[i], e = 0;
        for (int64_t k = in->indptr[i]; k < in->indptr[i + 1] - 1; k++) { const double y = -in->data[k] * x[in->indices[k]] - e, u = s + y; e = (u - s) - y; s = u; } x[i] = s / in->data[in->indptr[i + 1] - 1]; } b.arrive_and_wait(); } };
  std::vector<std::jthread> team; for (int t = 1; t < T; t++) team.emplace_back(work, t);
  work(0); return SPTRSV_OK;
}
