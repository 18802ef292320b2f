// /// hpcbench
// model = "openmp"
// summary = "sync-free with std::atomic flags, epochs reuse the flags between calls"
// ///
#include <atomic>
#include <memory>
#include <vector>
#include <immintrin.h>
#include <sched.h>
#include "abi.h"
struct Flags { std::unique_ptr<std::atomic<uint32_t>[]> f; uint32_t epoch = 0; };
extern "C" void *sptrsv_setup(const sptrsv_in *in, const void *) { auto *p = new Flags; p->f.reset(new std::atomic<uint32_t>[in->nrows + 1]()); return p; }
extern "C" void sptrsv_free(void *h) { delete static_cast<Flags *>(h); }
extern "C" int sptrsv_run(void *h, const sptrsv_in *in, const void *, sptrsv_out *out) {
  auto &p = *static_cast<Flags *>(h); const uint32_t e = ++p.epoch; double *x = out->x; auto *f = p.f.get();
#pragma omp parallel for schedule(static, 1)
  for (int64_t i = 0; i < in->nrows; i++) {
    double s = in->b[i]; const int64_t last = in->indptr[i + 1] - 1;
    for (int64_t k = in->indptr[i]; k < last; k++) { const int32_t j = in->indices[k]; int spins = 0;
      while (f[j].load(std::memory_order_acquire) != e) { _mm_pause(); if (++spins > 200) { spins = 0; sched_yield(); } }
      s -= in->data[k] * x[j]; }
    x[i] = s / in->data[last]; f[i].store(e, std::memory_order_release);
  }
  return SPTRSV_OK;
}
