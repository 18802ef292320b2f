"""Which vector a call gets where all calls of a sample share the matrix: the output of the call before it decides.

Calls whose inputs were all there when a sample begins could be computed together, eight vectors in one pass over
the matrix. So the vectors of a rank are windows of one array, drawn anew before every sample, and where a call's
window begins is a hash of all words that the call before it has put out: ``worker.c`` walks this chain, and the
parent walks it again from the outputs when it looks at one of them. A program that would steer the chain by the
last bits of its answers has 16384 windows to choose from, and a hash that takes longer, tried so often, than any
call of a sample. In Python, whose candidates cannot see the seed, ``interpreted.py`` tells the last call's window.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

WINDOWS = 1 << 14
STEP = 8  # entries between two windows: a cache line
SLACK = WINDOWS * STEP  # entries that the array has beyond a vector's
ROUNDS = 64
FACTOR, MASK = 0x9E3779B97F4A7C15, 2**64 - 1


def mixed(state: int) -> int:
    """The hash of one number, as in ``worker.c``."""
    for _ in range(ROUNDS):
        state = (state ^ state >> 32) * FACTOR & MASK
    return state


def start(seed: int, outputs: Iterable[np.ndarray]) -> int:
    """The entry at which the window of a call begins that follows those with these float64 ``outputs``."""
    state = mixed(seed)
    for output in outputs:
        state = mixed(state ^ int(np.add.reduce(output.view(np.uint64), dtype=np.uint64)))
    return STEP * (state % WINDOWS)
