"""Correct kernels that do odd but legal things: the judge calls every one of them correct.

``BODIES`` are run functions in C++, with what stands in front of them; ``honest(in, out)`` is the plain kernel and
``rows(in, out, from, to)`` computes the rows [from, to) of C into vectors of their own.
"""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from judges import judged, raced
from programs import in_python, over_mpi
from races import candidate, threaded

from hpcbench import registry
from hpcbench.spec import Candidate

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
    "tasks that depend on each other": ("openmp", "", IN_PARTS + "\n#pragma omp parallel\n#pragma omp single\n for (int t = 0; t < 8; t++) {\n Part *p = "
        "&parts[t];\n#pragma omp task depend(out: p[0]) firstprivate(t, p)\n *p = rows(in, c[t], c[t + 1]);\n#pragma omp task depend(inout: p[0]) "
        "firstprivate(p)\n p->cols.shrink_to_fit(); }\n return put(in, out, parts);"),
    "a loop of tasks": ("openmp", "", IN_PARTS + "\n#pragma omp parallel\n#pragma omp single\n#pragma omp taskloop grainsize(1)\n for (int t = 0; t < 8; t++) "
        "parts[t] = rows(in, c[t], c[t + 1]); return put(in, out, parts);"),
    "a group of tasks": ("openmp", "", IN_PARTS + "\n#pragma omp parallel\n#pragma omp single\n {\n#pragma omp taskgroup\n for (int t = 0; t < 8; t++)\n#pragma omp "
        "task firstprivate(t)\n parts[t] = rows(in, c[t], c[t + 1]);\n } return put(in, out, parts);"),
    "an atomic and a critical section": ("openmp", "", IN_PARTS + "int64_t nnz = 0, most = 0;\n#pragma omp parallel for\n for (int t = 0; t < 8; t++) { parts[t] = "
        "rows(in, c[t], c[t + 1]); const int64_t k = (int64_t)parts[t].cols.size();\n#pragma omp atomic\n nnz += k;\n#pragma omp critical\n most = std::max(most, k); } "
        "return nnz < most ? 1 : put(in, out, parts);"),
    "a reduction": ("openmp", "", IN_PARTS + "int64_t nnz = 0;\n#pragma omp parallel for reduction(+ : nnz)\n for (int t = 0; t < 8; t++) { parts[t] = rows(in, c[t], "
        "c[t + 1]); nnz += (int64_t)parts[t].cols.size(); } return nnz < 0 ? 1 : put(in, out, parts);"),
    "locks of OpenMP": ("openmp", "#include <omp.h>\n", IN_PARTS + "omp_lock_t l; omp_init_lock(&l);\n#pragma omp parallel for\n for (int t = 0; t < 8; t++) { Part p = "
        "rows(in, c[t], c[t + 1]); omp_set_lock(&l); parts[t] = std::move(p); omp_unset_lock(&l); } omp_destroy_lock(&l); return put(in, out, parts);"),
    "in order": ("openmp", "", IN_PARTS + "int next = 0, late = 0;\n#pragma omp parallel for ordered schedule(static, 1)\n for (int t = 0; t < 8; t++) { parts[t] = rows(in, "
        "c[t], c[t + 1]);\n#pragma omp ordered\n late += next++ != t; } return late ? 1 : put(in, out, parts);"),
    "two loops and a barrier": ("openmp", "", IN_PARTS + "std::vector<int64_t> n(8);\n#pragma omp parallel\n {\n#pragma omp for nowait\n for (int t = 0; t < 8; t++) "
        "parts[t] = rows(in, c[t], c[t + 1]);\n#pragma omp barrier\n#pragma omp for\n for (int t = 0; t < 8; t++) n[t] = (int64_t)parts[7 - t].cols.size(); } "
        "return n[0] < 0 ? 1 : put(in, out, parts);"),
    "memory of every thread, kept": ("openmp", "", IN_PARTS + "\n#pragma omp parallel for\n for (int t = 0; t < 8; t++) { static thread_local std::vector<double> mine; "
        "mine.resize(1000); mine[t] = t; parts[t] = rows(in, c[t], c[t + 1]); } return put(in, out, parts);"),
    "a flag that is released and acquired": ("openmp", "", IN_PARTS + "std::atomic<int> done[8] = {};\n#pragma omp parallel for schedule(dynamic)\n for (int t = 0; t < 8; t++) { "
        "parts[t] = rows(in, c[t], c[t + 1]); done[t].store(1, std::memory_order_release); } int n = 0; for (auto &d : done) n += d.load(std::memory_order_acquire); return "
        "n == 8 ? put(in, out, parts) : 1;"),
    "a list that threads push to": ("openmp", "struct Node { int t; Part p; Node *next; };\n", IN_PARTS + "std::atomic<Node *> top{nullptr};\n#pragma omp parallel for\n for (int t = 0; "
        "t < 8; t++) { Node *n = new Node{t, rows(in, c[t], c[t + 1]), top.load()}; while (!top.compare_exchange_weak(n->next, n)) continue; } for (Node *n = top; n;) { parts[n->t] = "
        "std::move(n->p); Node *gone = n; n = n->next; delete gone; } return put(in, out, parts);"),
    "threads of POSIX": ("openmp", "#include <pthread.h>\nstruct Job { const spgemm_in *in; int64_t a, b; Part *p; };\nstatic void *work(void *v) { Job *j = (Job *)v; *j->p = "
        "rows(j->in, j->a, j->b); return nullptr; }\n", IN_PARTS + "pthread_t t[8]; Job j[8]; for (int i = 0; i < 8; i++) { j[i] = {in, c[i], c[i + 1], &parts[i]}; if (pthread_create(t + i, "
        "nullptr, work, j + i)) return 1; } for (auto x : t) pthread_join(x, nullptr); return put(in, out, parts);"),
    "vectors by pragma": ("openmp", "", "const int64_t nnz = in->a_indptr[in->a_nrows]; double sum = 0;\n#pragma omp simd reduction(+ : sum)\n for (int64_t k = 0; k < nnz; k++) sum += "
        "in->a_data[k]; return sum != sum ? 1 : honest(in, out);"),
    "a hash that wraps": ("serial", "", "uint64_t h = 14695981039346656037ull; const int64_t nnz = in->a_indptr[in->a_nrows]; for (int64_t k = 0; k < nnz; k++) h = (h ^ "
        "(uint64_t)in->a_indices[k]) * 1099511628211ull; return h == 1 ? 1 : honest(in, out);"),
    "a pool of memory in one block": ("serial", "struct Pool { char *at, *end; void *take(size_t n) { n = (n + 63) & ~size_t(63); if (at + n > end) return nullptr; void *p = at; at += n; return p; } "
        "};\n", "char *block = (char *)malloc(1 << 16); Pool p{block, block + (1 << 16)}; double *d = (double *)p.take(800); int *i = (int *)p.take(400); d[99] = 1, i[99] = 1; "
        "free(block); return honest(in, out);"),
    "goes down many calls": ("serial", "static int64_t down(int64_t n) { volatile char room[64]; room[0] = (char)n; return n ? down(n - 1) + (room[0] != (char)n) : 0; }\n",
        "return down(5000) ? 1 : honest(in, out);"),
    "classes and virtual functions": ("serial", "struct Op { virtual double f(double) const = 0; virtual ~Op() = default; };\nstruct Twice : Op { double f(double x) const override { return 2 * x; } "
        "};\n", "std::unique_ptr<Op> o(new Twice); return dynamic_cast<Twice *>(o.get()) && o->f(2) == 4 ? honest(in, out) : 1;"),
    "copies nothing from nowhere": ("serial", "", "std::vector<double> none; memcpy(out->data, none.data(), 0); memset(out->indices, 0, 0); return honest(in, out);"),
    "long double and 128 bits": ("serial", "", "long double x = 1; __int128 k = 1; for (int i = 0; i < 60; i++) x *= 2, k *= 2; return (long double)k == x ? honest(in, out) : 1;"),
    "looks at the clock": ("openmp", "#include <chrono>\n", IN_PARTS + "const auto t0 = std::chrono::steady_clock::now(); std::mutex m; std::condition_variable v; bool go = false; "
        "std::thread w([&] { std::lock_guard<std::mutex> l(m); go = true; v.notify_all(); }); { std::unique_lock<std::mutex> l(m); v.wait_for(l, std::chrono::seconds(5), [&] { return go; "
        "}); } w.join(); for (int t = 0; t < 8; t++) parts[t] = rows(in, c[t], c[t + 1]); return std::chrono::steady_clock::now() < t0 ? 1 : put(in, out, parts);"),
    "rounds down, and back": ("serial", "#include <cfenv>\n", "const int mode = fegetround(); fesetround(FE_DOWNWARD); volatile double x = 1.0 / 3; (void)x; fesetround(mode); return "
        "honest(in, out);"),
    "tunes its allocator": ("serial", "#include <malloc.h>\n", "mallopt(M_MMAP_THRESHOLD, 1 << 30); mallopt(M_TRIM_THRESHOLD, 1 << 30); return honest(in, out);"),
    "a tile at a time": ("serial", "", "std::vector<Part> parts; for (int64_t i = 0; i < in->a_nrows; i += 32) parts.push_back(rows(in, i, std::min(in->a_nrows, i + 32))); if (!in->a_nrows) "
        "out->indptr[0] = 0; return put(in, out, parts);"),
    "strings and streams": ("serial", "#include <sstream>\n", 'std::ostringstream s; s << in->a_nrows; return s.str().empty() ? 1 : honest(in, out);'),
}  # fmt: skip


