"""Is the output right: the parent's own look at what a candidate left in the arena."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hpcbench.arena import Arena


def wrong(
    kernel: Any, inputs: Any, expected: Callable[[], Any], parts: Sequence[Any], arenas: Sequence[Arena], slot: int,
) -> str:  # fmt: skip
    """Empty when slot ``slot`` of all ranks together holds the right answer, else one line.

    Parameters
    ----------
    kernel : the kernel's module.
    inputs : the whole input set that belongs to the slot.
    expected : gives the oracle's answer, which may take its time: the output is copied before.
    parts : the inputs of each rank, whose blocks are gathered first.
    """
    blocks = [arena.view(slot) for arena in arenas]
    try:
        output = kernel.gather(parts, blocks)
    except ValueError as error:
        return str(error)
    return str(kernel.check(inputs, expected(), output))
