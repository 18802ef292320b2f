"""Compilation behind the wall: no inputs in sight, nothing to write to but a scratch folder, flags from a list."""

from __future__ import annotations

import re
import time

from hpcbench import build, cache, launch
from hpcbench.expanded import SPLICE, UNWATCHED
from hpcbench.spec import Stage
from hpcbench.stages import Subject

ORDER = 20
# whether one is watched; the preprocessor leaves no trace of the question
TESTED = re.compile(rb"__SANITIZE_\w*")


def check(subject: Subject) -> Stage:
    """Build the object; a compiler's message is cut to its errors."""
    start, candidate = time.perf_counter(), subject.candidate
    inside = None if subject.bench.trust else launch.inside
    if candidate.language != "python":
        text = SPLICE.sub(b"", candidate.source) + str(list(candidate.params.values())).encode()
        # of C and C++ a watched build looks at what the preprocessor makes of it
        told = UNWATCHED.search(text) if candidate.language == "cuda" else None
        if found := told or TESTED.search(text):
            word = found[0].decode()[:60]
            return Stage("compile", "forbidden", f"it asks not to be watched, or whether it is: {word}")
    try:
        if candidate.language == "python":
            compile(candidate.source, "candidate", "exec", dont_inherit=True)
            subject.object = cache.place(candidate.source)
            return Stage("compile", "correct", "", time.perf_counter() - start)
        wrapper = launch.mpi().compiler(candidate.language) if "mpi" in candidate.model else None
        built = build.build(candidate, tool=wrapper, inside=inside)
    except (build.BuildError, SyntaxError, ValueError, MemoryError, RecursionError) as error:
        return Stage("compile", "compile", str(error), time.perf_counter() - start)
    subject.object = built.path
    return Stage("compile", "correct", "", time.perf_counter() - start, built.tool)
