"""Inputs that no candidate has seen, drawn after it was built, with several counts of threads and ranks."""

from __future__ import annotations

from dataclasses import replace

from hpcbench.spec import Stage
from hpcbench.stages import Subject
from hpcbench.stages._trials import trials

ORDER = 40
COUNTS = {1, 2, 3}


def check(subject: Subject) -> Stage:
    """Verify on every hidden input of the kernel, on 1, 2, 3 and as many threads and ranks as in the race."""
    setting, model = subject.bench.setting, subject.candidate.model
    several = "openmp" in model or setting.threads > 1
    threads = sorted(COUNTS | {setting.threads}) if several else [setting.threads]
    ranks = sorted(COUNTS | {setting.ranks}) if "mpi" in model else [setting.ranks]
    return trials(subject, "hidden", [replace(setting, ranks=r, threads=t) for r in ranks for t in threads])
