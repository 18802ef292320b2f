"""Small inputs, and candidates written for a test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from hpcbench.spec import Candidate, Result, Skip, Value
from hpcbench.variant import Variant

SOURCE = """
#include "abi.h"
#include <algorithm>
#include <cstdlib>
#include <cstdio>
#include <vector>
#include <unistd.h>
static int calls;
static int honest(const spgemm_in *in, spgemm_out *out) {{
  std::vector<double> sum(in->b_ncols);
  std::vector<char> seen(in->b_ncols);
  std::vector<int32_t> touched;
  int64_t nnz = 0;
  out->indptr[0] = 0;
  for (int64_t i = 0; i < in->a_nrows; i++) {{
    for (int64_t p = in->a_indptr[i]; p < in->a_indptr[i + 1]; p++)
      for (int64_t q = in->b_indptr[in->a_indices[p]]; q < in->b_indptr[in->a_indices[p] + 1]; q++) {{
        const int32_t j = in->b_indices[q];
        sum[j] += in->a_data[p] * in->b_data[q];
        if (!seen[j]) seen[j] = 1, touched.push_back(j);
      }}
    std::sort(touched.begin(), touched.end());
    for (int32_t j : touched) out->indices[nnz] = j, out->data[nnz++] = sum[j], sum[j] = 0, seen[j] = 0;
    touched.clear();
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


def threaded(variant: Variant, **params: Value) -> Candidate:
    """The variant with these parameters, and with its threads however small the input is."""
    always = {p.name: 0 for p in variant.params if p.name == "SERIAL_BELOW"}
    return variant.candidate(always | params)


@dataclass
class Outcome:
    results: dict[str, Result]
    skips: list[Skip]
    samples: dict[str, list]
    interrupted: bool
    journal: Path


def small(n: int, nnz: int, m: int | None = None, seed: int = 3) -> csr_array:
    """A random n x m matrix with about ``nnz`` entries."""
    rng = np.random.default_rng(seed)
    m = m or n
    keys = np.unique(rng.integers(0, n * m, nnz))
    matrix = csr_array((rng.uniform(0.5, 1.5, len(keys)), (keys // m, keys % m)), shape=(n, m))
    matrix.sort_indices()
    return matrix
