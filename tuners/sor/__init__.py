"""Omega for sequences of linear systems: streams of them, the tuner, its parts, and contests against controls.

To add a stream: a function in :mod:`tuners.sor.streams` that yields systems, and its line in ``STREAMS``.
"""

from tuners.sor.core import Choice
from tuners.sor.omega import OmegaTuner
from tuners.sor.solver import Solution, Solver

__all__ = ["Choice", "OmegaTuner", "Solution", "Solver"]
