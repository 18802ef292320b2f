"""What the tests of the measuring path share: small cases, and candidates written for a test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from hpcbench import registry
from hpcbench.case import Case
from hpcbench.contender import Entry
from hpcbench.evaluate import open_race
from hpcbench.spec import Budget, Candidate, Result, Setting, Skip
from hpcbench.store import Journal

SOURCE = """
#include "abi.h"
#include <cstdlib>
#include <cstdio>
#include <vector>
#include <unistd.h>
static int calls;
static int honest(const spgemm_in *in, spgemm_out *out) {{
  std::vector<double> sum(in->b_ncols);
  std::vector<char> seen(in->b_ncols);
  int64_t nnz = 0;
  out->indptr[0] = 0;
  for (int64_t i = 0; i < in->a_nrows; i++) {{
    for (int64_t p = in->a_indptr[i]; p < in->a_indptr[i + 1]; p++)
      for (int64_t q = in->b_indptr[in->a_indices[p]]; q < in->b_indptr[in->a_indices[p] + 1]; q++) {{
        sum[in->b_indices[q]] += in->a_data[p] * in->b_data[q];
        seen[in->b_indices[q]] = 1;
      }}
    for (int64_t j = 0; j < in->b_ncols; j++)
      if (seen[j]) out->indices[nnz] = j, out->data[nnz++] = sum[j], sum[j] = 0, seen[j] = 0;
    out->indptr[i + 1] = nnz;
  }}
  return 0;
}}
extern "C" int spgemm_run(void *, const spgemm_in *in, const void *, spgemm_out *out) {{
  calls++;
  {body}
}}
"""


def candidate(body: str, name: str = "candidate", model: str = "serial") -> Candidate:
    """A C++ candidate whose run function has that body; ``honest(in, out)`` computes the right answer."""
    return Candidate("spgemm", "cpp", model, SOURCE.format(body=body).encode(), {}, ("-O2",), origin=name)


@dataclass
class Outcome:
    results: dict[str, Result]
    skips: list[Skip]
    samples: dict[str, list]
    interrupted: bool
    journal: Path


@pytest.fixture
def race(tmp_path: Path) -> Callable[..., Outcome]:
    """Races candidates against scipy on a small random product."""

    def run(
        entries: Sequence[Entry], matrix: csr_array | None = None, contract: str = "sorted", rounds: int = 16,
        seed: int = 1, upto: str = "measure", second: csr_array | None = None, on_event: Callable = lambda *_: None,
        pages: str = "prefaulted",
    ) -> Outcome:  # fmt: skip
        kernel = registry.kernel("spgemm")
        module = kernel.module()
        a = small(60, 300) if matrix is None else matrix
        b = a if second is None else second

        def make(rng: np.random.Generator) -> object:
            return module.product(a, b, contract, rng)

        anchor = Entry(kernel.variant("scipy_csr").candidate(), Setting(pages=pages), "scipy_csr")
        journal = Journal.create(tmp_path / "runs")
        case = Case("small", kernel, contract, make)
        with open_race(
            case, anchor, seed=seed, on_event=on_event, journal=journal, machine_id="test"
        ) as opened:
            results = opened.evaluate(entries, Budget(deadline=60, rounds=rounds), upto=upto)
            journal.close()
            found = {r.variant: r for r in results}
            return Outcome(found, opened.skips, opened.samples, opened.interrupted, journal.path)

    return run


def small(n: int, nnz: int, m: int | None = None, seed: int = 3) -> csr_array:
    """A random n x m matrix with about ``nnz`` entries."""
    rng = np.random.default_rng(seed)
    m = m or n
    keys = np.unique(rng.integers(0, n * m, nnz))
    matrix = csr_array((rng.uniform(0.5, 1.5, len(keys)), (keys // m, keys % m)), shape=(n, m))
    matrix.sort_indices()
    return matrix


def need(tool: str) -> None:
    """Skip the test, with the reason CI knows, when ``tool`` is absent."""
    if shutil.which(tool) is None:
        pytest.skip(f"needs {tool}")
