"""OpenMP in C and C++ under clang's race detector with Archer, CUDA under compute-sanitizer's."""

from __future__ import annotations

import re
from dataclasses import replace

from hpcbench import instrument
from hpcbench.spec import Stage
from hpcbench.stages import Subject
from hpcbench.stages._trials import on_device, watched

ORDER = 60
PRAGMA = b"#pragma omp"
LOOP = re.compile(rb"^[ \t]*#[ \t]*pragma[ \t]+omp[ \t](?:[^\n/]*[ \t])?loop\b", re.M)


def check(subject: Subject) -> Stage:
    """Run on 2 and on 3 threads."""
    if subject.candidate.language == "cuda":
        return on_device(subject, "races", ("racecheck", "synccheck"))
    if subject.candidate.language == "python" or "openmp" not in subject.candidate.model:
        found = " (it has `#pragma omp`: its header or --model must say openmp)" * (
            PRAGMA in subject.candidate.source
        )
        return Stage("races", "not_checked", f"for OpenMP in C and C++, and CUDA, only{found}")
    if "mpi" in subject.candidate.model:
        return Stage("races", "not_checked", "the detector does not know the MPI library")
    setting = subject.bench.setting
    stage = watched(
        subject, "races", instrument.thread, [replace(setting, ranks=1, threads=t) for t in (2, 3)]
    )
    if stage.code == "race" and LOOP.search(subject.candidate.source):
        return replace(
            stage, code="not_checked", message="clang has every thread run the whole of an `omp loop`"
        )
    return stage
