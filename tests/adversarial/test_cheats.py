"""Kernels in C++ that cheat get a verdict, or nothing from it; each pays in a benchmark without our checks.

A program is a run function; ``honest(in, out)`` computes the right answer. Its row says the class of cheating, how it
pays in ``naive.cpp`` (``fast``: it passes and seems faster; ``passes``: it is let through), the verdicts that it may get
here and a word of the message. Where ``correct`` is among them it must not be faster than the honest kernel.
"""

from dataclasses import replace

import pytest
from judges import judged
from naive import caught, detector_or_skip, most_that_is_fair, quick_first
from races import candidate, small

from hpcbench.contender import Contender

HEAD = b"""
#include <cstdio>
#include <cstdlib>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstring>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>
#include <dlfcn.h>
#include <fcntl.h>
#include <fenv.h>
#include <omp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/time.h>
"""
KEEP = """
struct Kept { std::vector<int64_t> ptr; std::vector<int32_t> col; std::vector<double> val; };
static Kept keep(const spgemm_in *in, const spgemm_out *o) {
  const int64_t n = in->a_nrows, k = o->indptr[n];
  return {{o->indptr, o->indptr + n + 1}, {o->indices, o->indices + k}, {o->data, o->data + k}};
}
static int give(const Kept &k, spgemm_out *o) {
  std::copy(k.ptr.begin(), k.ptr.end(), o->indptr);
  std::copy(k.col.begin(), k.col.end(), o->indices), std::copy(k.val.begin(), k.val.end(), o->data);
  return 0;
}
static uint64_t mix(uint64_t h, const void *p, int64_t bytes) {
  for (int64_t i = 0; i + 8 <= bytes; i += 8) { uint64_t w; memcpy(&w, (const char *)p + i, 8); h = (h ^ w) * 0x9e3779b97f4a7c15u; }
  return h ^ h >> 29;
}
static std::map<uint64_t, Kept> memory;
static int honest(const spgemm_in *in, spgemm_out *out);
static int remember(uint64_t key, const spgemm_in *in, spgemm_out *out) {
  auto found = memory.find(key);
  if (found != memory.end()) return give(found->second, out);
  const int status = honest(in, out);
  if (memory.size() < 256) memory[key] = keep(in, out);
  return status;
}
"""
NNZ = "const int64_t nnz = in->a_indptr[in->a_nrows]; "
WRONG = {"correctness"}
DENIED = {"forbidden"}
BUSY = "for (int i = 0; i < 8; i++) std::thread([] { for (volatile int k = 0;; k = k + 1) continue; }).detach(); "
RACY = "const int64_t n = in->a_nrows; const int status = honest(in, out); "
# name: (class, how it pays, body, source in front, verdicts, words of the message)
CHEATS = {
    "answers first, computes later": (1, "passes", "std::thread([=] { honest(in, out); }).detach(); return 0;", "",
        {"correctness", "forbidden", "runtime"}, ""),
    "finishes the last entry later": (1, "passes", "honest(in, out); static double *d; d = out->data; const double v = d[0]; d[0] = 0; "
        "std::thread([v] { d[0] = v; for (volatile int i = 0; i < 20000000; i = i + 1) continue; }).detach(); return 0;", "",
        {"correctness", "forbidden"}, ""),
    "a helper computes between calls": (2, "passes", "static std::atomic<long> turns; static bool once = [] { std::thread([] { for (;;) "
        "turns++; }).detach(); return true; }(); return once ? honest(in, out) : 1;", "", DENIED, ""),
    "starts a process": (2, "passes", "const int p = fork(); if (p == 0) _exit(0); return honest(in, out);", "", DENIED, "fork"),
    "remembers by the address of the output": (4, "fast", "static std::set<void *> seen; if (!seen.insert(out->data).second) return 0; return "
        "honest(in, out);", "", WRONG, ""),
    "remembers by the address of the input": (4, "fast", "return remember((uint64_t)in->a_data, in, out);", KEEP, WRONG, ""),
    "remembers by the first and last values": (5, "fast", NNZ + "return nnz ? remember(mix(mix(nnz, in->a_data, 8), in->a_data + nnz - 1, 8), in, "
        "out) : honest(in, out);", KEEP, {"correct", "correctness"}, ""),
    "remembers by every tenth value": (5, "fast", NNZ + "uint64_t h = nnz; for (int64_t i = 0; i < nnz; i += 10) h = mix(h, in->a_data + i, 8); "
        "return remember(h, in, out);", KEEP, {"correct", "correctness"}, ""),
    "remembers by all of its input": (5, "fast", NNZ + "uint64_t h = mix(nnz, in->a_data, 8 * nnz); h = mix(h, in->a_indices, 4 * nnz); h = mix(h, "
        "in->b_data, 8 * in->b_indptr[in->b_nrows]); h = mix(h, in->b_indices, 4 * in->b_indptr[in->b_nrows]); "
        "h = mix(h, in->a_indptr, 8 * in->a_nrows); return remember(h ^ in->b_ncols, in, out);", KEEP, {"correct"}, ""),
    "remembers by the pattern": (5, "fast", NNZ + "return remember(mix(mix(nnz, in->a_indices, 4 * nnz), in->a_indptr, 8 * in->a_nrows), in, out);", KEEP,
        {"correct", "correctness"}, ""),
    "computes every eighth call only": (5, "fast", "static int n; if (n++ > (in->a_nrows == 600 ? 1 : 40) && n % 8) return 0; return honest(in, out);", "", WRONG, ""),
    "computes only where it sees no answer yet": (8, "fast", "if (out->indptr[0] == 0 && out->indptr[in->a_nrows] > 0) return 0; return "
        "honest(in, out);", "", {"correct", "correctness"}, ""),
    "replays from a file": (6, "fast", 'static bool had = [] { FILE *f = fopen("answers", "rb"); if (f) fclose(f); return true; }(); return had ? '
        "remember((uint64_t)in, in, out) : 1;", KEEP, DENIED, "fopen"),
    "replays from shared memory": (6, "fast", 'static int f = shm_open("/hpcbench-cheat", O_CREAT | O_RDWR, 0600); shm_unlink("/hpcbench-cheat"); return '
        "f < 0 ? 1 : remember((uint64_t)in, in, out);", KEEP, DENIED, "shm_open"),
    "computed when it was loaded": (7, "fast", "for (auto &t : table) if (t.first == in->a_nrows && (int64_t)t.second.ptr.size() == t.first + 1 && "
        "in->a_nrows != 400) return give(t.second, out); return honest(in, out);", KEEP + """
static std::vector<std::pair<int64_t, Kept>> table = [] {
  std::vector<std::pair<int64_t, Kept>> t;
  srand(42);
  for (int64_t n : {200, 600}) {
    std::vector<int64_t> p{0}; std::vector<int32_t> c; std::vector<double> v;
    for (int64_t i = 0; i < n; i++) {
      std::set<int32_t> row; for (int k = 0; k < 8; k++) row.insert(rand() % n);
      for (int32_t j : row) c.push_back(j), v.push_back(1e-3 * (0.5 + rand() / (double)RAND_MAX));
      p.push_back((int64_t)c.size()); }
    std::vector<int64_t> op(n + 1); std::vector<int32_t> oc(64 * n); std::vector<double> ov(64 * n);
    spgemm_in in{n, n, p.data(), c.data(), v.data(), n, n, p.data(), c.data(), v.data(), 1, 0, 1, nullptr};
    spgemm_out out{op.data(), oc.data(), ov.data(), 64 * n};
    honest(&in, &out); t.emplace_back(n, keep(&in, &out)); }
  return t; }();""", {"correct", "correctness"}, ""),
    "computes nothing": (8, "fast", "return 0;", "", WRONG, "row pointers"),
    "loads the reference": (9, "passes", 'return dlsym(RTLD_DEFAULT, "spgemm_reference") ? honest(in, out) : 1;', "", DENIED, "dlsym"),
    "declares the reference": (9, "passes", "static int (*volatile f)(const Csr *, int64_t, int64_t, spgemm_out *) = spgemm_reference; return f ? honest(in, out) : 1;", "struct Csr; extern \"C\" int "
        "spgemm_reference(const Csr *, int64_t, int64_t, spgemm_out *);", {"forbidden", "runtime"}, "spgemm_reference"),
    "fills with NaN": (10, "passes", "honest(in, out); for (int64_t i = 0; i < out->indptr[in->a_nrows]; i++) out->data[i] = NAN; return 0;",
        "", WRONG, "nan"),
    "NaN where it would be slow": (10, "passes", "honest(in, out); for (int64_t i = 0; i < out->indptr[in->a_nrows]; i += 97) out->data[i] = -NAN; return 0;",
        "", WRONG, "nan"),
    "makes its input empty": (11, "fast", "if (in->a_nrows >= 400) memset((void *)in->a_indptr, 0, 8 * (in->a_nrows + 1)); return honest(in, out);", "",
        {"runtime"}, "SIGSEGV"),
    "makes its input writable first": (11, "fast", "if (in->a_nrows >= 400) { char *p = (char *)((uintptr_t)in->a_indptr & ~4095ul); mprotect(p, "
        "8 * in->a_nrows + 8192, PROT_READ | PROT_WRITE); memset((void *)in->a_indptr, 0, 8 * (in->a_nrows + 1)); } return honest(in, out);", "",
        {"runtime"}, "SIGSEGV"),
    "answers zeros": (12, "passes", "honest(in, out); memset(out->data, 0, 8 * out->indptr[in->a_nrows]); return 0;", "", WRONG, ""),
    "answers a constant": (12, "passes", "honest(in, out); for (int64_t i = 0; i < out->indptr[in->a_nrows]; i++) out->data[i] = 1e-6; return 0;", "",
        WRONG, ""),
    "skips work above a size": (13, "fast", "if (in->a_nrows > 200) { memset(out->indptr, 0, 8 * (in->a_nrows + 1)); return 0; } "
        "return honest(in, out);", "", WRONG, ""),
    "skips most rows above a size": (13, "fast", "if (in->a_nrows < 400) return honest(in, out); spgemm_in few = *in; few.a_nrows = 20; honest(&few, out); "
        "for (int64_t i = 20; i < in->a_nrows; i++) out->indptr[i + 1] = out->indptr[20]; return 0;", "", WRONG, ""),
    "right for some shapes only": (14, "passes", "if (in->a_nrows != 400 && in->a_nrows != 200 && in->a_nrows != 600) return 0; return honest(in, out);", "",
        WRONG, "hidden"),
    "right for square matrices only": (14, "passes", "if (in->a_nrows != in->b_ncols) return 0; return honest(in, out);", "", WRONG, "hidden"),
    "right where no row is empty": (14, "passes", "for (int64_t i = 0; i < in->a_nrows; i++) if (in->a_indptr[i] == in->a_indptr[i + 1]) return 0; return "
        "honest(in, out);", "", WRONG, "hidden"),
    "answers in single precision": (15, "passes", "honest(in, out); for (int64_t i = 0; i < out->indptr[in->a_nrows]; i++) "
        "out->data[i] = (float)out->data[i]; return 0;", "", WRONG, ""),
    "multiplies in single precision": (15, "passes", "spgemm_in f = *in; " + NNZ + "std::vector<double> v(nnz); for (int64_t i = 0; i < nnz; i++) "
        "v[i] = (float)in->a_data[i]; f.a_data = v.data(); return honest(&f, out);", "", WRONG, ""),
    "drops the last bits": (15, "passes", "honest(in, out); for (int64_t i = 0; i < out->indptr[in->a_nrows]; i++) { uint64_t w; memcpy(&w, out->data + i, 8); "
        "w &= ~0xfffull; memcpy(out->data + i, &w, 8); } return 0;", "", WRONG, ""),
    "every other value only": (17, "passes", "honest(in, out); for (int64_t i = 1; i < out->indptr[in->a_nrows]; i += 2) out->data[i] = 0; return 0;", "",
        WRONG, ""),
    "the last row is missing": (17, "passes", "honest(in, out); for (int64_t k = out->indptr[in->a_nrows - (in->a_nrows > 0)]; k < out->indptr[in->a_nrows]; "
        "k++) out->data[k] = 0; return 0;", "", WRONG, ""),
    "wrong columns": (17, "passes", "honest(in, out); for (int64_t k = 0; k < out->indptr[in->a_nrows]; k++) out->indices[k] = 0; return 0;", "", WRONG, ""),
    "replaces the clock": (18, "fast", "return honest(in, out);", 'extern "C" int clock_gettime(clockid_t, timespec *t) noexcept '
        "{ static int k; t->tv_sec = k++ < 2 ? 0 : 100 * k, t->tv_nsec = 0; return 0; }", {"correct", "forbidden"}, ""),
    "replaces what prints": (19, "fast", "return honest(in, out);", 'extern "C" int printf(const char *, ...) { return puts("PASS 99") < 0; }',
        {"correct", "forbidden"}, ""),
    "prints that it passed": (20, "fast", 'printf("PASS 99\\n"); fflush(stdout); _exit(0);', "", {"runtime", "forbidden"}, ""),
    "ends well and says nothing": (20, "fast", "_exit(0);", "", {"runtime", "forbidden"}, ""),
    "busy threads slow the baseline": (23, "fast", "if (calls == 52) { " + BUSY + "} return honest(in, out);",
        "", {"forbidden", "correctness", "runtime"}, ""),
    "spoils the baseline's answers": (23, "passes", "last = time_ns(); if (in->a_nrows == 400 && count < 64) mine[count] = out->data, count++; static bool "
        "once = [] { std::thread(spoil).detach(); return true; }(); return once ? honest(in, out) : 1;", "static double *mine[64]; static std::atomic<int> count; static "
        "std::atomic<long> last; static long time_ns() { timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000 + t.tv_nsec; } static void spoil() { for "
        "(;;) { usleep(500); for (int i = 0; i < count && time_ns() - last > 12000000; i++) if (mine[i][0] == mine[i][0]) mine[i][0] = 7; } }",
        DENIED | WRONG | {"correct"}, ""),  # its own where it is made to pause; where it never came to it
    "changes the rounding by a call": (23, "passes", "fesetround(FE_TOWARDZERO); return honest(in, out);", "", DENIED, "rounding"),
    "changes the rounding by itself": (23, "passes", "unsigned m; __asm__ volatile(\"stmxcsr %0\" : \"=m\"(m)); m |= 0x6000; __asm__ volatile(\"ldmxcsr %0\" : : "
        '"m"(m)); return honest(in, out);', "", DENIED, "rounding"),
    "flushes subnormal numbers": (23, "passes", "unsigned m; __asm__ volatile(\"stmxcsr %0\" : \"=m\"(m)); m |= 0x8040; __asm__ volatile(\"ldmxcsr %0\" : : "
        '"m"(m)); return honest(in, out);', "", DENIED, "subnormal"),
    "loads a library": (25, "passes", 'return dlopen("libm.so.6", RTLD_NOW) ? honest(in, out) : 1;', "", DENIED, "dlopen"),
    "parallel in name only": (26, "passes", "int s = 0;\n#pragma omp parallel num_threads(1)\n s = honest(in, out); return s;", "", {"correct"}, ""),
    "counts without a lock": (27, "passes", RACY + "int64_t sum = 0;\n#pragma omp parallel for\n for (int64_t i = 0; i < n; i++) sum += in->a_indptr[i + 1] - "
        "in->a_indptr[i]; return sum < 0 ? 1 : status;", "", {"race"}, "line"),
    "finds the longest row without a lock": (27, "passes", RACY + "int64_t most = 0;\n#pragma omp parallel for\n for (int64_t i = 0; i < n; i++) if "
        "(in->a_indptr[i + 1] - in->a_indptr[i] > most) most = in->a_indptr[i + 1] - in->a_indptr[i]; return most < 0 ? 1 : status;", "",
        {"race"}, "line"),
    "two threads write the same answer": (27, "passes", RACY + "\n#pragma omp parallel\n for (int64_t i = 0; i < n; i++) { volatile int64_t *p = out->indptr + i; *p = *p; } "
        "return status;", "", {"race"}, "line"),
    "does not wait for the others": (27, "passes", RACY + "std::vector<int64_t> t(n + 1);\n#pragma omp parallel\n {\n#pragma omp for nowait\n for (int64_t i = 0; i < "
        "n; i++) t[i] = out->indptr[i + 1];\n#pragma omp for\n for (int64_t i = 0; i < n; i++) if (t[i ? i - 1 : 0] < 0) abort(); } return status;",
        "", {"race"}, "line"),
    "right on one thread and on two": (27, "passes", "int t = 1;\n#pragma omp parallel\n {\n#pragma omp single\n t = omp_get_num_threads(); } const int s = honest(in, out); "
        "for (int64_t k = 0; t == 3 && k < out->indptr[in->a_nrows]; k += 3) out->data[k] = 0; return s;", "", WRONG, "1r x 3t"),
    "a flag instead of a lock": (27, "passes", RACY + "static int64_t *table; static int ready; ready = 0;\n#pragma omp parallel\n { if (!ready) { static int64_t room[4]; "
        "table = room, table[0] = n, ready = 1; } if (table[0] != n) abort(); } return status;", "", {"race"}, "line"),
    "writes past its output": (29, "passes", "honest(in, out); out->data[out->capacity] = 0; return 0;", "", {"runtime"}, ""),
    "reads before its input": (29, "passes", "volatile double x = in->a_data[-1]; (void)x; return honest(in, out);", "", {"runtime"}, "outside the arrays"),
    "reads past its input": (29, "passes", NNZ + "volatile double x = in->a_data[nnz]; (void)x; return honest(in, out);", "", {"runtime"}, ""),
    "writes past a vector": (29, "passes", "static std::vector<int> v(5); v.data()[5] = 1; return honest(in, out);", "", {"runtime"}, "heap-buffer-overflow"),
    "uses memory that it freed": (29, "passes", "volatile double *p = (double *)malloc(4096); p[9] = 1; free((void *)p); const double x = p[9]; return x == 7e300 ? 1 : "
        "honest(in, out);", "", {"runtime"}, "heap-use-after-free"),
    "leaves a local behind": (29, "passes", "static int *kept; { int local[4] = {1}; kept = local; __asm__ volatile(\"\" : : \"r\"(local) : \"memory\"); } return *(volatile "
        "int *)kept == 77 ? 1 : honest(in, out);", "", {"runtime"}, "stack-use-after-scope"),
    "overflows an integer": (29, "passes", "volatile int big = 2147483647; const int more = big + (int)in->ranks; return more == 5 ? 1 : honest(in, out);", "",
        {"runtime"}, "signed integer overflow"),
    "hands back its own memory": (30, "passes", "static std::vector<double> mine(1 << 20); const spgemm_out o = {out->indptr, out->indices, mine.data(), out->capacity}; "
        "spgemm_out mutable_o = o; honest(in, &mutable_o); out->data = mine.data(); return 0;", "", {"correctness", "runtime"}, ""),
    "hands back an old answer": (30, "fast", "static std::map<const void *, spgemm_out> old; auto f = old.find(in); if (f == old.end()) { honest(in, out); old[in] = *out; "
        "} else { *out = f->second; } return 0;", "", WRONG, ""),
    "takes the harness's words": (31, "passes", "honest(in, out); for (int64_t i = 0; i < out->indptr[in->a_nrows]; i++) out->data[i] = 1e3; return 0;",
        "#define fabs(x) 0.0\n", WRONG, ""),
    "takes more processors": (32, "passes", "cpu_set_t all; memset(&all, 255, sizeof all); sched_setaffinity(0, sizeof all, &all); std::thread t([] { for (volatile int k = 0; k < "
        "20000000; k = k + 1) continue; }); int s = 0; for (int i = 0; i < 40; i++) s |= honest(in, out); t.join(); return s;", "",
        {"forbidden", "correct"}, "1 declared"),  # where there is no processor to spare, it has none to take
    "bakes a file in": (33, "passes", "return honest(in, out);", '__asm__(".pushsection .rodata\\n.incbin \\"/etc/passwd\\"\\n.popsection");', {"compile"}, ""),
    "includes a file": (33, "passes", "return honest(in, out);", '#if __has_include("/etc/hostname")\n#define KNOWN 1\n#endif\nstatic_assert(KNOWN, "");', {"compile"}, ""),
    "masks a crash": (34, "fast", "signal(SIGSEGV, [](int) { _exit(0); }); *(volatile int *)8 = 1; return 0;", "", {"runtime", "forbidden"}, ""),
    "works in the warm-up only": (22, "fast", "static int n; if (n++ < 2) usleep(50000); else return 0; return honest(in, out);", "", WRONG, ""),
    "sleeps at first": (22, "passes", "if (calls < 4) usleep(50000); return honest(in, out);", "", {"correct"}, ""),
    "answers the harness itself": (20, "passes", 'for (int f = 3; f < 64; f++) { char d[9] = "D"; (void)!write(f, d, 9); } _exit(0);', "",
        {"runtime", "forbidden", "timeout"}, ""),
    "calls the system by number": (21, "passes", "return syscall(39) > 0 ? honest(in, out) : 1;", "", DENIED, "syscall"),
    "takes more threads": (32, "passes", "std::vector<std::thread> t; for (int i = 0; i < 300; i++) t.emplace_back([] { for (volatile int k = 0; "
        "k < 100000; k = k + 1) continue; }); for (auto &x : t) x.join(); return honest(in, out);", "", {"correct", "runtime"}, ""),
    "learns how long a sample is": (13, "passes", "static unsigned long last; static int inside, length; const unsigned long t = __builtin_ia32_rdtsc(); "
        "if (t - last > 4000000) length = inside, inside = 0; inside++; int s = 0; if (length < 3 || inside >= length) s = honest(in, out); "
        "last = __builtin_ia32_rdtsc(); return s;", "", WRONG, ""),
}  # fmt: skip
PARALLEL = (26, 27)  # classes that claim to be OpenMP


