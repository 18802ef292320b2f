"""Solvers that do less than they say, or gain by what they know of an earlier system.

Each pays in a benchmark that solves one system again and again and believes the residual that a solver tells, as most do.
"""

import ctypes
import time
from statistics import median

import numpy as np
import pytest
from judges import judged
from naive import FASTER

from hpcbench import build
from hpcbench.inputs import equations
from hpcbench.kernels.solve import kernel as solve
from hpcbench.spec import Candidate

HEAD = """
#include "abi.h"
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <vector>
typedef std::vector<double> V;
typedef std::function<void(const V &, V &)> Apply;
static double dot(const V &a, const V &b) { double s = 0; for (size_t i = 0; i < a.size(); i++) s += a[i] * b[i]; return s; }
static int cg(const solve_in *in, solve_out *out, double tolerance, const Apply &apply, const double *start, int most = 100000) {
  const int64_t n = in->nrows;
  auto multiply = [&](const double *v, V &w) {
    for (int64_t i = 0; i < n; i++) { w[i] = 0; for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) w[i] += in->data[k] * v[in->indices[k]]; } };
  V x(start, start + n), r(in->b, in->b + n), z(n), p(n), q(n);
  multiply(x.data(), q);
  double b = 0;
  for (int64_t i = 0; i < n; i++) b += in->b[i] * in->b[i], r[i] -= q[i];
  b = std::sqrt(b), out->told[0] = 0, out->history[0] = 1;
  if (b == 0) { memset(out->x, 0, 8 * n); return 0; }
  double rho = 0;
  int count = 0;
  for (; std::sqrt(dot(r, r)) > tolerance * b; count++) {
    if (count == most) return SOLVE_LIMIT;
    apply(r, z);
    const double last = rho;
    rho = dot(r, z);
    for (int64_t i = 0; i < n; i++) p[i] = z[i] + (count ? rho / last : 0) * p[i];
    multiply(p.data(), q);
    const double alpha = rho / dot(p, q);
    for (int64_t i = 0; i < n; i++) x[i] += alpha * p[i], r[i] -= alpha * q[i];
  }
  memcpy(out->x, x.data(), 8 * n);
  out->told[0] = count, out->history[count < 1023 ? count : 1023] = 1e-9;
  return 0;
}
static void plain(const V &r, V &z) { z = r; }
static V factor(const solve_in *in) { /* dense Cholesky */
  const int64_t n = in->nrows;
  V l(n * n);
  for (int64_t i = 0; i < n; i++) for (int64_t k = in->indptr[i]; k < in->indptr[i + 1]; k++) l[i * n + in->indices[k]] = in->data[k];
  for (int64_t j = 0; j < n; j++) for (int64_t i = j; i < n; i++) {
    double s = l[i * n + j];
    for (int64_t k = 0; k < j; k++) s -= l[i * n + k] * l[j * n + k];
    l[i * n + j] = i > j ? s / l[j * n + j] : std::sqrt(s); }
  return l;
}
static Apply with(const V &l) {
  return [&l](const V &r, V &z) {
    const int64_t n = r.size();
    z = r;
    for (int64_t i = 0; i < n; i++) { for (int64_t k = 0; k < i; k++) z[i] -= l[i * n + k] * z[k]; z[i] /= l[i * n + i]; }
    for (int64_t i = n - 1; i >= 0; i--) { z[i] /= l[i * n + i]; for (int64_t k = 0; k < i; k++) z[k] -= l[i * n + k] * z[i]; } };
}
extern "C" int solve_run(void *, const solve_in *in, const void *, solve_out *out) {
  const int64_t n = in->nrows;
"""
PLAIN = "return cg(in, out, in->tolerance, plain, in->x0); }"
DIRECT = "if (n > 1500) return cg(in, out, in->tolerance, plain, in->x0); const V l = factor(in); return cg(in, out, in->tolerance, with(l), in->x0); }"
# name: (honest, cheat, verdicts, words of the message)
CHEATS = {
    "stops three digits early": (PLAIN, "return cg(in, out, 1000 * in->tolerance, plain, in->x0); }", {"correctness"}, "more than 1e-08"),
    "answers with numbers whose squares overflow": (
        PLAIN, "for (int64_t i = 0; i < n; i++) out->x[i] = 1e200; return 0; }", {"correctness"}, "more than 1e-08"),
    "remembers by the address of b": (
        PLAIN, "static std::map<const double *, V> kept; V &x = kept[in->b]; if (int64_t(x.size()) == n && n) { memcpy(out->x, x.data(), 8 * n); return 0; } "
        "const int s = cg(in, out, in->tolerance, plain, in->x0); x.assign(out->x, out->x + n); return s; }", {"correctness"}, "more than 1e-08"),
    "begins at its last solution": (
        PLAIN, "static V last; const int s = cg(in, out, in->tolerance, plain, int64_t(last.size()) == n ? last.data() : in->x0); "
        "last.assign(out->x, out->x + n); return s; }", {"correct"}, ""),
    "keeps the factors of an earlier matrix": (
        DIRECT, "static V l; if (n > 1500) return cg(in, out, in->tolerance, plain, in->x0); if (int64_t(l.size()) == n * n && cg(in, out, in->tolerance, with(l), in->x0, 12) == 0) return 0; "
        "l = factor(in); return cg(in, out, in->tolerance, with(l), in->x0); }", {"correct"}, ""),
}  # fmt: skip


def _candidate(body: str) -> Candidate:
    return Candidate("solve", "cpp", "serial", (HEAD + body).encode(), {}, ("-O2",), origin="cheat")


def _share(cheat: Candidate, honest: Candidate, p: solve.System) -> float:
    """Of the honest one's time, in turns, in the benchmark of old, which must believe that it has two solutions."""
    kept = solve.pack(p)
    fields = np.zeros(len(kept), np.int64)
    for k, value in enumerate(kept.values()):
        if isinstance(value, float):
            fields[k : k + 1].view(np.float64)[0] = value
        else:
            fields[k] = value.ctypes.data if isinstance(value, np.ndarray) else value
    x, told, history = np.zeros(len(p.b)), np.zeros(1), np.zeros(1024)
    out = np.array([v.ctypes.data for v in (x, told, history)])
    runs = [ctypes.CDLL(str(build.build(one).path)).solve_run for one in (cheat, honest)]
    for run in runs:
        run.argtypes = [ctypes.c_void_p] * 4
    shares = []
    for _ in range(200):
        spent = []
        for run in runs:
            begun = time.perf_counter()
            assert run(None, fields.ctypes.data, None, out.ctypes.data) == 0
            spent.append(time.perf_counter() - begun)
            assert history[min(int(told[0]), 1023)] <= 1e-8
        shares.append(spent[0] / spent[1])
    return median(shares)


LONG = "keeps the factors of an earlier matrix"


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n == LONG else []) for n in CHEATS]
)
def test_it_gets_its_verdict_and_would_have_paid(tmp_path, name):
    honest, cheat, verdicts, words = CHEATS[name]
    a = equations.poisson(22, 2)
    p = solve.system(a, np.random.default_rng(1))
    assert _share(_candidate(cheat), _candidate(honest), p) < 0.8
    result = judged(_candidate(cheat), tmp_path, "residual", seconds=6, anchor="scipy_cg", matrix=a)
    assert result.verdict in verdicts, result.stages
    assert words in result.stages[-1].message or result.verdict == "correct"
    if result.verdict == "correct":
        fair = judged(_candidate(honest), tmp_path, "residual", seconds=6, anchor="scipy_cg", matrix=a)
        assert not result.speedup[1] > FASTER * fair.speedup[2]
