"""Kernels under MPI that cheat get a verdict; each pays in a benchmark without our checks, on two ranks.

Rows are as in ``test_cheats.py``; ``honest(in, out)`` computes this rank's rows of the right answer.
"""

import pytest
from judges import judged
from naive import caught, most_that_is_fair, naive, quick_first
from programs import over_mpi

EMPTY = "{ memset(out->indptr, 0, 8 * (in->a_nrows + 1)); return 0; }"
VALUES = "for (int64_t i = 0; i < out->indptr[in->a_nrows]; i++) out->data[i] "
WRONG, DENIED = {"correctness"}, {"forbidden"}
# name: (class, how it pays, body, source in front, verdicts, words of the message)
CHEATS = {
    "the last rank returns nothing": (17, "passes", "const int s = honest(in, out); if (in->rank) " + EMPTY + " return s;", "", WRONG, ""),
    "the last rank returns an old answer": (8, "passes", "if (in->rank == 0) return honest(in, out); spgemm_in i = *in; i.a_nrows = 0; int64_t p[2]; spgemm_out o = "
        "{p, nullptr, nullptr, 0}; return honest(&i, &o);", "", WRONG, ""),
    "every rank computes nothing": (8, "fast", "return 0;", "", WRONG, ""),
    "gets the rows for the next call": (1, "passes", "static std::vector<double> before; const int64_t n = in->b_indptr[in->b_nrows]; spgemm_in i = *in; "
        "std::vector<double> now(in->b_data, in->b_data + n); if ((int64_t)before.size() == n) i.b_data = before.data(); const int s = honest(&i, out); before = now; "
        "return s;", "", WRONG, ""),
    "a helper works between calls": (2, "passes", "static bool once = [] { std::thread([] { for (volatile int i = 0;; i = i + 1) continue; }).detach(); return true; }(); "
        "return once ? honest(in, out) : 1;", "", DENIED, ""),
    "starts other ranks": (2, "passes", "MPI_Comm c; if (in->a_nrows < 0) MPI_Comm_spawn(\"true\", MPI_ARGV_NULL, 1, MPI_INFO_NULL, 0, MPI_COMM_SELF, &c, "
        "MPI_ERRCODES_IGNORE); return honest(in, out);", "", DENIED, "MPI_Comm_spawn"),
    "writes a file through MPI": (6, "passes", "MPI_File f; if (in->a_nrows < 0) MPI_File_open(MPI_COMM_SELF, \"answers\", MPI_MODE_CREATE | MPI_MODE_RDWR, "
        "MPI_INFO_NULL, &f); return honest(in, out);", "", DENIED, "MPI_File_open"),
    "remembers by the address of the output": (4, "fast", "static std::vector<void *> seen; for (void *p : seen) if (p == out->data) return 0; "
        "seen.push_back(out->data); return honest(in, out);", "", WRONG, ""),
    "remembers by its own block": (5, "fast", "const int64_t k = in->a_indptr[in->a_nrows]; uint64_t h = mix(k, in->a_data, 8 * k); h = mix(h, in->a_indices, 4 * k); auto f = seen.find(h); "
        "if (f != seen.end()) { const auto &[p, c, v] = f->second; memcpy(out->indptr, p.data(), 8 * p.size()), memcpy(out->indices, c.data(), 4 * c.size()), memcpy(out->data, v.data(), 8 * v.size()); "
        "return 0; } const int s = honest(in, out); const int64_t n = in->a_nrows, m = out->indptr[n]; if (seen.size() < 256) seen[h] = {{out->indptr, out->indptr + n + 1}, {out->indices, out->indices + m}, "
        "{out->data, out->data + m}}; return s;", """
#include <map>
#include <tuple>
static std::map<uint64_t, std::tuple<std::vector<int64_t>, std::vector<int32_t>, std::vector<double>>> seen;
static uint64_t mix(uint64_t h, const void *p, int64_t bytes) {
  for (int64_t i = 0; i + 8 <= bytes; i += 8) { uint64_t w; memcpy(&w, (const char *)p + i, 8); h = (h ^ w) * 0x9e3779b97f4a7c15u; }
  return h ^ h >> 29;
}""", {"correct", "correctness", "timeout"}, ""),
    "loads a reference": (9, "passes", 'return dlsym(RTLD_DEFAULT, "spgemm_reference") ? honest(in, out) : 1;', "#include <dlfcn.h>", DENIED, "dlsym"),
    "reads another rank's memory": (21, "passes", "iovec l{&l, 8}, r{&l, 8}; return in->a_nrows < 0 && process_vm_readv(1, &l, 1, &r, 1, 0) ? 1 : honest(in, out);", "#include <sys/uio.h>",
        DENIED, "process_vm_readv"),
    "works in the first calls only": (22, "fast", "if (calls > 2) return 0; return honest(in, out);", "", WRONG, ""),
    "one rank flushes subnormal numbers": (23, "passes", "if (in->rank) __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040); return honest(in, out);", "", DENIED, "subnormal"),
    "loads a library": (25, "passes", 'return dlopen("libm.so.6", RTLD_NOW) ? honest(in, out) : 1;', "#include <dlfcn.h>", DENIED, "dlopen"),
    "one rank writes past what it allocated": (29, "passes", "if (in->rank == 1) { volatile char *p = new char[33]; p[33] = 1; delete[] p; } return honest(in, out);", "", {"runtime"},
        "line"),
    "one rank hands back its own memory": (30, "passes", "static std::vector<double> mine(1 << 20); honest(in, out); if (in->rank) { memcpy(mine.data(), out->data, 8 * out->indptr[in->a_nrows]); "
        "memset(out->data, 0, 8 * out->indptr[in->a_nrows]); out->data = mine.data(); } return 0;", "", WRONG, ""),
    "bakes a file in": (33, "passes", "return honest(in, out);", '__asm__(".pushsection .rodata\\n.incbin \\"/etc/passwd\\"\\n.popsection");', {"compile"}, ""),
    "fills with NaN": (10, "passes", "honest(in, out); " + VALUES + "= NAN; return 0;", "", WRONG, "nan"),
    "answers zeros": (12, "passes", "honest(in, out); " + VALUES + "= 0; return 0;", "", WRONG, ""),
    "makes its input empty": (11, "fast", "if (in->a_nrows > 150) memset((void *)in->a_indptr, 0, 8 * (in->a_nrows + 1)); return honest(in, out);",
        "", {"runtime"}, ""),
    "skips work above a size": (13, "fast", "if (in->a_nrows > 150) " + EMPTY + " return honest(in, out);", "", WRONG, ""),
    "right on two ranks only": (14, "passes", "const int s = honest(in, out); if (in->ranks != 2) " + VALUES + "= 0; return s;", "", WRONG, "hidden"),
    "one rank in single precision": (15, "passes", "honest(in, out); if (in->rank) " + VALUES + "= (float)out->data[i]; return 0;", "", WRONG, ""),
    "replaces the clock": (18, "fast", "return honest(in, out);", 'extern "C" double MPI_Wtime(void) { static int k; return k++ < 2 ? 0 : k; }', {"correct", "forbidden"}, ""),
    "prints that it passed": (20, "fast", 'if (in->rank == 0) printf("PASS 99\\n"), fflush(stdout); MPI_Finalize(); _exit(0);', "", {"runtime", "forbidden"}, ""),
    "sends before it receives": (27, "passes", "const int n = (int)in->b_indptr[in->b_nrows] / 4; const int to = (int)((in->rank + 1) % in->ranks); if (in->ranks > 1) { "
        "std::vector<double> got(1 << 22); MPI_Send(in->b_data, n, MPI_DOUBLE, to, 5, MPI_COMM_WORLD); MPI_Recv(got.data(), 1 << 22, MPI_DOUBLE, MPI_ANY_SOURCE, 5, "
        "MPI_COMM_WORLD, MPI_STATUS_IGNORE); } return honest(in, out);", "", {"timeout"}, "Send"),
    "waits for a rank that is not there": (27, "passes", "double x = 0; if (in->ranks == 3 && in->rank == 1) MPI_Recv(&x, 1, MPI_DOUBLE, 0, 9, MPI_COMM_WORLD, "
        "MPI_STATUS_IGNORE); return honest(in, out);", "", {"timeout"}, "rank 1 in"),
    "a sum that only one rank has": (27, "passes", "const int s = honest(in, out); const double one = 1; double x = 0; if (in->ranks == 3) { MPI_Reduce(&one, &x, 1, "
        "MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD); " + VALUES + "*= x / 3; } return s;", "", WRONG, "3r"),
}  # fmt: skip


PLAIN = over_mpi("honest", "return honest(in, out);")


def test_the_honest_kernel_passes_in_both(tmp_path):
    assert naive(PLAIN)[0]
    result = judged(PLAIN, tmp_path, ranks=2)
    assert result.verdict == "correct", result.stages


@pytest.fixture(scope="module")
def fair(tmp_path_factory):
    return most_that_is_fair(PLAIN, tmp_path_factory.mktemp("fair"), ranks=2)


@pytest.mark.parametrize("name", quick_first(CHEATS))
def test_a_cheat_pays_elsewhere_and_not_here(name, fair, tmp_path):
    _, _, body, front, *_ = CHEATS[name]
    caught(over_mpi(name, body, front), PLAIN, CHEATS[name], tmp_path, fair, ranks=2)