NUMBA = """
import numba
import numpy as np
@numba.njit(parallel=PARALLEL, cache=CACHE)
def count(n, ap, ai, bp, bi, m):
    lengths = np.zeros(n, np.int64)
    for i in numba.prange(n):
        seen = np.zeros(m, np.bool_)
        for p in range(ap[i], ap[i + 1]):
            for q in range(bp[ai[p]], bp[ai[p] + 1]):
                seen[bi[q]] = True
        lengths[i] = seen.sum()
    return lengths
@numba.njit(parallel=PARALLEL, cache=CACHE)
def fill(n, ap, ai, ax, bp, bi, bx, m, ptr, cols, vals):
    for i in numba.prange(n):
        sums = np.zeros(m)
        seen = np.zeros(m, np.bool_)
        for p in range(ap[i], ap[i + 1]):
            for q in range(bp[ai[p]], bp[ai[p] + 1]):
                sums[bi[q]] += ax[p] * bx[q]
                seen[bi[q]] = True
        at = ptr[i]
        for j in range(m):
            if seen[j]:
                cols[at], vals[at], at = j, sums[j], at + 1
def run(handle, inputs, params):
    n, m = inputs["a_nrows"], inputs["b_ncols"]
    a = [inputs[k] for k in ("a_indptr", "a_indices", "a_data")]
    b = [inputs[k] for k in ("b_indptr", "b_indices", "b_data")]
    ptr = np.zeros(n + 1, np.int64)
    ptr[1:] = np.cumsum(count(n, a[0], a[1], b[0], b[1], m))
    cols, vals = np.zeros(ptr[-1], np.int32), np.zeros(ptr[-1])
    fill(n, *a, *b, m, ptr, cols, vals)
    return ptr, cols, vals
"""


