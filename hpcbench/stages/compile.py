"""Compilation behind the wall: no inputs in sight, nothing to write to but a scratch folder, flags from a list."""

from __future__ import annotations

import re
import time

from hpcbench import build, cache, launch
from hpcbench.spec import Stage
from hpcbench.stages import Subject

ORDER = 20
SPLICE = re.compile(rb"\\[ \t]*\r?\n")
UNWATCHED = re.compile(rb"no_sani|disable_sanitizer|address_safety|__SANITIZE_")  # or put together of parts


def check(subject: Subject) -> Stage:
    """Build the object; a compiler's message is cut to its errors."""
    start, candidate = time.perf_counter(), subject.candidate
    inside = None if subject.bench.trust else launch.inside
    text = SPLICE.sub(b"", candidate.source).replace(b"%:", b"#").replace(b"??=", b"#")
    text += str(list(candidate.params.values())).encode()
    if UNWATCHED.search(text) or (b"##" in text and b"sanitize" in text):
        return Stage("compile", "forbidden", "it asks not to be watched (no_sanitize and the like)")
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