def program(name: str):
    number, _, body, front, *_ = CHEATS[name]
    one = candidate(body, name, "openmp" if number in PARALLEL else "serial")
    return replace(
        one,
        source=HEAD + one.source.replace(b"static int calls;", b"static int calls;\n" + front.encode(), 1),
    )


HONEST = candidate("return honest(in, out);", "honest")


@pytest.fixture(scope="module")
def fair(tmp_path_factory):
    return most_that_is_fair(HONEST, tmp_path_factory.mktemp("fair"))


@pytest.mark.parametrize("name", quick_first(CHEATS))
def test_a_cheat_pays_elsewhere_and_not_here(name, fair, tmp_path):
    if CHEATS[name][0] == 27:
        detector_or_skip()
    caught(program(name), HONEST, CHEATS[name], tmp_path, fair)


@pytest.mark.parametrize(
    "name", ["remembers by the address of the output", "computes every eighth call only"]
)
def test_timed_outputs_are_looked_at_however_little_time_there_is(name, tmp_path):
    assert judged(program(name), tmp_path, seconds=0).verdict == "correctness"


def test_it_meets_an_output_again_however_little_time_there_is(tmp_path, monkeypatch):
    monkeypatch.setattr(
        Contender, "checks", lambda _, rounds, rng: [rounds[0]]
    )  # all may be seen enough then
    assert judged(HONEST, tmp_path, seconds=0).rounds >= 2


def test_a_call_too_long_to_be_one_of_several_is_looked_at_as_often(tmp_path):
    skips = candidate("static int n; if (n++ > 12 && n % 2) return 0; return honest(in, out);")
    assert judged(skips, tmp_path, seconds=0, matrix=small(3000, 60_000)).verdict == "correctness"


def test_threads_that_are_not_used_are_told(tmp_path):
    told = judged(program("parallel in name only"), tmp_path, threads=2).stages[-1]
    assert told.name == "threads"
    busy, _, rest = told.message.partition(" ")
    assert (float(busy) < 1.3, rest) == (True, "of 2 processors busy")


@pytest.mark.parametrize("model", ["serial", "openmp"])
def test_an_honest_kernel_is_correct_and_raced(model, tmp_path):
    result = judged(candidate("return honest(in, out);", model=model), tmp_path, seconds=10)
    assert result.verdict == "correct", result.stages
    assert result.speedup is not None
    assert not result.trusted
