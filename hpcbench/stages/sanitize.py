"""C and C++ under the compiler's address and undefined-behaviour checks, CUDA under compute-sanitizer's."""

from __future__ import annotations

from dataclasses import replace

from hpcbench import instrument
from hpcbench.spec import Stage
from hpcbench.stages import Subject
from hpcbench.stages._trials import on_device, watched

ORDER = 50


def check(subject: Subject) -> Stage:
    """Run on 1 thread, and on 2 where it has several; on 2 ranks under MPI."""
    if subject.candidate.language == "python":
        return Stage("sanitize", "not_checked", "for C, C++ and CUDA only")
    if subject.candidate.language == "cuda":
        return on_device(subject, "sanitize", ("memcheck", "initcheck"))
    model, setting = subject.candidate.model, subject.bench.setting
    settings = [
        replace(setting, ranks=2 if "mpi" in model else 1, threads=t)
        for t in ((1, 2) if "openmp" in model else (1,))
    ]
    return watched(subject, "sanitize", instrument.address, settings)
