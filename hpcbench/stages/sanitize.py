"""C and C++ under the compiler's address and undefined-behaviour checks, CUDA under compute-sanitizer's.

What numba compiles runs once more with a check of every index.
"""

from __future__ import annotations

from dataclasses import replace

from hpcbench import instrument
from hpcbench.spec import Stage
from hpcbench.stages import Subject
from hpcbench.stages._trials import on_device, trials, watched

ORDER = 50


def check(subject: Subject) -> Stage:
    """Run on 1 thread, and on 2 where it has several; on 2 ranks under MPI."""
    if subject.candidate.language == "python":
        return _compiled_by_numba(subject)
    if subject.candidate.language == "cuda":
        return on_device(subject, "sanitize", ("memcheck", "initcheck"))
    model, setting = subject.candidate.model, subject.bench.setting
    settings = [
        replace(setting, ranks=2 if "mpi" in model else 1, threads=t)
        for t in ((1, 2) if "openmp" in model else (1,))
    ]
    return watched(subject, "sanitize", instrument.address, settings)


def _compiled_by_numba(subject: Subject) -> Stage:
    source = subject.candidate.source
    if b"numba" not in source:
        return Stage("sanitize", "not_checked", "Python checks itself")
    if b"parallel" in source or b"guvectorize" in source:
        return Stage("sanitize", "not_checked", "numba checks no index in parallel loops and ufuncs")
    return trials(subject, "sanitize", [replace(subject.bench.setting, threads=1)], instrument.bounds())
