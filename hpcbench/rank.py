"""Who is faster, by how much, and which are ties: groups from the paired samples of one race."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hpcbench import stats
from hpcbench.outcome import log_ratios
from hpcbench.spec import Measurement, Ranking, Result


def ranking(case: str, results: Sequence[Result], samples: Mapping[str, Sequence[Measurement]]) -> Ranking:
    """Groups of arms, fastest first; an arm joins the group whose first member it cannot be told from.

    Parameters
    ----------
    results : the results of one race, the anchor's among them.
    samples : the raw samples by the journal key that ``Result.samples`` names.
    """
    able = [r for r in results if r.verdict == "correct" and r.call_s is not None]
    clear = max((_margin(r) for r in able), default=stats.SMALLEST_WIN)
    alpha = stats.ALPHA / max(1, len(able))
    groups: list[list[Result]] = []
    for result in sorted(able, key=_merit, reverse=True):
        if groups and _alike(groups[-1][0], result, samples, clear, alpha):
            groups[-1].append(result)
        else:
            groups.append([result])
    return Ranking(case, tuple(tuple(f"{r.variant} {r.setting.label}" for r in group) for group in groups))


def _merit(result: Result) -> float:
    return 1.0 if result.speedup is None else result.speedup[0]


def _margin(result: Result) -> float:
    if result.aa is None or not all(map(math.isfinite, result.aa)):
        return stats.SMALLEST_WIN
    return max(stats.SMALLEST_WIN, *(abs(math.log(v)) for v in result.aa[1:]))


def _alike(
    first: Result, other: Result, samples: Mapping[str, Sequence[Measurement]], clear: float, alpha: float
) -> bool:
    groups = log_ratios(samples.get(first.samples, ()), samples.get(other.samples, ()), first.clock)
    if not groups:
        return False
    return stats.decide(groups, clear, alpha).relation not in ("faster", "slower")
