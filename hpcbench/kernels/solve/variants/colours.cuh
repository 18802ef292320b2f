/* A matrix by colours on a CUDA device: unknowns of a colour need none of each other, so that a sweep takes as many steps as there are
 * colours. They are found on the host; what is sorted by them is sorted on the device. */
#ifndef SOLVE_COLOURS_CUH
#define SOLVE_COLOURS_CUH
#include "multicolour.hpp"
#include "solution.cuh"

namespace solve {

/* Each row's root and entries to its place, these in two parts: columns of earlier colours, and of later ones; columns become places. */
__global__ void part(Given a, const double *root, const int32_t *row, const int32_t *place, const int64_t *lower, const int64_t *upper,
                     int32_t *indices, double *data, double *roots) {
  const int64_t p = blockIdx.x * int64_t(blockDim.x) + threadIdx.x;
  if (p >= a.rows) return;
  int64_t below = lower[p], above = upper[p];
  roots[p] = root[row[p]];
  for (int64_t k = a.indptr[row[p]]; k < a.indptr[row[p] + 1]; ++k) {
    const int32_t j = place[a.indices[k]];
    if (j == p) continue;
    const int64_t to = j < p ? below++ : above++;
    indices[to] = j, data[to] = a.data[k];
  }
}

/* S A S also colour by colour. */
template <int BLOCK> struct Coloured : Scaled<BLOCK> {
  using Scaled<BLOCK>::call, Scaled<BLOCK>::given, Scaled<BLOCK>::colours;

  explicit Coloured(const solve_in *in) : Scaled<BLOCK>(in) {
    if (call.finish() != device::OK) return;
    const int64_t n = given.rows, entries = this->a.entries;
    std::vector<int64_t> indptr(size_t(n) + 1);
    std::vector<int32_t> indices(size_t(entries) + 1);
    fetch(indptr.data(), in->indptr, n + 1), fetch(indices.data(), in->indices, entries);
    if (call.finish() != device::OK) return;
    const Order order = by_colour({n, n, indptr.data(), indices.data(), nullptr}, 1, 1);
    std::vector<int64_t> below(size_t(n) + 1), above(size_t(n) + 1); /* those above stand behind all those below */
    for (int64_t p = 0; p < n; ++p) {
      const int32_t i = order.row[size_t(p)];
      below[size_t(p) + 1] = below[size_t(p)], above[size_t(p) + 1] = above[size_t(p)];
      for (int64_t k = indptr[size_t(i)]; k < indptr[size_t(i) + 1]; ++k)
        if (const int32_t j = order.place[size_t(indices[size_t(k)])]; j != p) ++(j < p ? below : above)[size_t(p) + 1];
    }
    for (int64_t &at : above) at += below[size_t(n)];

    int32_t *columns = call.template take<int32_t>(entries);
    double *values = call.template take<double>(entries), *roots = call.template take<double>(n);
    uint16_t *near = call.template take<uint16_t>(entries);
    const int64_t *lower = put(below), *upper = put(above);
    const int32_t *row = put(order.row), *place = put(order.place);
    if (n && call.note(cudaSuccess))
      part<<<unsigned((n + BLOCK - 1) / BLOCK), BLOCK>>>({n, given.indptr, given.indices, this->a.data}, this->root, row, place, lower, upper, columns,
                                                              values, roots);
    call.started();
    std::vector<tiles::Matrix> halves[2];
    std::vector<int64_t> first;
    for (const Stretch &colour : order.stretches) {
      first.push_back(colour.first);
      for (const bool later : {false, true}) {
        const std::vector<int64_t> &count = later ? above : below;
        tiles::Matrix m{};
        m.rows = colour.last - colour.first, m.entries = count[size_t(colour.last)] - count[size_t(colour.first)];
        m.indices = columns, m.data = values;
        tiles::split<BLOCK>(call, (later ? upper : lower) + colour.first, &m, near);
        halves[later].push_back(m);
      }
    }
    colours = {int(first.size()), put(first), row, roots, put(halves[0]), put(halves[1])};
    call.finish(); /* what was put may end here */
  }

 private:
  template <class T> void fetch(T *to, const T *from, int64_t n) {
    call.note(cudaMemcpy(to, from, size_t(n) * sizeof(T), call.resident() ? cudaMemcpyDeviceToHost : cudaMemcpyHostToHost));
  }
  template <class T> const T *put(const std::vector<T> &v) {
    T *to = call.template take<T>(int64_t(v.size()));
    if (to && !v.empty()) call.note(cudaMemcpyAsync(to, v.data(), v.size() * sizeof(T), cudaMemcpyHostToDevice, 0));
    return to;
  }
};

}  // namespace solve
#endif
