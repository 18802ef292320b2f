"""How policies stand after a comparison: regret per problem, ranks over problems and what tells them apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpcbench.stats import sign_interval
from tuners.compare import Key, Play

LEVEL = 0.05


@dataclass(frozen=True)
class Standing:
    """Of some policies on some problems.

    Attributes
    ----------
    policies, problems : their names, the policies by mean rank.
    regret : (policies, problems, 3): median over seeds of the regret at the end, 0 the best fixed arm, 1 choosing
        at random; and its interval, infinite where there are too few seeds.
    ranks : (policies,), means over problems of the rank of the median; equal ones share.
    p : of Friedman's test, that all are alike; not a number below three policies or two problems.
    apart : two mean ranks that differ by less are not told apart (Nemenyi); not a number likewise.
    """

    policies: list[str]
    problems: list[str]
    regret: np.ndarray
    ranks: np.ndarray
    p: float
    apart: float

    @property
    def wins(self) -> np.ndarray:
        """(policies,): on how many problems each has the least median."""
        middle = self.regret[:, :, 0]
        found: np.ndarray = (middle == middle.min(0)).sum(1)
        return found


def standing(plays: Mapping[Key, Play]) -> Standing:
    """Of all runs there are.

    Source: Demsar, JMLR 7, 2006, sections 3.2.2 and 3.2.4, for ranks and for what tells them apart.
    """
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    names = sorted({key.policy for key in plays})
    problems = list(dict.fromkeys(key.problem for key in plays))
    regret = np.full((len(names), len(problems), 3), math.nan)
    for i, name in enumerate(names):
        for j, problem in enumerate(problems):
            ends = [
                float(one.regret[-1]) for k, one in plays.items() if (k.policy, k.problem) == (name, problem)
            ]
            regret[i, j] = sign_interval(ends, LEVEL)
    every = np.array([rankdata(column) for column in regret[:, :, 0].T]).T
    ranks = every.mean(1)
    p = apart = math.nan
    k, n = every.shape
    if k >= 3 and n >= 2:
        p = float(friedmanchisquare(*every).pvalue)
        apart = float(studentized_range.ppf(1 - LEVEL, k, math.inf)) * math.sqrt(k * (k + 1) / (12 * n))
    order = ranks.argsort(kind="stable")
    return Standing([names[i] for i in order], problems, regret[order], ranks[order], p, apart)


def missing(keys: Iterable[Key], plays: Mapping[Key, Play]) -> list[Key]:
    """Runs that were wanted, and are not there."""
    return [key for key in keys if key not in plays]


def curve(plays: Sequence[Play]) -> np.ndarray:
    """(points, 3): median over seeds of the regret, and the quartiles."""
    found: np.ndarray = np.quantile([one.regret for one in plays], [0.5, 0.25, 0.75], axis=0).T
    return found
