"""Kernels with a setup whose run does less than it should: what setup may know is the matrix, never x.

Each pays in a benchmark that sets up once and then multiplies the same x again and again, as most do.
"""

import ctypes
import time

import numpy as np
import pytest
from judges import judged
from races import small

from hpcbench import build
from hpcbench.kernels.spmv import kernel as spmv
from hpcbench.spec import Candidate

HEAD = """
#include "abi.h"
#include <atomic>
#include <cstdint>
#include <cstring>
#include <map>
#include <thread>
#include <vector>
static void honest(const spmv_in *in, double *y) {
  for (int64_t i = 0; i < in->nrows; i++) {
    double sum = 0;
    for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) sum += in->data[k] * in->x[in->indices[k]];
    y[i] = sum;
  }
}
struct Handle { const double *x; std::vector<double> y; std::vector<float> few; std::atomic<int> turn; int calls; };
static int frees;
extern "C" void spmv_free(void *) { frees++; }
extern "C" void *spmv_setup(const spmv_in *in, const void *) {
  Handle *h = new Handle{};
  h->y.resize(in->nrows);
"""
RUN = """
  return h;
}
extern "C" int spmv_run(void *handle, const spmv_in *in, const void *, spmv_out *out) {
  Handle *h = (Handle *)handle;
  const int64_t n = in->nrows;
"""
GIVE = "memcpy(out->y, h->y.data(), 8 * n); return 0; }"
HONEST = "honest(in, out->y); return 0; }"
# name: (setup, run, verdicts, words of the message)
CHEATS = {
    "multiplies in setup": ("honest(in, h->y.data());", GIVE, {"correctness"}, "entries are off"),
    "remembers by the address of x": (
        "", "static std::map<const double *, std::vector<double>> kept; auto &y = kept[in->x]; if (y.empty()) { y.resize(n); honest(in, "
        "y.data()); } memcpy(out->y, y.data(), 8 * n); return 0; }", {"correctness"}, "entries are off"),
    "multiplies again when x has changed at its ends": (
        "", "static double a, b; if (!in->ncols) return honest(in, out->y), 0; if (in->x[0] != a || in->x[in->ncols - 1] != b) { a = in->x[0], b = in->x[in->ncols - 1]; honest(in, "
        "h->y.data()); } " + GIVE, {"correct"}, ""),
    "a helper of setup's multiplies ahead": (
        "h->x = in->x; std::thread([h, in = *in] { for (;;) honest(&in, h->y.data()); }).detach();", "if (in->x == h->x) { " +
        GIVE.replace("}", "} ") + HONEST, {"forbidden", "correctness"}, ""),
    "multiplies every third time": ("", "if (h->calls++ % 3 == 0) honest(in, h->y.data()); " + GIVE, {"correctness"}, "entries are off"),
}  # fmt: skip


def _candidate(setup: str, run: str) -> Candidate:
    return Candidate(
        "spmv", "cpp", "serial", (HEAD + setup + RUN + run).encode(), {}, ("-O2",), origin="cheat"
    )


def _seconds(candidate: Candidate, p: spmv.Matvec) -> tuple[float, np.ndarray]:
    """The least of a call in the benchmark of old: one setup, one x, many calls; and what the last one left."""
    code = ctypes.CDLL(str(build.build(candidate).path))
    code.spmv_setup.restype, code.spmv_setup.argtypes = ctypes.c_void_p, [ctypes.c_void_p] * 2
    code.spmv_run.argtypes = [ctypes.c_void_p] * 4
    kept = spmv.pack(p)
    fields = np.array([v.ctypes.data if isinstance(v, np.ndarray) else v for v in kept.values()], np.int64)
    y = np.zeros(p.a.csr.shape[0])
    out = np.array([y.ctypes.data])
    handle = code.spmv_setup(fields.ctypes.data, None)
    time.sleep(0.05)
    spent = []
    for _ in range(200):
        begun = time.perf_counter()
        code.spmv_run(handle, fields.ctypes.data, None, out.ctypes.data)
        spent.append(time.perf_counter() - begun)
    return min(spent), y


@pytest.mark.parametrize("name", CHEATS)
def test_it_gets_its_verdict_and_would_have_paid(tmp_path, name):
    setup, run, verdicts, words = CHEATS[name]
    a = small(3000, 60_000)
    if "helper" not in name:  # a helper would go on in this process
        p = spmv.matvec(a, np.random.default_rng(1))
        honest, _ = _seconds(_candidate("", HONEST), p)
        cheating, y = _seconds(_candidate(setup, run), p)
        assert spmv.check(p, spmv.oracle(p), {"y": y}) == ""
        assert cheating < 0.6 * honest
    result = judged(_candidate(setup, run), tmp_path, "product", seconds=6, anchor="csr", matrix=a)
    assert result.verdict in verdicts, result.stages
    assert words in result.stages[-1].message or result.verdict == "correct"
    if result.verdict == "correct":
        fair = judged(_candidate("", HONEST), tmp_path, "product", seconds=6, anchor="csr", matrix=a)
        assert not result.speedup[1] > 1.25 * fair.speedup[2]  # of two runs, beside other work


def test_one_setup_serves_all_calls_of_a_race(tmp_path):
    """Where nothing is given back between calls, each gets the handle of the one before, whatever its x."""
    same = "static void *first; if (first && first != handle && !frees) return 9; first = handle; "
    for _ in range(3):  # beside other work one sample may be so slow that no round follows it
        result = judged(_candidate("", same + HONEST), tmp_path, "product", seconds=10, anchor="csr")
        assert result.verdict == "correct", result.stages
        if result.rounds:
            break
    assert result.rounds
