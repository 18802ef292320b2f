// /// hpcbench
// model = "openmp"
// summary = "SELL-8-sigma: eight rows of a vector side by side, rows sorted by length in windows"
// source = "Kreutzer et al., SIAM J. Sci. Comput. 36(5), 2014"
// flags = ["-O3", "-march=native"]
// [params.SIGMA]
// when = "build"
// default = 256
// values = [1, 64, 256, 4096]
// ///
#include <omp.h>

#include <numeric>
#include <vector>

#include "../../shared/memory.hpp"
#include "csr.hpp"

namespace {

constexpr int64_t kLanes = 8;

struct Sell {
  int64_t chunks;
  std::vector<int64_t> at;      /* where each chunk begins, in vectors */
  std::vector<int32_t> lengths; /* eight per chunk, 0 behind the last row */
  std::vector<int64_t> row;     /* the same of which row each lane is */
  memory::Array<double> values;
  memory::Array<int32_t> columns;

  explicit Sell(const spmv_in *in)
      : chunks((in->nrows + kLanes - 1) / kLanes), at(size_t(chunks + 1)), lengths(size_t(chunks * kLanes)), row(lengths.size()) {
    const auto length = [&](int64_t i) { return in->indptr[i + 1] - in->indptr[i]; };
    std::iota(row.begin(), row.end(), 0);
    for (int64_t low = 0; SIGMA > 1 && low < in->nrows; low += SIGMA)
      std::stable_sort(row.begin() + low, row.begin() + std::min<int64_t>(low + SIGMA, in->nrows),
                       [&](int64_t i, int64_t j) { return length(i) > length(j); });
    for (int64_t c = 0; c < chunks; ++c) {
      int64_t most = 0;
      for (int64_t l = c * kLanes; l < (c + 1) * kLanes; ++l) {
        const int64_t n = row[size_t(l)] < in->nrows ? length(row[size_t(l)]) : 0;
        lengths[size_t(l)] = int32_t(n), most = std::max(most, n);
      }
      at[size_t(c + 1)] = at[size_t(c)] + most;
    }
    values = memory::array<double>(at.back() * kLanes), columns = memory::array<int32_t>(at.back() * kLanes);
#pragma omp parallel for schedule(static)
    for (int64_t c = 0; c < chunks; ++c)
      for (int64_t l = 0; l < kLanes; ++l) {
        const int64_t n = lengths[size_t(c * kLanes + l)], from = n ? in->indptr[row[size_t(c * kLanes + l)]] : 0;
        for (int64_t k = 0; k < at[size_t(c + 1)] - at[size_t(c)]; ++k) {
          const int64_t to = (at[size_t(c)] + k) * kLanes + l;
          values.get()[to] = k < n ? in->data[from + k] : 0.0;
          columns.get()[to] = k < n ? in->indices[from + k] : 0;
        }
      }
  }

  void multiply(int64_t c, int64_t nrows, const double *x, double *y) const {
    const double *v = values.get() + at[size_t(c)] * kLanes;
    const int32_t *j = columns.get() + at[size_t(c)] * kLanes, *n = lengths.data() + c * kLanes;
    const int64_t steps = at[size_t(c + 1)] - at[size_t(c)];
    alignas(64) double sum[kLanes] = {};
#ifdef SPARSE_AVX512
    const __m256i taken = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(n));
    __m512d total = _mm512_setzero_pd();
    for (int64_t k = 0; k < steps; ++k) { /* an entry that is none must not meet x, which may be infinite */
      const __mmask8 mask = _mm256_cmpgt_epi32_mask(taken, _mm256_set1_epi32(int32_t(k)));
      total = _mm512_mask3_fmadd_pd(_mm512_load_pd(v + k * kLanes), sparse::gather(x, j + k * kLanes), total, mask);
    }
    _mm512_store_pd(sum, total);
#else
    for (int64_t k = 0; k < steps; ++k)
      for (int64_t l = 0; l < kLanes; ++l)
        if (k < n[l]) sum[l] += v[k * kLanes + l] * x[j[k * kLanes + l]];
#endif
    for (int64_t l = 0; l < kLanes; ++l)
      if (row[size_t(c * kLanes + l)] < nrows) y[row[size_t(c * kLanes + l)]] = sum[l];
  }

  /* The first chunk of part `part`, vectors and chunks weighing the same. */
  int64_t cut(int64_t part, int64_t parts) const {
    const double goal = double(at.back() + chunks) * double(part) / double(parts);
    int64_t low = 0, high = chunks;
    while (low < high) {
      const int64_t middle = (low + high) / 2;
      if (double(at[size_t(middle)] + middle) >= goal) high = middle;
      else low = middle + 1;
    }
    return part == parts ? chunks : low;
  }
};

}  // namespace

extern "C" void *spmv_setup(const spmv_in *in, const void *) {
  try {
    return new Sell(in);
  } catch (const std::bad_alloc &) {
    return nullptr;
  }
}

extern "C" int spmv_run(void *handle, const spmv_in *in, const void *, spmv_out *out) {
  const Sell &a = *static_cast<const Sell *>(handle);
#pragma omp parallel
  {
    const int64_t me = omp_get_thread_num(), all = omp_get_num_threads(), to = a.cut(me + 1, all);
    for (int64_t c = a.cut(me, all); c < to; ++c) a.multiply(c, in->nrows, in->x, out->y);
  }
  return SPMV_OK;
}

extern "C" void spmv_free(void *handle) { delete static_cast<Sell *>(handle); }
