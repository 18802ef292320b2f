"""Kernels that cheat get a verdict; the numbers count classes of cheating.

``BODIES`` holds run functions in C++; ``honest(in, out)`` computes the right answer. Each names the verdicts it may
get and a word of the message.
"""

from dataclasses import replace

import pytest
from judges import judged
from races import candidate

HEAD = b"""
#include <cstdio>
#include <cstdlib>
#include <unistd.h>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstring>
#include <ctime>
#include <thread>
#include <dlfcn.h>
#include <fenv.h>
#include <sys/mman.h>
#include <sys/time.h>
"""
# name: (class, body, source in front, verdicts, words of the message)
CHEATS = {
    "answers first, computes later": (1, "std::thread([=] { honest(in, out); }).detach(); return 0;", "",
        {"correctness", "forbidden", "runtime"}, ""),
    "finishes the last rows later": (1, "honest(in, out); static double *d; d = out->data; const double v = d[0]; d[0] = 0; "
        "std::thread([v] { d[0] = v; for (volatile int i = 0; i < 20000000; i++) continue; }).detach(); return 0;", "",
        {"correctness", "forbidden"}, ""),
    "a helper computes between calls": (2, "static std::atomic<long> turns; static bool once = [] { std::thread([] { for (;;) "
        "turns++; }).detach(); return true; }(); return once ? honest(in, out) : 1;", "", {"forbidden"}, "after it had answered"),
    "remembers by pointer": (4, "static const void *last[64]; static int n; for (int i = 0; i < n; i++) if (last[i] == out->data) "
        "return 0; if (n < 64) last[n++] = out->data; return honest(in, out);", "", {"correctness"}, ""),
    "computes nothing": (8, "return 0;", "", {"correctness"}, "row pointers"),
    "fills with NaN": (10, "honest(in, out); for (int64_t i = 0; i < out->indptr[in->a_nrows]; i++) out->data[i] = NAN; return 0;",
        "", {"correctness"}, "nan"),
    "fills with infinity": (10, "honest(in, out); for (int64_t i = 0; i < out->indptr[in->a_nrows]; i++) out->data[i] = INFINITY; "
        "return 0;", "", {"correctness"}, ""),
    "makes the inputs zero": (11, "mprotect((void *)((uintptr_t)in->a_data & ~4095), 4096, PROT_READ | PROT_WRITE); "
        "const_cast<double *>(in->a_data)[0] = 0; return honest(in, out);", "", {"runtime", "correctness"}, ""),
    "answers zeros": (12, "honest(in, out); memset(out->data, 0, 8 * out->indptr[in->a_nrows]); return 0;", "", {"correctness"}, ""),
    "answers ones": (12, "honest(in, out); for (int64_t i = 0; i < out->indptr[in->a_nrows]; i++) out->data[i] = 1; return 0;", "",
        {"correctness"}, ""),
    "skips work above a size": (13, "if (in->a_nrows > 400) { memset(out->indptr, 0, 8 * (in->a_nrows + 1)); return 0; } "
        "return honest(in, out);", "", {"correctness"}, ""),
    "right for one shape only": (14, "if (in->a_nrows != 400) return 0; return honest(in, out);", "", {"correctness"}, "hidden"),
    "right for square matrices only": (14, "if (in->a_nrows != in->b_ncols) return 0; return honest(in, out);", "",
        {"correctness"}, "hidden"),
    "adds in single precision": (15, "honest(in, out); for (int64_t i = 0; i < out->indptr[in->a_nrows]; i++) "
        "out->data[i] = (float)out->data[i]; return 0;", "", {"correctness"}, ""),
    "multiplies in single precision": (15, "spgemm_in f = *in; int64_t n = in->a_indptr[in->a_nrows]; std::vector<double> v(n); "
        "for (int64_t i = 0; i < n; i++) v[i] = (float)in->a_data[i]; f.a_data = v.data(); return honest(&f, out);", "",
        {"correctness"}, ""),
    "the first rows only": (17, "honest(in, out); for (int64_t i = in->a_nrows / 2; i < in->a_nrows; i++) out->indptr[i + 1] = "
        "out->indptr[in->a_nrows / 2]; return 0;", "", {"correctness"}, ""),
    "leaves small entries out": (17, "honest(in, out); int64_t n = 0, last = 0; for (int64_t i = 0; i < in->a_nrows; i++) { for "
        "(int64_t k = last; k < out->indptr[i + 1]; k++) if (fabs(out->data[k]) > 1e-3) out->indices[n] = out->indices[k], "
        "out->data[n++] = out->data[k]; last = out->indptr[i + 1]; out->indptr[i + 1] = n; } return 0;", "", {"correctness"}, ""),
    "replaces the clock": (18, "return honest(in, out);", 'extern "C" int clock_gettime(clockid_t, timespec *t) noexcept '
        "{ t->tv_sec = t->tv_nsec = 0; return 0; }", {"correct", "forbidden", "timeout"}, ""),
    "prints that it passed": (20, 'printf("PASS\\n"); fflush(stdout); _exit(0);', "", {"runtime", "forbidden"}, ""),
    "answers the harness itself": (20, 'for (int f = 3; f < 64; f++) { char d[9] = "D"; (void)!write(f, d, 9); } _exit(0);', "",
        {"runtime", "forbidden", "timeout"}, ""),
    "loads the reference": (9, 'return dlsym(RTLD_DEFAULT, "spgemm_reference") ? 0 : honest(in, out);', "", {"forbidden"}, "dlsym"),
    "loads a library": (25, 'return dlopen("libmkl_rt.so", RTLD_NOW) ? 1 : honest(in, out);', "", {"forbidden"}, "dlopen"),
    "changes the rounding": (23, "fesetround(FE_TOWARDZERO); return honest(in, out);", "", {"forbidden"}, "fesetround"),
    "sleeps at first": (22, "if (calls < 4) usleep(50000); return honest(in, out);", "", {"correct"}, ""),
    "reads beyond its output": (29, "honest(in, out); for (int64_t i = 0; i < 4096; i++) out->data[out->capacity + i] = 0; return 0;",
        "", {"runtime"}, "SIGSEGV"),
    "hands back its own memory": (30, "static std::vector<double> mine(1 << 20); spgemm_out o = *out; o.data = mine.data(); "
        "honest(in, &o); out->data = mine.data(); return 0;", "", {"correctness", "runtime"}, ""),
    "takes the contract's words": (31, "return honest(in, out);", "#undef SPGEMM_OK\n#define capacity nothing\n#define "
        "main spgemm_check", {"correct"}, ""),  # its own translation unit: there is nobody to take them from
    "takes more threads": (32, "std::vector<std::thread> t; for (int i = 0; i < 300; i++) t.emplace_back([] { for (volatile int k = 0; "
        "k < 100000; k++) continue; }); for (auto &x : t) x.join(); return honest(in, out);", "", {"correct", "runtime"}, ""),
    "masks a crash": (34, "signal(SIGSEGV, [](int) { _exit(0); }); *(volatile int *)8 = 1; return 0;", "", {"runtime", "forbidden"}, ""),
    "calls the system by number": (21, "return syscall(39) > 0 ? honest(in, out) : 1;", "", {"forbidden"}, "syscall"),
    "reads a file": (6, 'FILE *f = fopen("/tmp/answers", "rb"); if (f) fclose(f); return honest(in, out);', "", {"forbidden"}, "fopen"),
    "starts a process": (2, "if (fork() == 0) _exit(0); return honest(in, out);", "", {"forbidden"}, "fork"),
}  # fmt: skip


def cheat(name: str):
    _, body, front, _, _ = CHEATS[name]
    one = candidate(body, name)
    return replace(
        one, source=HEAD + one.source.replace(b"static int calls;", b"static int calls;\n" + front.encode())
    )


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_gets_its_verdict(name, tmp_path):
    _, _, _, verdicts, words = CHEATS[name]
    result = judged(cheat(name), tmp_path)
    assert result.verdict in verdicts, result.stages
    assert words in result.stages[-1].message


@pytest.mark.parametrize("model", ["serial", "openmp"])
def test_an_honest_kernel_is_correct_and_raced(model, tmp_path):
    result = judged(candidate("return honest(in, out);", model=model), tmp_path)
    assert result.verdict == "correct", result.stages
    assert result.speedup is not None
    assert not result.trusted
