"""The answer of ``solve``: the residual and the error of what a candidate returned, computed from its x alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpcbench.kernels.solve.system import HISTORY, LIMIT, TOLERANCE, System


@dataclass(frozen=True)
class Expected:
    """The norm that the residual may have."""

    bound: float


def oracle(inputs: System) -> Expected:
    """1e-8 of the norm of b, and what rounding makes of the best x; no system is solved here.

    The computed residual of the very best x is off by gamma_m (|b| + |A| |x|), m the entries of a row and 2
    (Higham, Accuracy and Stability, 2nd ed., section 7.1), of which an iterative method that updates its residual
    may gather as much again. x is the one that b was made from, or the guess: nothing that a candidate chooses.
    """
    size = np.abs(inputs.b) + abs(inputs.a) @ (np.abs(inputs.x) + np.abs(inputs.x0))
    terms = 2 + int(np.diff(inputs.a.indptr).max(initial=0))
    rounding = 2 * terms * (np.finfo(float).eps / 2) * _norm(size)
    return Expected(TOLERANCE * _norm(inputs.b) + rounding)


def _norm(v: np.ndarray) -> float:
    """2-norm, also where squares leave the range of numbers."""
    size = float(np.abs(v).max(initial=0.0))
    return size * float(np.linalg.norm(v / size)) if 0 < size < math.inf else size


def cost(inputs: System, expected: Expected) -> tuple[int, int]:
    """(flops, compulsory bytes): A is read once, and b and x; a product with A is the least that can be done."""
    nnz, n = int(inputs.a.nnz), inputs.a.shape[0]
    return 2 * nnz, 8 * (nnz + 2 * n)


def sizes(inputs: System, expected: Expected) -> tuple[int, ...]:
    """Entries of the output buffers that a right answer for the rows of ``inputs`` fills."""
    return (inputs.a.shape[0], 1, HISTORY)


def gather(blocks: Sequence[System], parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """One x from the row blocks that the ranks returned, and what rank 0 tells."""
    return {
        "x": np.concatenate([part["x"] for part in parts]),
        "told": parts[0]["told"],
        "history": parts[0]["history"],
    }


def check(inputs: System, expected: Expected, output: Mapping[str, np.ndarray]) -> str:
    """Empty when the residual of x is within the tolerance, else what it is, in one line."""
    x = output["x"]
    if bad := int(np.count_nonzero(~np.isfinite(x))):
        return f"{bad} of {len(x)} entries of x are not finite"
    with np.errstate(over="ignore", invalid="ignore"):
        residual, norm = _norm(inputs.b - inputs.a @ x), _norm(inputs.b)
    if residual <= expected.bound:
        return ""
    return f"||b - A x|| is {residual / norm if norm else residual:.3g} ||b||, more than {TOLERANCE:g}"


def tell(inputs: System, output: Mapping[str, np.ndarray]) -> tuple[dict[str, float], tuple[float, ...]]:
    """Of a solution its residual and error, computed here, and its own count of iterations and way there."""
    x, norm = output["x"], _norm(inputs.b) or 1.0
    count = float(output["told"][0])
    steps = int(count) if math.isfinite(count) and 0 <= count <= LIMIT else 0
    known = _norm(inputs.x) or 1.0
    found = {
        "iterations": float(steps),
        "residual": _norm(inputs.b - inputs.a @ x) / norm,
        "error": _norm(inputs.x - x) / known,
    }
    return found, tuple(float(v) for v in output["history"][: min(steps + 1, HISTORY)])