def in_cpp(name: str) -> Candidate:
    model, front, body = KERNELS[name]
    one = candidate(body, name, model)
    marker = b"static int calls;"
    return replace(one, source=HEAD + one.source.replace(marker, marker + (ROWS + front).encode()))


def in_numba(words: str) -> Candidate:
    text = NUMBA
    for word in words.split():
        text = text.replace(*word.split("="))
    return Candidate("spgemm", "python", "serial", text.encode(), {}, (), origin=words)


ROWS_C = (Path(__file__).parent.parent.parent / "docs" / "examples" / "rows.c").read_bytes()
FMA_C = b"#include <math.h>\n" + re.sub(
    rb"(sum\[\w+\]) \+= (.+?) \* (.+?);", rb"\1 = fma(\2, \3, \1);", ROWS_C
)
OPENMP_C = b"""
#include <omp.h>
#include <stdlib.h>
#include "abi.h"
static int ascending(const void *a, const void *b) { return (*(int32_t *)a > *(int32_t *)b) - (*(int32_t *)a < *(int32_t *)b); }
int spgemm_run(void *handle, const spgemm_in *in, const void *params, spgemm_out *out) {
  (void)handle, (void)params;
  int failed = 0;
  for (int pass = 0; pass < 2; pass++) { /* counts, then fills */
    if (!pass) out->indptr[0] = 0;
#pragma omp parallel
    {
      double *sum = calloc(in->b_ncols + 1, sizeof *sum);
      int64_t *seen = calloc(in->b_ncols + 1, sizeof *seen);
      int32_t *cols = malloc(4 * in->b_ncols + 4);
#pragma omp atomic
      failed |= !sum || !seen || !cols;
#pragma omp barrier
#pragma omp for schedule(guided)
      for (int64_t i = 0; i < (failed ? 0 : in->a_nrows); i++) {
        int64_t n = 0;
        for (int64_t p = in->a_indptr[i]; p < in->a_indptr[i + 1]; p++)
          for (int64_t q = in->b_indptr[in->a_indices[p]]; q < in->b_indptr[in->a_indices[p] + 1]; q++) {
            const int32_t j = in->b_indices[q];
            if (seen[j] != i + 1) seen[j] = i + 1, sum[j] = 0, cols[n++] = j;
            sum[j] += in->a_data[p] * in->b_data[q];
          }
        if (!pass) {
          out->indptr[i + 1] = n;
          continue;
        }
        qsort(cols, n, sizeof *cols, ascending);
        for (int64_t k = 0; k < n; k++) out->indices[out->indptr[i] + k] = cols[k], out->data[out->indptr[i] + k] = sum[cols[k]];
      }
      free(sum), free(seen), free(cols);
    }
    for (int64_t i = 0; !pass && i < in->a_nrows; i++) out->indptr[i + 1] += out->indptr[i];
    if (failed) return SPGEMM_NO_MEMORY;
  }
  return SPGEMM_OK;
}
"""
OURS = [v.name for v in registry.kernel("spgemm").variants() if v.language in ("c", "cpp")]
HONEST: dict[str, Candidate] = {
    **{name: in_cpp(name) for name in KERNELS},
    **{f"numba {w}": in_numba(w) for w in ("PARALLEL=False CACHE=False", "PARALLEL=True CACHE=False", "PARALLEL=False CACHE=True")},
    "C": Candidate("spgemm", "c", "serial", ROWS_C, {}, ("-O3", "-march=native"), origin="C"),
    "C, the mathematical library": Candidate("spgemm", "c", "serial", FMA_C, {}, ("-O2",), origin="C, fma"),
    "C, OpenMP": Candidate("spgemm", "c", "openmp", OPENMP_C, {}, ("-O2",), origin="C, OpenMP"),
    "NumPy": in_python("", "return honest(inputs)", "NumPy"),
    "MPI": over_mpi("MPI", "return honest(in, out);"),
    **{f"our {name}": threaded(registry.kernel("spgemm").variant(name)) for name in OURS},
}  # fmt: skip
QUICK = {
    "C", "C, OpenMP", "tasks", "a pool of threads that sleep", "futures", "entries that cancel are left out", "NumPy", "MPI",
    "our gustavson_omp",
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in HONEST]
)
def test_an_honest_kernel_is_correct(name, tmp_path):
    one = HONEST[name]
    result = judged(one, tmp_path, ranks=2 if "mpi" in one.model else 1, seconds=10)
    assert result.verdict == "correct", result.stages
    assert result.speedup is not None
    assert raced(result) or one.model != "openmp" or not name.startswith("our"), result.stages


def test_the_suite_is_as_large_as_we_say():
    assert len(HONEST) >= 40
