"""Which native variant to call for a product of a given size: by what was measured here, else by a default."""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpcbench import build, machine, registry, store
from hpcbench.codec import decode
from hpcbench.entrants import tools
from hpcbench.native import Native, has_setup
from hpcbench.spec import Candidate, HpcbenchError, Result
from hpcbench.variant import RegistryError

SIZES = 63  # powers of two of multiply-adds
NEIGHBOURS = 3
FLAGS = ["-O3", "-march=native", "-fopenmp", "-std=gnu11", "-shared"]
Arm = tuple[str, int]  # id of a candidate, and threads


@dataclass(frozen=True)
class Measured:
    """Seconds per call of the arms of one case, and its multiply-adds."""

    case: str
    flops: int
    seconds: Mapping[Arm, float]


def best(
    kernel: str = "spgemm", *, contract: str = "", threads: int | None = None, runs: str | Path | None = None
) -> Callable[..., Any]:
    """The fastest native variant of a kernel on this machine, as a function.

    For every call it picks the variant, and the number of threads, that was fastest on the three measured
    cases nearest in multiply-adds. Only races of this machine, of the variants as they are now, count; where
    there are none the kernel's default for that size is taken, and without a compiler SciPy.

    Parameters
    ----------
    kernel : name of a kernel whose folder holds ``call.py``.
    contract : what is asked of the output; the kernel's first one if empty.
    threads : OpenMP threads at most; as many as there are CPUs for this process if None.
    runs : folder of journals; ``$HPCBENCH_RUNS``, else ``runs``, if None.

    Returns
    -------
    callable
        For ``spgemm``: ``C = multiply(A, B)`` of two SciPy matrices, float64, in CSR.

    Raises
    ------
    HpcbenchError
        For a kernel or contract that does not exist, or has no ``call.py``.

    Examples
    --------
    >>> import hpcbench, scipy.sparse
    >>> a = scipy.sparse.random_array((1000, 1000), density=0.01, format="csr")
    >>> c = hpcbench.best("spgemm")(a, a)
    """
    known = registry.kernel(kernel)
    contracts = [
        name for name in known.contracts if not known.resident(name)
    ]  # SciPy's are in the host's memory
    contract = contract or contracts[0]
    if contract not in contracts:
        raise HpcbenchError(f"contract {contract}: a function of kernel {kernel} has {', '.join(contracts)}")
    module = known.calls()
    most = threads or len(os.sched_getaffinity(0))
    try:
        build.compiler("cpp")
    except build.NoCompiler:
        return module.plain(contract)  # type: ignore[no-any-return]
    folder = Path(runs or os.environ.get("HPCBENCH_RUNS", "runs"))
    candidates, cases = measured(known, contract, most, folder)
    natives: dict[Arm, Native] = {}

    def native(arm: Arm) -> Native:
        if arm not in natives:
            natives[arm] = Native(candidates[arm[0]], arm[1])
        return natives[arm]

    table: list[Native] = []
    for size in range(SIZES):
        arm = fastest(cases, math.log2(1.5) + size)
        if arm is None:
            name, count = module.default(1 << size, most)
            one = known.variant(name).candidate()
            candidates[one.id], arm = one, (one.id, count)
        table.append(native(arm))
    text = (known.folder / module.HELPER).read_bytes()
    made = build.compile_object(text, ".c", FLAGS, build.compiler("c"), known.name, known.folder)
    pick = lambda size: table[max(0, size.bit_length() - 1)]  # noqa: E731
    return module.caller(pick, ctypes.CDLL(str(made.path)), contract)  # type: ignore[no-any-return]


def fastest(cases: Sequence[Measured], size: float) -> Arm | None:
    """The arm with the least geometric mean over the cases nearest to ``size`` (log2 of multiply-adds)."""
    near = sorted(cases, key=lambda c: abs(math.log2(max(1, c.flops)) - size))[:NEIGHBOURS]
    common = set.intersection(*(set(c.seconds) for c in near)) if near else set()
    if not common:
        return None
    return min(common, key=lambda arm: sum(math.log(c.seconds[arm]) for c in near))


def measured(
    kernel: registry.Kernel, contract: str, threads: int, runs: Path
) -> tuple[dict[str, Candidate], list[Measured]]:
    """Native candidates as they are now, and the cases on which this machine has raced them."""
    here = machine.fingerprint(**tools())["id"]
    candidates: dict[str, Candidate] = {}
    rows: dict[str, dict[Arm, float]] = {}
    flops: dict[str, int] = {}
    for kind, body in _events(runs):
        if kind == "candidate":
            one = decode(Candidate, body)
            if one.kernel == kernel.name and (now := _as_it_is_now(kernel, one)):
                candidates[now.id] = now
        elif kind == "result":
            result = decode(Result, body)
            fits = (result.kernel, result.contract, result.machine) == (kernel.name, contract, here)
            few = result.setting.ranks == 1 and result.setting.threads <= threads
            if (
                fits
                and few
                and result.verdict == "correct"
                and result.call_s
                and result.candidate in candidates
            ):
                arm = result.candidate, result.setting.threads
                rows.setdefault(result.case, {})[arm] = result.call_s
        elif "flops" in body:
            flops[body["case"]] = int(body["flops"])
    return candidates, [Measured(case, flops[case], arms) for case, arms in rows.items() if case in flops]


def _events(runs: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(runs.glob(f"*{store.SUFFIX}")):
        for row in store.records(path):
            if row["kind"] in ("candidate", "result") or row["key"] == "case":
                yield row["kind"], row["body"]


def _as_it_is_now(kernel: registry.Kernel, one: Candidate) -> Candidate | None:
    """The registry's native candidate of the same variant and parameters, if its text is still the same."""
    if (
        one.language not in ("c", "cpp") or "mpi" in one.model
    ):  # and nothing with a setup: a call stands alone
        return None
    try:
        now = kernel.variant(one.origin).candidate(one.params)
    except RegistryError:
        return None
    return now if now.id == one.id and not has_setup(now) else None
