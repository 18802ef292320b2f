"""Paired comparison of two arms: intervals on log ratios over rounds and over processes, and the decision.

The figure is the median of per-round log ratios; its interval comes from order statistics and needs
no assumption but that rounds are exchangeable (David and Nagaraja, Order Statistics, 3rd ed., section
7.1). A second interval stands on generations of fresh processes. Several looks split alpha (Bonferroni).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

ALPHA = 0.01
LOOKS: tuple[int, ...] = (16, 32, 64, 128, 256, 512, 1024)
SMALLEST_WIN = math.log(1.01)
TIE_WITHIN = math.log(1.02)
GROSS = math.log(1.25)  # more than where its pages lie was ever seen to make of a process
WHOLE = 4  # values from which a generation of processes has a median of its own


@lru_cache(maxsize=4096)
def sign_rank(n: int, alpha: float) -> int:
    """Largest k with 2 P(Bin(n, 1/2) < k) <= alpha; 0 when n is too small for any interval."""
    tail, k = 0.0, 0
    while k < n // 2:
        tail += math.comb(n, k) / 2**n
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


def generation_interval(by_process: Sequence[Sequence[float]], alpha: float) -> tuple[float, float]:
    """Student's interval of the mean over the medians of process generations.

    Identical code in two processes differs by one or two percent (where its pages lie), the same in every
    round of a generation: rounds are no independent witnesses of that, generations are. Infinite bounds
    with fewer than two generations of at least ``WHOLE`` values.
    """
    medians = [statistics.median(group) for group in by_process if len(group) >= WHOLE]
    if len(medians) < 2:
        return -math.inf, math.inf
    half = student(len(medians) - 1, alpha) * statistics.stdev(medians) / math.sqrt(len(medians))
    mean = statistics.fmean(medians)
    return mean - half, mean + half


@lru_cache(maxsize=256)
def student(freedom: int, alpha: float) -> float:
    """The quantile t with P(|T| > t) = ``alpha`` for Student's T with ``freedom`` degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - alpha / 2))


def margin(twin: Sequence[Sequence[float]], alpha: float) -> float:
    """What the median of a win must clear: 1 %, and any |log ratio| in the interval of the A/A twin.

    Parameters
    ----------
    twin : log ratios of the anchor and its twin, one sequence per generation of processes.
    """
    _, low, high = sign_interval([v for group in twin for v in group], alpha)
    return max(SMALLEST_WIN, abs(low), abs(high))


def decide(by_process: Sequence[Sequence[float]], clear: float, alpha: float) -> Decision:
    """Compare two arms from the log ratios of each process generation.

    A win needs three things: the interval over all rounds clears 1 %, the median clears ``clear``, and
    the interval over the generations excludes that there is no difference. The last is waived where the
    interval over the rounds clears ``GROSS``, so that slow kernels need no ten generations.

    Parameters
    ----------
    by_process : log ratios (time of the reference over time of the arm), one sequence per generation
        of fresh processes.
    clear : the margin of :func:`margin`.
    alpha : error level of this look for this arm, of each of the two intervals.
    """
    median, low, high = sign_interval([v for group in by_process for v in group], alpha)
    first, last = generation_interval(by_process, alpha)
    relation: Literal["faster", "slower", "tie", "undecided"] = "undecided"
    if low > SMALLEST_WIN and median > clear and (first > 0 or low > GROSS):
        relation = "faster"
    elif high < -SMALLEST_WIN and median < -clear and (last < 0 or high < -GROSS):
        relation = "slower"
    elif max(abs(low), abs(high)) <= TIE_WITHIN:
        relation = "tie"
    half = (high - low) / 2
    visible = max(SMALLEST_WIN + half, clear, min((last - first) / 2, GROSS + half))
    return Decision(median, low, high, relation, visible)


def generation_size(rounds: int, least: float) -> int:
    """Rounds of the first generations of a race of ``rounds`` rounds: 4, 8, 16 or 32.

    About ten generations; fewer, down to four, where starting one costs as much as ``least`` rounds.
    """
    return next((n for n in (4, 8, 16) if n >= max(rounds / 16, min(least, rounds / 4))), 32)


def generation_end(start: int, size: int, rounds: int) -> int:
    """The round at which the generation that begins at ``start`` ends: four of ``size``, then of twice that."""
    return min(rounds, start + (size if start < 4 * size else 2 * size))


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
