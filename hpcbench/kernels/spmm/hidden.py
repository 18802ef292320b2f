"""Inputs that the judge draws and no candidate has seen: those of ``spmv``, with the contract's columns."""

from __future__ import annotations

import numpy as np

from hpcbench.kernels.spmm.matmat import matmat
from hpcbench.kernels.spmv.hidden import DRAWS
from hpcbench.kernels.spmv.matvec import Matvec


def hidden(contract: str, rng: np.random.Generator) -> dict[str, Matvec]:
    """One input of every kind, by name, drawn anew at every call."""
    return {name: matmat(draw(rng), contract, rng) for name, draw in DRAWS.items() if name != "far columns"}
