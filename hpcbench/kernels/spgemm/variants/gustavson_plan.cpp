// /// hpcbench
// model = "openmp"
// summary = "for a pattern that is multiplied again and again: setup plans where every product goes, run adds up"
// source = "Gustavson, ACM TOMS 4(3), 1978; inspector and executor as in Cheshmi et al., Sympiler, SC 2017"
// flags = ["-O3", "-march=native"]
// ///
/* The plan holds the pattern of C and, for every multiply-add in the order of its execution, its place in the row of
 * C: two bytes where no row has more than 65536 entries, else four. A run neither searches nor sorts nor reads a
 * column of B, and a row that is added up is as long as the result's, not as wide as its span. Entries that cancel
 * stand as zeros. */
#include <omp.h>

#include <memory>
#include <new>

#include "abi.h"
#include "rows.hpp"

namespace {

template <class T> using Array = std::unique_ptr<T[]>;

template <class T> bool make(Array<T> &at, int64_t n) {
  at.reset(new (std::nothrow) T[size_t(n) + 1]);
  return bool(at);
}

struct Plan {
  int64_t nnz;
  bool narrow;                  /* places have two bytes */
  Array<int64_t> indptr, flops; /* flops[i]: multiply-adds before row i; one more than there are rows */
  Array<int32_t> indices;
  Array<uint16_t> places16;
  Array<uint32_t> places32;
};

/* The pattern of C, from a product whose sums cannot cancel; false when out of memory. */
bool pattern(rows::Csr a, rows::Csr b, int64_t bound, Plan *p) {
  const int64_t most = std::max(a.indptr[a.nrows], b.indptr[b.nrows]);
  Array<int32_t> cols;
  Array<double> vals, ones;
  if (!make(cols, bound) || !make(vals, bound) || !make(ones, most)) return false;
  std::fill(ones.get(), ones.get() + most, 1.0);
  a.data = b.data = ones.get();
  p->indptr[0] = 0;
  p->nnz = rows::Multiplier(b, true).multiply(a, p->indptr.get() + 1, cols.get(), vals.get(), bound);
  if (p->nnz < 0 || !make(p->indices, p->nnz)) return false;
  std::copy(cols.get(), cols.get() + p->nnz, p->indices.get());
  return true;
}

template <class Place> bool find_places(const rows::Csr &a, const rows::Csr &b, const Plan &p, Array<Place> &places) {
  Array<Place> at; /* of a column in the row of C */
  if (!make(at, b.ncols) || !make(places, p.flops[a.nrows])) return false;
  Place *next = places.get();
  for (int64_t i = 0; i < a.nrows; ++i) {
    for (int64_t k = p.indptr[i]; k < p.indptr[i + 1]; ++k) at[p.indices[k]] = Place(k - p.indptr[i]);
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k)
      for (int64_t j = b.indptr[a.indices[k]]; j < b.indptr[a.indices[k] + 1]; ++j) *next++ = at[b.indices[j]];
  }
  return true;
}

bool fill(const rows::Csr &a, const rows::Csr &b, Plan *p) {
  if (!make(p->indptr, a.nrows) || !make(p->flops, a.nrows)) return false;
  int64_t flops = 0, bound = 0, longest = 0;
  for (int64_t i = 0; i < a.nrows; ++i) {
    p->flops[i] = flops;
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) flops += b.indptr[a.indices[k] + 1] - b.indptr[a.indices[k]];
    bound += std::min(flops - p->flops[i], b.ncols);
  }
  p->flops[a.nrows] = flops;
  if (!pattern(a, b, bound, p)) return false;
  for (int64_t i = 0; i < a.nrows; ++i) longest = std::max(longest, p->indptr[i + 1] - p->indptr[i]);
  p->narrow = longest <= 65536;
  return p->narrow ? find_places(a, b, *p, p->places16) : find_places(a, b, *p, p->places32);
}

/* Rows [row, last) of C; every row of B adds to places that are all different. */
template <class Place>
void add_up(const rows::Csr &a, const rows::Csr &b, const Plan &p, const Place *places, int64_t row, int64_t last, double *vals) {
  const Place *place = places + p.flops[row];
  for (int64_t i = row; i < last; ++i) {
    double *sums = vals + p.indptr[i];
    std::fill(sums, vals + p.indptr[i + 1], 0.0);
    for (int64_t k = a.indptr[i]; k < a.indptr[i + 1]; ++k) {
      const double x = a.data[k], *from = b.data + b.indptr[a.indices[k]];
      const int64_t n = b.indptr[a.indices[k] + 1] - b.indptr[a.indices[k]];
      for (int64_t j = 0; j < n; ++j) sums[place[j]] += x * from[j];
      place += n;
    }
  }
}

rows::Csr left(const spgemm_in *in) { return {in->a_nrows, in->a_ncols, in->a_indptr, in->a_indices, in->a_data}; }
rows::Csr right(const spgemm_in *in) { return {in->b_nrows, in->b_ncols, in->b_indptr, in->b_indices, in->b_data}; }

}  // namespace

extern "C" void *spgemm_setup(const spgemm_in *in, const void *) {
  Plan *p = new (std::nothrow) Plan;
  if (p && fill(left(in), right(in), p)) return p;
  delete p;
  return nullptr;
}

extern "C" void spgemm_free(void *plan) { delete static_cast<Plan *>(plan); }

extern "C" int spgemm_run(void *plan, const spgemm_in *in, const void *, spgemm_out *out) {
  const Plan &p = *static_cast<const Plan *>(plan);
  const rows::Csr a = left(in), b = right(in);
  const int threads = omp_get_max_threads();
  out->indptr[0] = 0;
#pragma omp parallel num_threads(threads) if (threads > 1)
  {
    const int64_t n = omp_get_num_threads(), me = omp_get_thread_num();
    const auto cut = [&](int64_t part) { /* the first row of a part; parts have about equal multiply-adds and rows */
      const double goal = double(p.flops[a.nrows] + a.nrows) * double(part) / double(n);
      int64_t low = 0, high = a.nrows;
      while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (double(p.flops[middle] + middle) >= goal) high = middle;
        else low = middle + 1;
      }
      return part == n ? a.nrows : low;
    };
    const int64_t row = cut(me), last = cut(me + 1), from = p.indptr[row], to = p.indptr[last];
    std::copy(p.indptr.get() + row + 1, p.indptr.get() + last + 1, out->indptr + row + 1);
    std::copy(p.indices.get() + from, p.indices.get() + to, out->indices + from);
    p.narrow ? add_up(a, b, p, p.places16.get(), row, last, out->data)
             : add_up(a, b, p, p.places32.get(), row, last, out->data);
  }
  return SPGEMM_OK;
}
