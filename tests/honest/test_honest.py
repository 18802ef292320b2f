"""Correct kernels that do odd but legal things: the judge calls every one of them correct.

``BODIES`` are run functions in C++, with what stands in front of them; ``honest(in, out)`` is the plain kernel and
``rows(in, out, from, to)`` computes the rows [from, to) of C into vectors of their own.
"""

from dataclasses import replace

import pytest
from judges import judged
from races import candidate

from hpcbench import registry

HEAD = b"""
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>
#include <sys/mman.h>
#include <unistd.h>
"""
ROWS = """
struct Part { std::vector<int32_t> cols; std::vector<double> vals; std::vector<int64_t> ends; };
static Part rows(const spgemm_in *in, int64_t from, int64_t to) {
  Part p;
  std::map<int32_t, double> sum;
  for (int64_t i = from; i < to; i++) {
    sum.clear();
    for (int64_t k = in->a_indptr[i]; k < in->a_indptr[i + 1]; k++)
      for (int64_t q = in->b_indptr[in->a_indices[k]]; q < in->b_indptr[in->a_indices[k] + 1]; q++)
        sum[in->b_indices[q]] += in->a_data[k] * in->b_data[q];
    for (auto &e : sum) p.cols.push_back(e.first), p.vals.push_back(e.second);
    p.ends.push_back((int64_t)p.cols.size());
  }
  return p;
}
static int put(const spgemm_in *in, spgemm_out *out, std::vector<Part> &parts) {
  int64_t nnz = 0, row = 0;
  out->indptr[0] = 0;
  for (auto &p : parts) {
    std::copy(p.cols.begin(), p.cols.end(), out->indices + nnz);
    std::copy(p.vals.begin(), p.vals.end(), out->data + nnz);
    for (int64_t e : p.ends) out->indptr[++row] = nnz + e;
    nnz += (int64_t)p.cols.size();
  }
  return row == in->a_nrows ? 0 : 3;
}
static std::vector<int64_t> cuts(const spgemm_in *in, int n) {
  std::vector<int64_t> c(n + 1);
  for (int i = 0; i <= n; i++) c[i] = in->a_nrows * i / n;
  return c;
}
"""
POOL = """
class Pool {
 public:
  Pool() { for (int i = 0; i < 2; i++) std::thread([this] { work(); }).detach(); }
  void run(std::vector<std::function<void()>> jobs) {
    std::unique_lock<std::mutex> l(m_);
    jobs_ = std::move(jobs), next_ = 0, left_ = jobs_.size();
    go_.notify_all();
    done_.wait(l, [this] { return left_ == 0; });
  }
 private:
  void work() {
    std::unique_lock<std::mutex> l(m_);
    for (;;) {
      go_.wait(l, [this] { return next_ < jobs_.size(); });
      auto job = jobs_[next_++];
      l.unlock(), job(), l.lock();
      if (--left_ == 0) done_.notify_all();
    }
  }
  std::mutex m_;
  std::condition_variable go_, done_;
  std::vector<std::function<void()>> jobs_;
  size_t next_ = 0, left_ = 0;
};
"""
IN_PARTS = "const auto c = cuts(in, 8); std::vector<Part> parts(8); "
# name: (model, in front, body)
KERNELS = {
    "a map per row": ("serial", "", "std::vector<Part> one{rows(in, 0, in->a_nrows)}; return put(in, out, one);"),
    "parallel loop": ("openmp", "", IN_PARTS + "\n#pragma omp parallel for schedule(dynamic)\n for (int t = 0; t < 8; t++) "
        "parts[t] = rows(in, c[t], c[t + 1]); return put(in, out, parts);"),
    "tasks": ("openmp", "", IN_PARTS + "\n#pragma omp parallel\n#pragma omp single\n for (int t = 0; t < 8; t++) {\n#pragma omp task "
        "firstprivate(t)\n parts[t] = rows(in, c[t], c[t + 1]); } return put(in, out, parts);"),
    "sections": ("openmp", "", "const auto c = cuts(in, 2); std::vector<Part> parts(2);\n#pragma omp parallel sections\n {\n#pragma omp "
        "section\n parts[0] = rows(in, c[0], c[1]);\n#pragma omp section\n parts[1] = rows(in, c[1], c[2]); } return put(in, out, parts);"),
    "tickets by an atomic": ("openmp", "", IN_PARTS + "std::atomic<int> next{0};\n#pragma omp parallel\n for (int t; (t = next++) < 8;) "
        "parts[t] = rows(in, c[t], c[t + 1]);\n return put(in, out, parts);"),
    "a lock around the result": ("openmp", "", IN_PARTS + "std::mutex m;\n#pragma omp parallel for\n for (int t = 0; t < 8; t++) { Part p = "
        "rows(in, c[t], c[t + 1]); std::lock_guard<std::mutex> l(m); parts[t] = std::move(p); } return put(in, out, parts);"),
    "nested regions": ("openmp", "", IN_PARTS + "\n#pragma omp parallel for num_threads(2)\n for (int t = 0; t < 2; t++) {\n#pragma omp "
        "parallel for num_threads(2)\n for (int s = 4 * t; s < 4 * t + 4; s++) parts[s] = rows(in, c[s], c[s + 1]); } return put(in, out, "
        "parts);"),
    "threads of its own, joined": ("openmp", "", IN_PARTS + "std::vector<std::thread> t; for (int i = 0; i < 8; i++) t.emplace_back([&, i] { "
        "parts[i] = rows(in, c[i], c[i + 1]); }); for (auto &x : t) x.join(); return put(in, out, parts);"),
    "futures": ("openmp", "", IN_PARTS + "std::vector<std::future<void>> f; for (int i = 0; i < 8; i++) f.push_back(std::async("
        "std::launch::async, [&, i] { parts[i] = rows(in, c[i], c[i + 1]); })); for (auto &x : f) x.get(); return put(in, out, parts);"),
    "a pool of threads that sleep": ("openmp", "#include <functional>\n" + POOL, "static Pool &pool = *new Pool; " + IN_PARTS +
        "std::vector<std::function<void()>> jobs; for (int i = 0; i < 8; i++) jobs.push_back([&, i] { parts[i] = rows(in, c[i], c[i + 1]); "
        "}); pool.run(jobs); return put(in, out, parts);"),
    "a large stack": ("serial", "", "volatile char deep[4 << 20]; deep[0] = deep[sizeof deep - 1] = 1; return honest(in, out);"),
    "memory straight from the system": ("serial", "", "const size_t n = 1 << 24; void *p = mmap(nullptr, n, PROT_READ | PROT_WRITE, "
        "MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); if (p == MAP_FAILED) return 1; madvise(p, n, MADV_HUGEPAGE); memset(p, 1, n); "
        "munmap(p, n); return honest(in, out);"),
    "an arena that is kept": ("serial", "", "static std::vector<double> keep; keep.resize(std::max<size_t>(keep.size(), in->b_ncols)); "
        "return honest(in, out);"),
    "a table that is built once": ("serial", "static const std::vector<double> table = [] { std::vector<double> t(1000); "
        "std::iota(t.begin(), t.end(), 1.0); return t; }();", "return table[2] == 3 ? honest(in, out) : 1;"),
    "aligned memory": ("serial", "", "void *p = nullptr; if (posix_memalign(&p, 4096, 1 << 20)) return 1; memset(p, 0, 1 << 20); free(p); "
        "double *d = (double *)aligned_alloc(64, 4096); d[0] = 1; free(d); return honest(in, out);"),
    "sums from the end": ("serial", "", """
  std::unordered_map<int32_t, double> sum; int64_t nnz = 0; out->indptr[0] = 0; std::vector<int32_t> cols;
  for (int64_t i = 0; i < in->a_nrows; i++) { sum.clear(); cols.clear();
    for (int64_t k = in->a_indptr[i + 1]; k-- > in->a_indptr[i];)
      for (int64_t q = in->b_indptr[in->a_indices[k] + 1]; q-- > in->b_indptr[in->a_indices[k]];)
        sum[in->b_indices[q]] += in->a_data[k] * in->b_data[q];
    for (auto &e : sum) cols.push_back(e.first);
    std::sort(cols.begin(), cols.end());
    for (int32_t j : cols) out->indices[nnz] = j, out->data[nnz++] = sum[j];
    out->indptr[i + 1] = nnz; }
  return 0;"""),
    "compensated sums": ("serial", "", """
  std::map<int32_t, std::pair<double, double>> sum; int64_t nnz = 0; out->indptr[0] = 0;
  for (int64_t i = 0; i < in->a_nrows; i++) { sum.clear();
    for (int64_t k = in->a_indptr[i]; k < in->a_indptr[i + 1]; k++)
      for (int64_t q = in->b_indptr[in->a_indices[k]]; q < in->b_indptr[in->a_indices[k] + 1]; q++) {
        auto &s = sum[in->b_indices[q]]; const double y = in->a_data[k] * in->b_data[q] - s.second, t = s.first + y;
        s.second = (t - s.first) - y; s.first = t; }
    for (auto &e : sum) out->indices[nnz] = e.first, out->data[nnz++] = e.second.first;
    out->indptr[i + 1] = nnz; }
  return 0;"""),
    "entries that cancel are left out": ("serial", "", "std::vector<Part> p{rows(in, 0, in->a_nrows)}; Part q; int64_t k = 0; for (int64_t e : "
        "p[0].ends) { for (; k < e; k++) if (p[0].vals[k] != 0) q.cols.push_back(p[0].cols[k]), q.vals.push_back(p[0].vals[k]); "
        "q.ends.push_back((int64_t)q.cols.size()); } p[0] = q; return put(in, out, p);"),
    "software prefetch": ("serial", "", "for (int64_t k = 0; k < std::min<int64_t>(64, in->a_indptr[in->a_nrows]); k++) __builtin_prefetch(in->b_data "
        "+ in->b_indptr[in->a_indices[k]]); return honest(in, out);"),
    "talks much": ("serial", "", 'for (int i = 0; i < 100; i++) printf("working on row %d\\n", i); fflush(stdout); return honest(in, out);'),
    "asks about the machine": ("serial", "", 'const long n = sysconf(_SC_NPROCESSORS_ONLN) + sysconf(_SC_LEVEL2_CACHE_SIZE) + (getenv("HOME") != '
        "nullptr); return n < 0 ? 1 : honest(in, out);"),
    "exceptions inside": ("serial", "", 'try { std::vector<int>().at(7); } catch (const std::exception &) { return honest(in, out); } return 1;'),
    "strings and streams": ("serial", "#include <sstream>\n", 'std::ostringstream s; s << in->a_nrows; return s.str().empty() ? 1 : honest(in, out);'),
}  # fmt: skip


QUICK = {"tasks", "a pool of threads that sleep", "futures", "entries that cancel are left out"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in KERNELS]
)
def test_an_honest_kernel_is_correct(name, tmp_path):
    model, front, body = KERNELS[name]
    one = candidate(body, name, model)
    marker = b"static int calls;"
    one = replace(one, source=HEAD + one.source.replace(marker, marker + (ROWS + front).encode()))
    result = judged(one, tmp_path)
    assert result.verdict == "correct", result.stages
    assert result.speedup is not None


@pytest.mark.parametrize("variant", ["gustavson_omp", "gustavson_mpi"])
def test_our_own_variants_pass_as_outsiders(variant, tmp_path):
    one = registry.kernel("spgemm").variant(variant).candidate()
    result = judged(one, tmp_path, ranks=2 if "mpi" in one.model else 1)
    assert result.verdict == "correct", result.stages
