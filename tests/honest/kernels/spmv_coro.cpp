// /// hpcbench
// model = "openmp"
// summary = "coroutines as generators of rows, OpenMP"
// flags = ["-O2", "-std=gnu++20"]
// ///
#include <coroutine>
#include <exception>
#include <utility>
#include "abi.h"
template <class T> struct gen {
  struct promise_type { T v{}; gen get_return_object() { return gen{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; } std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(T x) { v = x; return {}; } void return_void() {} void unhandled_exception() { std::terminate(); } };
  std::coroutine_handle<promise_type> h;
  explicit gen(std::coroutine_handle<promise_type> a) : h(a) {}
  gen(gen &&o) noexcept : h(std::exchange(o.h, {})) {}
  ~gen() { if (h) h.destroy(); }
  bool next() { h.resume(); return !h.done(); }
  T get() const { return h.promise().v; }
};
static gen<double> sums(const spmv_in *in, int64_t lo, int64_t hi) {
  for (int64_t i = lo; i < hi; i++) { double s = 0; for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) s += in->data[k] * in->x[in->indices[k]]; co_yield s; }
}
extern "C" int spmv_run(void *, const spmv_in *in, const void *, spmv_out *out) {
  const int64_t n = in->nrows;
#pragma omp parallel for schedule(dynamic)
  for (int b = 0; b < 8; b++) { auto g = sums(in, n * b / 8, n * (b + 1) / 8); int64_t i = n * b / 8; while (g.next()) out->y[i++] = g.get(); }
  return SPMV_OK;
}
