"""Kernels that compute several calls of a sample in one pass over the matrix, from the second of which they answer at once.

Each is right in every call, and faster for it where the calls' vectors are there when the sample begins.
"""

from dataclasses import replace

import numpy as np
import pytest
from judges import judged
from scipy.sparse import csr_array, diags_array

from hpcbench import registry
from hpcbench.inputs import generate
from hpcbench.kernels.sptrsv.triangle import lower
from hpcbench.spec import Candidate

# AT: the vector that a call is given, INTO: what it puts out; MULTIPLY: one row of WIDE calls
TEXT = """
#include "abi.h"
#include <cstring>
#include <vector>
struct Call { const KERNEL_in *in; KERNEL_out *out; };
static std::vector<Call> order;
enum { WIDE = 8 };
static bool open(const double *y, int64_t n) { uint64_t a, b; memcpy(&a, y, 8), memcpy(&b, y + n - 1, 8); return a == ~0ull && b == ~0ull; }
template <int W> static void several(const KERNEL_in *in, const Call *calls) {
  static std::vector<double> v;
  const int64_t n = in->nrows;
  v.resize(W * (n + 1));
  COLLECT
  for (int64_t i = 0; i < n; i++) {
    double s[W] = {};
    ROW
    for (int j = 0; j < W; j++) calls[j].out->INTO[i] = s[j];
  }
}
extern "C" int KERNEL_run(void *, const KERNEL_in *in, const void *, KERNEL_out *out) {
  const int64_t n = in->nrows;
  const Call one{in, out};
  int at = -1;
  for (int k = 0; k < (int)order.size(); k++) if (order[k].out == out && order[k].in == in) at = k;
  if (at < 0 || !n) { order.push_back(one), several<1>(in, &one); return 0; }
  if (!open(out->INTO, n)) return 0;
  Call next[WIDE];
  int found = 0;
  for (int j = 0; CHEATS && j < WIDE && j < (int)order.size(); j++) {
    const Call c = order[(at + j) % order.size()];
    if (!open(c.out->INTO, n)) break;
    next[found++] = c;
  }
  if (found == WIDE) several<WIDE>(in, next);
  else several<1>(in, &one);
  return 0;
}
"""
MULTIPLY = {
    "KERNEL": "spmv", "INTO": "y",
    "COLLECT": "std::vector<double> x(W * in->ncols + 1); for (int64_t i = 0; i < in->ncols; i++) for (int j = 0; j < W; j++) x[i * W + j] = calls[j].in->x[i];",
    "ROW": "for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) for (int j = 0; j < W; j++) s[j] += in->data[k] * x[in->indices[k] * W + j];",
}  # fmt: skip
SUBSTITUTE = {
    "KERNEL": "sptrsv", "INTO": "x", "COLLECT": "",
    "ROW": "int64_t k = in->indptr[i]; for (int j = 0; j < W; j++) s[j] = calls[j].in->b[i]; for (; k < in->indptr[i + 1] - 1; k++) for (int j = 0; j < W; j++) "
           "s[j] -= in->data[k] * v[in->indices[k] * W + j]; for (int j = 0; j < W; j++) v[i * W + j] = s[j] /= in->data[k];",
}  # fmt: skip


def text(words: dict[str, str], cheats: bool) -> Candidate:
    source = TEXT
    for name, value in words.items():
        source = source.replace(name, value)
    return Candidate(
        words["KERNEL"], "cpp", "serial", source.replace("CHEATS", str(int(cheats))).encode(), {}, ("-O3", "-march=native"),
        origin="several at once" if cheats else "honest",
    )  # fmt: skip


def chain(n: int) -> csr_array:
    return lower(csr_array(diags_array(np.ones(n - 1), offsets=-1)), np.random.default_rng(1))


@pytest.mark.parametrize(
    ("words", "contract", "matrix"),
    [pytest.param(MULTIPLY, "product", generate.er(12_000, 16, np.random.default_rng(1)), id="spmv"),
     pytest.param(SUBSTITUTE, "lower", chain(20_000), id="sptrsv")],
)  # fmt: skip
@pytest.mark.slow
@pytest.mark.alone
def test_calls_cannot_be_computed_together(words, contract, matrix, tmp_path, monkeypatch):
    def result(cheats):
        return judged(text(words, cheats), tmp_path, contract, seconds=10, anchor="scipy_csr", matrix=matrix)

    plain = result(False)
    assert plain.verdict == "correct", plain.stages
    caught = result(True)
    assert caught.verdict == "correctness", caught.stages
    kernel = registry.kernel(words["KERNEL"])
    monkeypatch.setitem(registry.kernels(), kernel.name, replace(kernel, stream=""))
    without, honest = result(True), result(False)
    assert (without.verdict, honest.verdict) == ("correct", "correct"), without.stages
    assert without.speedup[0] > 1.2 * honest.speedup[0]
