// /// hpcbench
// model = "openmp"
// summary = "non-temporal stores where aligned, huge page scratch by mmap, first touch, thread-local arena"
// ///
#include <immintrin.h>
#include <sys/mman.h>
#include <cstring>
#include <new>
#include <omp.h>
#include "abi.h"
namespace {
struct Huge { void *p = nullptr; size_t n = 0;
  double *get(size_t want) { if (want > n) { drop(); n = (want + (2u << 20) - 1) & ~size_t((2u << 20) - 1); p = mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0); if (p == MAP_FAILED) { p = nullptr, n = 0; throw std::bad_alloc(); } madvise(p, n, MADV_HUGEPAGE); } return static_cast<double *>(p); }
  void drop() { if (p) munmap(p, n); p = nullptr, n = 0; }
  ~Huge() { drop(); } };
thread_local Huge arena;
}
extern "C" int spmm_run(void *, const spmm_in *in, const void *, spmm_out *out) {
  const int64_t K = in->k; int bad = 0;
#pragma omp parallel reduction(|| : bad)
  try {
    double *a = arena.get(8 * (size_t)K);
#pragma omp for schedule(static)
    for (int64_t i = 0; i < in->nrows; i++) {
      std::memset(a, 0, 8 * (size_t)K);
      for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) { const double v = in->data[k], *x = in->x + in->indices[k] * K; _mm_prefetch((const char *)(x + K), _MM_HINT_T1); for (int64_t q = 0; q < K; q++) a[q] += v * x[q]; }
      double *y = out->y + i * K; int64_t q = 0;
      for (; q < K && (reinterpret_cast<uintptr_t>(y + q) & 15); q++) y[q] = a[q];
      for (; q + 2 <= K; q += 2) _mm_stream_pd(y + q, _mm_loadu_pd(a + q));
      for (; q < K; q++) y[q] = a[q];
    }
    _mm_sfence();
  } catch (const std::bad_alloc &) { bad = 1; }
  return bad ? SPMM_NO_MEMORY : SPMM_OK;
}
