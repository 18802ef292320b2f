"""Kernels in plain C that cheat get a verdict, or nothing from it; each pays in a benchmark without our checks.

The table reads as that of ``test_cheats.py``; what C has of its own is constructors, jumps out of signal handlers,
arrays of variable length, nested functions and inline assembly where C++ would be noticed.
"""

from pathlib import Path

import pytest
from naive import caught, detector_or_skip, most_that_is_fair

from hpcbench.spec import Candidate

SOURCE = """
#include <dlfcn.h>
#include <fcntl.h>
#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "abi.h"
HONEST
FRONT
int spgemm_run(void *handle, const spgemm_in *in, const void *params, spgemm_out *out) {
  (void)handle, (void)params;
  BODY
}
"""
HEAD = "int spgemm_run(void *handle, const spgemm_in *in, const void *params, spgemm_out *out) {\n  (void)handle, (void)params;\n"
ROWS = (Path(__file__).parents[2] / "docs" / "examples" / "rows.c").read_text()
KERNEL = ROWS.replace(HEAD, "static int honest(const spgemm_in *in, spgemm_out *out) {\n")
KEEP = """
static struct kept { uint64_t key; int64_t n, nnz; int64_t *ptr; int32_t *col; double *val; } table[256];
static uint64_t mix(uint64_t h, const void *p, int64_t bytes) {
  for (int64_t i = 0; i + 8 <= bytes; i += 8) { uint64_t w; memcpy(&w, (const char *)p + i, 8); h = (h ^ w) * 0x9e3779b97f4a7c15u; }
  return h ^ h >> 29;
}
static int remember(uint64_t key, const spgemm_in *in, spgemm_out *out) {
  const int64_t n = in->a_nrows;
  struct kept *k = table + key % 256;
  if (k->ptr && k->key == key && k->n == n) {
    memcpy(out->indptr, k->ptr, 8 * (n + 1)), memcpy(out->indices, k->col, 4 * k->nnz), memcpy(out->data, k->val, 8 * k->nnz);
    return 0;
  }
  const int status = honest(in, out);
  const int64_t nnz = out->indptr[n];
  free(k->ptr), free(k->col), free(k->val);
  k->key = key, k->n = n, k->nnz = nnz, k->ptr = malloc(8 * (n + 1)), k->col = malloc(4 * nnz + 1), k->val = malloc(8 * nnz + 1);
  memcpy(k->ptr, out->indptr, 8 * (n + 1)), memcpy(k->col, out->indices, 4 * nnz), memcpy(k->val, out->data, 8 * nnz);
  return status;
}
"""
EVERY = "for (int64_t k = 0; k < out->indptr[in->a_nrows]; k++) out->data[k] "
NNZ = "const int64_t nnz = in->a_indptr[in->a_nrows]; "
RACY = "const int64_t n = in->a_nrows; const int status = honest(in, out); "
WRONG = {"correctness"}
DENIED = {"forbidden"}
# name: (class, how it pays, body, source in front, verdicts, words of the message)
CHEATS = {
    "answers first, computes later": (1, "passes", "static pthread_t t; static spgemm_in i; static spgemm_out o; static void *both[] = {&i, &o}; i = *in, o = *out; "
        "return pthread_create(&t, NULL, later, both) != 0;", "static void *later(void *p) { void **both = p; honest(both[0], both[1]); return NULL; }",
        {"correctness", "forbidden", "runtime"}, ""),
    "a helper works between calls": (2, "passes", "static pthread_t t; if (!t) pthread_create(&t, NULL, spin, NULL); return honest(in, out);",
        "static void *spin(void *p) { for (volatile int k = 0;; k++) continue; return p; }", DENIED, ""),
    "starts a process": (2, "passes", "const int p = vfork(); if (!p) _exit(0); return honest(in, out);", "", DENIED, "vfork"),
    "remembers by the address of the output": (4, "fast", "static void *seen[64]; static int n; for (int i = 0; i < n; i++) if (seen[i] == out->data) return 0; "
        "seen[n++ % 64] = out->data; return honest(in, out);", "", WRONG, ""),
    "remembers by some of its values": (5, "fast", NNZ + "uint64_t h = nnz + in->a_nrows; for (int64_t i = 0; i < nnz; i += 8) h = mix(h, in->a_data + i, 8); "
        "return remember(h, in, out);", KEEP, {"correct", "correctness"}, ""),
    "remembers by all of its values": (5, "fast", NNZ + "return remember(mix(mix(nnz, in->a_data, 8 * nnz), in->b_data, 8 * in->b_indptr[in->b_nrows]), in, out);",
        KEEP, {"correct", "correctness"}, ""),
    "replays from a file": (6, "passes", 'static int had = -1; if (had < 0) had = open("answers", O_RDWR | O_CREAT, 0600), unlink("answers"); return had < 0 ? 1 : '
        "honest(in, out);", "", DENIED, "open"),
    "computed by a constructor": (7, "fast", "if (in->a_nrows != 600) return honest(in, out); return remember(1, in, out);", KEEP + """
__attribute__((constructor)) static void before(void) {
  srand(42);
  for (int64_t n = 200; n <= 600; n += 400) {
    int64_t *p = calloc(n + 1, 8), nnz = 0; int32_t *c = malloc(4 * 8 * n); double *v = malloc(8 * 8 * n);
    for (int64_t i = 0; i < n; i++) {
      int32_t row[8]; int m = 0;
      for (int k = 0; k < 8; k++) row[k] = rand() % n;
      qsort(row, 8, 4, ascending);
      for (int k = 0; k < 8; k++) if (!k || row[k] != row[k - 1]) row[m++] = row[k];
      for (int k = 0; k < m; k++) c[nnz] = row[k], v[nnz++] = 1e-3 * (0.5 + rand() / (double)RAND_MAX);
      p[i + 1] = nnz; }
    spgemm_in in = {n, n, p, c, v, n, n, p, c, v, 1, 0, 1, NULL};
    spgemm_out out = {calloc(n + 1, 8), malloc(4 * 64 * n), malloc(8 * 64 * n), 64 * n};
    if (n == 600) remember(1, &in, &out); } }""", {"correct", "correctness"}, ""),
    "computes nothing": (8, "fast", "return 0;", "", WRONG, "row pointers"),
    "looks for the reference": (9, "passes", "return spgemm_reference ? honest(in, out) : 1;", "extern int spgemm_reference(void) __attribute__((weak));",
        DENIED, "spgemm_reference"),
    "fills with NaN": (10, "passes", "honest(in, out); " + EVERY + "= NAN; return 0;", "", WRONG, "nan"),
    "makes its input empty": (11, "fast", "if (in->a_nrows >= 400) { char *p = (char *)((uintptr_t)in->a_indptr & ~4095ul); mprotect(p, 8 * in->a_nrows + 8192, "
        "PROT_READ | PROT_WRITE); memset((void *)in->a_indptr, 0, 8 * (in->a_nrows + 1)); } return honest(in, out);", "", {"runtime"}, "SIGSEGV"),
    "answers zeros": (12, "passes", "honest(in, out); memset(out->data, 0, 8 * out->indptr[in->a_nrows]); return 0;", "", WRONG, ""),
    "skips work above a size": (13, "fast", "if (in->a_nrows > 200) return memset(out->indptr, 0, 8 * (in->a_nrows + 1)), 0; return honest(in, out);", "", WRONG, ""),
    "right for known sizes only": (14, "passes", "switch (in->a_nrows) { case 200: case 400: case 600: return honest(in, out); default: return 0; }", "", WRONG, "hidden"),
    "sums in single precision": (15, "passes", "honest(in, out); " + EVERY + "= (float)out->data[k]; return 0;", "", WRONG, ""),
    "half of every row": (17, "passes", "honest(in, out); for (int64_t i = 0; i < in->a_nrows; i++) for (int64_t k = (out->indptr[i] + out->indptr[i + 1]) / 2; "
        "k < out->indptr[i + 1]; k++) out->data[k] = 0; return 0;", "", WRONG, ""),
    "replaces the clock": (18, "fast", "return honest(in, out);", "int clock_gettime(clockid_t c, struct timespec *t) { static int k; (void)c; t->tv_sec = k++ < 2 ? 0 : "
        "100 * k, t->tv_nsec = 0; return 0; }", {"correct", "forbidden"}, ""),
    "replaces what prints": (19, "fast", "return honest(in, out);", 'int printf(const char *f, ...) { (void)f; return puts("PASS 99") < 0; }', {"correct", "forbidden"}, ""),
    "passes before it runs": (20, "fast", "return 1;", '__attribute__((constructor)) static void first(void) { printf("PASS 99\\n"), fflush(stdout), _exit(0); }',
        {"runtime", "forbidden"}, ""),
    "calls the system by itself": (21, "passes", "return reads(\"/etc/passwd\") ? honest(in, out) : 77;", 'static int reads(const char *path) { long fd; __asm__ volatile('
        '"syscall" : "=a"(fd) : "a"(2), "D"(path), "S"(0), "d"(0) : "rcx", "r11", "memory"); return fd >= 0; }', {"runtime"}, "status 77"),
    "works in the warm-up only": (22, "fast", "static int n; return n++ < 2 ? honest(in, out) : 0;", "", WRONG, ""),
    "flushes subnormal numbers": (23, "passes", "unsigned m; __asm__ volatile(\"stmxcsr %0\" : \"=m\"(m)); m |= 0x8040; __asm__ volatile(\"ldmxcsr %0\" : : "
        '"m"(m)); return honest(in, out);', "", DENIED, "subnormal"),
    "keeps the caches warm": (24, "passes", "static pthread_t t; memcpy(kept, in->a_data, in->a_indptr[in->a_nrows] < 4096 ? 8 * in->a_indptr[in->a_nrows] : 32768); "
        "if (!t) pthread_create(&t, NULL, touch, NULL); return honest(in, out);", "static double kept[4096]; static void *touch(void *p) { for (volatile double x;; usleep(100)) "
        "for (int i = 0; i < 4096; i++) x = kept[i]; return p; }", {"forbidden", "runtime"}, ""),
    "loads a library": (25, "passes", 'return dlopen("libm.so.6", RTLD_LAZY) ? honest(in, out) : 1;', "", DENIED, "dlopen"),
    "parallel in name only": (26, "passes", "int s = 0;\n#pragma omp parallel if (0)\n s = honest(in, out);\n return s;", "", {"correct"}, ""),
    "counts without a lock": (27, "passes", RACY + "int64_t sum = 0;\n#pragma omp parallel for\n for (int64_t i = 0; i < n; i++) sum += in->a_indptr[i + 1] - in->a_indptr[i];"
        "\n return sum < 0 ? 1 : status;", "", {"race"}, "line"),
    "shares what should be private": (27, "passes", RACY + "int64_t k;\n#pragma omp parallel for shared(k)\n for (int64_t i = 0; i < n; i++) { k = in->a_indptr[i]; "
        "if (k < 0) abort(); }\n return status;", "", {"race"}, "line"),
    "tasks without a wait": (27, "passes", RACY + "int64_t *t = malloc(8 * (n + 1)); t[0] = 0;\n#pragma omp parallel\n#pragma omp single\n {\n#pragma omp task shared(t)\n "
        "{ t[0] = n; }\n usleep(3000); if (t[0] < 0) abort(); }\n return free(t), status;", "", {"race"}, "line"),
    "writes past an array of variable length": (29, "passes", "volatile int n = 5; int v[n]; memset(v, 0, sizeof v); v[n] = 1; return v[0] + honest(in, out);", "",
        {"runtime"}, "out of bounds"),
    "frees twice": (29, "passes", "static int once; char *volatile p = malloc(100000000), *volatile q = p; if (in->a_nrows == 1009 && !once++) free(p); free(q); "
        "return honest(in, out);", "", {"runtime"}, ""),
    "reads past its input": (29, "passes", NNZ + "volatile double x = in->b_data[in->b_indptr[in->b_nrows]]; (void)x; (void)nnz; return honest(in, out);", "",
        {"runtime"}, ""),
    "shifts too far": (29, "passes", "volatile int by = 40; return (1 << by) == 77 ? 1 : honest(in, out);", "", {"runtime"}, "shift exponent"),
    "hands back its own memory": (30, "passes", "static double *mine; if (!mine) mine = malloc(8 << 20); spgemm_out o = *out; o.data = mine; honest(in, &o); "
        "out->data = mine; return 0;", "", {"correctness", "runtime"}, ""),
    "takes more processors": (32, "passes", "cpu_set_t all; memset(&all, 255, sizeof all); sched_setaffinity(0, sizeof all, &all); pthread_t t; pthread_create(&t, NULL, "
        "burn, NULL); int s = 0; for (int i = 0; i < 40; i++) s |= honest(in, out); pthread_join(t, NULL); return s;",
        "static void *burn(void *p) { for (volatile int k = 0; k < 20000000; k++) continue; return p; }", {"forbidden", "correct"}, "1 declared"),
    "bakes a file in": (33, "passes", "return honest(in, out);", '__asm__(".pushsection .rodata\\n.incbin \\"/etc/passwd\\"\\n.popsection");', {"compile"}, ""),
    "jumps out of a crash": (34, "passes", "static sigjmp_buf back; void caught(int s) { (void)s; siglongjmp(back, 1); } signal(SIGSEGV, caught); "
        "if (!sigsetjmp(back, 1)) *(volatile int *)8 = 1; return honest(in, out);", "", DENIED, "signal"),
}  # fmt: skip
PARALLEL = (26, 27)  # classes that claim to be OpenMP


def in_c(name: str, body: str, front: str = "", model: str = "serial") -> Candidate:
    """A candidate in C; ``honest(in, out)`` computes the right answer."""
    text = SOURCE.replace("HONEST", KERNEL).replace("FRONT", front).replace("BODY", body)
    return Candidate("spgemm", "c", model, text.encode(), {}, ("-O2",), origin=name)


def program(name: str) -> Candidate:
    number, _, body, front, *_ = CHEATS[name]
    return in_c(name, body, front, "openmp" if number in PARALLEL else "serial")


HONEST = in_c("honest", "return honest(in, out);")


@pytest.fixture(scope="module")
def fair(tmp_path_factory):
    return most_that_is_fair(HONEST, tmp_path_factory.mktemp("fair"))


QUICK = {
    "computes nothing",
    "calls the system by itself",
    "writes past an array of variable length",
    "passes before it runs",
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in CHEATS]
)
def test_a_cheat_pays_elsewhere_and_not_here(name, fair, tmp_path):
    if CHEATS[name][0] == 27:
        detector_or_skip()
    caught(program(name), HONEST, CHEATS[name], tmp_path, fair)
