"""How policies stand after a comparison: regret per problem, ranks over problems and what tells them apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpcbench.spec import HpcbenchError
from hpcbench.stats import sign_interval
from tuners.compare import Key, Play

LEVEL = 0.05


@dataclass(frozen=True)
class Standing:
    """Of some policies on some problems.

    Attributes
    ----------
    policies, problems : their names, the policies by mean rank; without problems that some policy never played.
    seeds : those with which every policy played every one of these problems.
    regret : (policies, problems, 3): median over seeds of the regret at the end, 0 the best fixed arm, 1 choosing
        at random; and its interval, infinite where there are too few seeds.
    ranks : (policies,), means over problems of the rank of the median; equal ones share.
    p : of Friedman's test, that all are alike; not a number below three policies or two problems.
    apart : two mean ranks that differ by less are not told apart (Nemenyi); not a number likewise.
    """

    policies: list[str]
    problems: list[str]
    seeds: list[int]
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
    """Of all runs there are, as far as policies can be compared.

    Source: Demsar, JMLR 7, 2006, sections 3.2.2 and 3.2.4, for ranks and for what tells them apart.

    Raises
    ------
    HpcbenchError
        When there is no problem that all policies played with some seed.
    """
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    place = {(k.policy, k.problem, k.seed): float(one.regret[-1]) for k, one in plays.items()}
    names, played = sorted({k.policy for k in plays}), {(k.policy, k.problem) for k in plays}
    problems = [p for p in dict.fromkeys(k.problem for k in plays) if all((n, p) in played for n in names)]
    every = sorted({k.seed for k in plays})
    seeds = [s for s in every if all((n, p, s) in place for n in names for p in problems)]
    if not problems or not seeds:
        raise HpcbenchError("no problem was played by all policies with the same seed: run the command again")
    regret = np.array(
        [[sign_interval([place[n, p, s] for s in seeds], LEVEL) for p in problems] for n in names]
    )
    rank = np.array([rankdata(column) for column in regret[:, :, 0].T]).T
    ranks, (k, n) = rank.mean(1), rank.shape
    p = apart = math.nan
    if k >= 3 and n >= 2:
        p = float(friedmanchisquare(*rank).pvalue)
        apart = float(studentized_range.ppf(1 - LEVEL, k, math.inf)) * math.sqrt(k * (k + 1) / (12 * n))
    order = ranks.argsort(kind="stable")
    return Standing([names[i] for i in order], problems, seeds, regret[order], ranks[order], p, apart)


def missing(keys: Iterable[Key], plays: Mapping[Key, Play]) -> list[Key]:
    """Runs that were wanted, and are not there."""
    return [key for key in keys if key not in plays]


def curve(plays: Sequence[Play]) -> np.ndarray:
    """(points, 3): median over seeds of the regret, and the quartiles."""
    found: np.ndarray = np.quantile([one.regret for one in plays], [0.5, 0.25, 0.75], axis=0).T
    return found
