"""CUDA candidates: built where nvcc is, judged where a device is, with what compute-sanitizer says of them."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
from races import small

from hpcbench import build, device, instrument, machine, registry
from hpcbench.case import Case
from hpcbench.contender import Entry
from hpcbench.judge import judge
from hpcbench.spec import Budget, Candidate, Setting
from hpcbench.stages import Bench, Subject
from hpcbench.stages._trials import on_device, trials
from hpcbench.store import Journal

CUDA = [v for k in registry.kernels().values() for v in k.variants() if v.language == "cuda"]
needs_nvcc = pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc")
needs_device = pytest.mark.skipif(machine.gpu() is None, reason="no CUDA device is visible")
SOURCE = """
#include "abi.h"
#include <cuda_runtime.h>
#include <vector>
template <class T> static T *up(const T *host, size_t n) {
  T *at;
  cudaMalloc(&at, n * sizeof(T) + 1);
  if (host) cudaMemcpy(at, host, n * sizeof(T), cudaMemcpyHostToDevice);
  return at;
}
__global__ void rows(spgemm_in in, const int64_t *start, int64_t *length, int32_t *cols, double *vals) {
  const int64_t row = blockIdx.x * int64_t(blockDim.x) + threadIdx.x;
  PLANTED
  if (row >= in.a_nrows) return;
  int64_t n = 0, base = start[row];
  for (int64_t p = in.a_indptr[row]; p < in.a_indptr[row + 1]; p++)
    for (int64_t q = in.b_indptr[in.a_indices[p]]; q < in.b_indptr[in.a_indices[p] + 1]; q++) {
      int64_t at = n;
      while (at > 0 && cols[base + at - 1] >= in.b_indices[q]) at--;
      if (at == n || cols[base + at] != in.b_indices[q]) {
        for (int64_t k = n++; k > at; k--) cols[base + k] = cols[base + k - 1], vals[base + k] = vals[base + k - 1];
        cols[base + at] = in.b_indices[q], vals[base + at] = 0;
      }
      vals[base + at] += in.a_data[p] * in.b_data[q];
    }
  length[row] = n;
}
extern "C" int spgemm_run(void *, const spgemm_in *host, const void *, spgemm_out *out) {
  spgemm_in in = *host;
  const int64_t n = in.a_nrows, a = in.a_indptr[n], b = in.b_indptr[in.b_nrows];
  std::vector<int64_t> start(n + 1), length(n + 1);
  for (int64_t r = 0; r < n; r++) {
    start[r + 1] = start[r];
    for (int64_t p = in.a_indptr[r]; p < in.a_indptr[r + 1]; p++)
      start[r + 1] += in.b_indptr[in.a_indices[p] + 1] - in.b_indptr[in.a_indices[p]];
  }
  std::vector<int32_t> cols(start[n]);
  std::vector<double> vals(start[n]);
  in.a_indptr = up(in.a_indptr, n + 1), in.a_indices = up(in.a_indices, a), in.a_data = up(in.a_data, a);
  in.b_indptr = up(in.b_indptr, in.b_nrows + 1), in.b_indices = up(in.b_indices, b), in.b_data = up(in.b_data, b);
  int64_t *s = up(start.data(), n + 1), *l = up((int64_t *)nullptr, n + 1);
  int32_t *c = up((int32_t *)nullptr, start[n]);
  double *v = up((double *)nullptr, start[n]);
  rows<<<unsigned(n / 64 + 1), 64>>>(in, s, l, c, v);
  cudaMemcpy(length.data(), l, n * 8, cudaMemcpyDeviceToHost);
  cudaMemcpy(cols.data(), c, start[n] * 4, cudaMemcpyDeviceToHost);
  cudaMemcpy(vals.data(), v, start[n] * 8, cudaMemcpyDeviceToHost);
  for (const void *p : {(const void *)in.a_indptr, (const void *)in.a_indices, (const void *)in.a_data,
                        (const void *)in.b_indptr, (const void *)in.b_indices, (const void *)in.b_data,
                        (const void *)s, (const void *)l, (const void *)c, (const void *)v})
    cudaFree(const_cast<void *>(p));
  int64_t nnz = out->indptr[0] = 0;
  for (int64_t r = 0; r < n; r++) {
    for (int64_t k = 0; k < length[r]; k++) out->indices[nnz] = cols[start[r] + k], out->data[nnz++] = vals[start[r] + k];
    out->indptr[r + 1] = nnz;
  }
  return 0;
}
"""


def planted(text: str) -> Candidate:
    return Candidate(
        "spgemm", "cuda", "cuda", SOURCE.replace("PLANTED", text).encode(), {}, ("-O2",), origin="planted"
    )


def subject(text: str, folder) -> Subject:
    kernel, matrix = registry.kernel("spgemm"), small(400, 3000)
    case = Case("small", kernel, "sorted", lambda rng: kernel.module().product(matrix, matrix, "sorted", rng))
    base = Entry(kernel.variant("scipy_csr").candidate(), Setting(), "scipy_csr")
    journal = Journal.create(folder)
    bench = Bench(case, base, Setting(device="cuda"), journal, "", lambda *_: None, trust=True)
    return Subject(planted(text), bench, 1)


@pytest.mark.slow
@needs_nvcc
@pytest.mark.parametrize("variant", CUDA, ids=lambda v: f"{v.kernel}/{v.name}")
def test_every_cuda_variant_builds(variant):
    assert build.build(variant.candidate()).path.is_file()


@needs_nvcc
def test_what_a_worker_asks_of_a_device_builds():
    assert device.driver().is_file()


@pytest.mark.skipif(machine.gpu() is not None, reason="a CUDA device is visible")
@pytest.mark.parametrize(
    "words", [("run", "--contract", "sorted-device", "--case", "er60k"), ("judge", "mine.cu", "--trust")]
)
def test_without_a_device_it_is_said_what_is_missing(words, tmp_path):
    (tmp_path / "mine.cu").write_text(SOURCE)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "hpcbench", *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 3
    assert "no CUDA device is visible" in done.stderr


@needs_device
def test_a_correct_kernel_passes_every_stage_and_races(tmp_path):
    one = subject("", tmp_path)
    result = judge(one.candidate, "correct", one.bench, Budget(deadline=2, rounds=16))
    assert result.verdict == "correct", result.stages
    assert {s.name: s.code for s in result.stages if s.name in ("sanitize", "races")} == {
        "sanitize": "correct",
        "races": "correct",
    }


@needs_device
@pytest.mark.parametrize(
    ("check", "text", "code", "said"),
    [
        ("memcheck", "if (row == 0) length[in.a_nrows + 4096] = 1;", "runtime", "Invalid __global__ write"),
        ("initcheck", "if (row == 0 && start[in.a_nrows] && cols[0] == 77) length[0] = 1;", "runtime",
         "Uninitialized __global__"),
        ("racecheck", "__shared__ volatile int64_t last; last = row; if (last < 0) length[0] = 1;", "race", "Race reported"),
        ("synccheck", "if (threadIdx.x % 32 < 16) __syncthreads();", "runtime", "Barrier error"),
    ],
)  # fmt: skip
def test_a_planted_error_is_found_with_its_line(check, text, code, said, tmp_path):
    stage = on_device(subject(text, tmp_path), "sanitize", [check])
    assert stage.code == code, stage
    assert said in stage.message
    assert f"at line {SOURCE[: SOURCE.index('PLANTED')].count(chr(10)) + 1}" in stage.message


@needs_device
@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("for (;;) if (row < 0) break;", "timeout", "did not finish"),
        ("if (row == 0) __trap();", "runtime", "the device: "),
    ],
)
def test_a_kernel_that_hangs_or_fails_gets_its_verdict(text, code, said, tmp_path, monkeypatch):
    monkeypatch.setattr("hpcbench.measure.processes.START_LIMIT_S", 8.0)
    stage = trials(subject(text, tmp_path), "hidden", [Setting(device="cuda")])
    assert stage.code == code, stage
    assert said in stage.message


@needs_device
@pytest.mark.parametrize("check", ["memcheck", "initcheck", "racecheck", "synccheck"])
@pytest.mark.parametrize("kernel", ["spgemm", "spmv", "solve"])
def test_nothing_is_reported_about_our_own_variants(kernel, check, wrong):
    known = registry.kernel(kernel)
    entries = [
        Entry(v.candidate(), Setting(device="cuda"), v.name, watch=instrument.device(check))
        for v in known.variants()
        if v.language == "cuda"
    ]
    first, *_, last = known.contracts
    for contract in (first, last):  # transfers, and the device's memory
        inputs = known.module().hidden(contract, np.random.default_rng())
        inputs.pop("larger", None)
        assert wrong(kernel, entries, inputs, contract) == {}
