"""Paired comparison of two arms: sign intervals on log ratios, fixed looks, and the decision.

The figure is the median of per-round log ratios; its interval comes from order statistics and needs
no assumption but that rounds are exchangeable. Reference: David and Nagaraja, Order Statistics,
3rd ed., section 7.1; several looks by splitting alpha (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

ALPHA = 0.01
LOOKS = (16, 32, 64, 128, 256, 512)
SMALLEST_WIN = math.log(1.01)
TIE_WITHIN = math.log(1.02)
WHOLE = 8  # rounds from which a generation of processes has a say of its own


@lru_cache(maxsize=4096)
def sign_rank(n: int, alpha: float) -> int:
    """Largest k with 2 P(Bin(n, 1/2) < k) <= alpha; 0 when n is too small for any interval."""
    tail, k = 0.0, 0
    while k < n // 2:
        tail += math.comb(n, k) / 2.0**n
        if 2 * tail > alpha:
            break
        k += 1
    return k


def sign_interval(values: Sequence[float], alpha: float) -> tuple[float, float, float]:
    """Median of ``values`` with its order-statistic interval of coverage >= 1 - ``alpha``.

    Infinite bounds when there are too few values for the asked coverage.
    """
    x = sorted(values)
    n = len(x)
    if n == 0:
        return math.nan, -math.inf, math.inf
    median = (x[(n - 1) // 2] + x[n // 2]) / 2
    k = sign_rank(n, alpha)
    return (median, x[k - 1], x[n - k]) if k else (median, -math.inf, math.inf)


@dataclass(frozen=True)
class Decision:
    """Median and interval of a log ratio, what it means, and the smallest log ratio visible so far."""

    median: float
    low: float
    high: float
    relation: Literal["faster", "slower", "tie", "undecided"]
    detectable: float


def margin(twin: Sequence[Sequence[float]], alpha: float) -> float:
    """What a win must clear, from the log ratios of the A/A twin, one sequence per process generation.

    The largest of 1 %, the |log ratio| anywhere in the twin's interval, and the |median| of any of its
    generations: identical code in two processes may differ by where its pages happen to lie, the same in
    every round of a generation, which an interval over rounds does not see.
    """
    _, low, high = sign_interval([v for group in twin for v in group], alpha)
    return max(
        SMALLEST_WIN, abs(low), abs(high), *(abs(_median(group)) for group in twin if len(group) >= WHOLE)
    )


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def decide(by_process: Sequence[Sequence[float]], clear: float, alpha: float) -> Decision:
    """Compare two arms from the log ratios of each process generation.

    Parameters
    ----------
    by_process : log ratios (time of the reference over time of the arm), one sequence per generation
        of fresh processes; every generation with samples must agree in sign with the verdict.
    clear : the margin of :func:`margin`.
    alpha : error level of this look for this arm.
    """
    values = [v for group in by_process for v in group]
    median, low, high = sign_interval(values, alpha)
    whole = [group for group in by_process if len(group) >= WHOLE] or [g for g in by_process if g]
    medians = [_median(group) for group in whole]
    relation: Literal["faster", "slower", "tie", "undecided"] = "undecided"
    if low > clear and min(medians) > 0:
        relation = "faster"
    elif high < -clear and max(medians) < 0:
        relation = "slower"
    elif max(abs(low), abs(high)) <= TIE_WITHIN:
        relation = "tie"
    return Decision(median, low, high, relation, clear + (high - low) / 2)


def looks(rounds: int) -> tuple[int, ...]:
    """The round numbers after which a race with at most ``rounds`` rounds may decide."""
    return (*(n for n in LOOKS if n < rounds), rounds)


def binomial_upper(hits: int, trials: int, alpha: float = 0.05) -> float:
    """Clopper-Pearson upper bound on a rate of which ``hits`` of ``trials`` were seen."""
    low, high = hits / trials, 1.0
    for _ in range(60):
        p = (low + high) / 2
        below = sum(math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(hits + 1))
        low, high = (p, high) if below > alpha else (low, p)
    return high
