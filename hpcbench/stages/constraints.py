"""Whether the candidate's parameters are within what its header declares: values, bounds, restrictions."""

from __future__ import annotations

import time

from hpcbench.params import declared, violated
from hpcbench.spec import Stage
from hpcbench.stages import Subject
from hpcbench.variant import header_of

ORDER = 5


def check(subject: Subject) -> Stage:
    """Compare the values that were chosen with the header of the text."""
    begun, one = time.perf_counter(), subject.candidate
    params, restrictions = declared(header_of(one))
    broken = violated(params, restrictions, one.params)
    return Stage("constraints", "constraints" if broken else "correct", broken, time.perf_counter() - begun)
