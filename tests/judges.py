"""The judge on a small case, for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from races import small
from scipy.sparse import csr_array

from hpcbench import registry
from hpcbench.case import Case
from hpcbench.contender import Entry
from hpcbench.inputs import equations
from hpcbench.judge import judge
from hpcbench.kernels.sptrsv.triangle import lower
from hpcbench.spec import Budget, Candidate, Result, Setting
from hpcbench.stages import Bench
from hpcbench.store import Journal

USUAL = {
    "sptrsv": lambda: lower(small(400, 3000), np.random.default_rng(3)),
    "solve": lambda: equations.poisson(20, 2),
}


def judged(
    candidate: Candidate,
    folder: Path,
    contract: str = "",
    ranks: int = 1,
    threads: int = 1,
    seconds: float = 2,
    anchor: str = "",
    matrix: csr_array | None = None,
) -> Result:
    """The Result of ``candidate`` raced on a matrix, of 400 rows if none is given, for some rounds."""
    kernel = registry.kernel(candidate.kernel)
    contract = contract or next(iter(kernel.contracts))
    anchor = anchor or kernel.baseline(contract)
    a = USUAL.get(kernel.name, lambda: small(400, 3000))() if matrix is None else matrix
    makers = {
        "spgemm": lambda rng: kernel.module().product(a, a, contract, rng),
        "spmv": lambda rng: kernel.module().matvec(a, rng),
        "solve": lambda rng: kernel.module().system(a, rng),
        "spmm": lambda rng: kernel.module().matmat(a, contract, rng),
        "sptrsv": lambda rng: kernel.module().triangle(a, rng),
    }
    case = Case("small", kernel, contract, makers[kernel.name])
    base = Entry(kernel.variant(anchor).candidate(), Setting(), anchor)
    journal = Journal.create(folder)
    bench = Bench(case, base, Setting(ranks, threads), journal, "", lambda *_: None)
    try:
        return judge(candidate, candidate.origin, bench, Budget(deadline=seconds, rounds=16))
    finally:
        journal.close()


def raced(result: Result) -> bool:
    """Whether the race detector has looked at it, and found nothing."""
    return {stage.name: stage.code for stage in result.stages}["races"] == "correct"
