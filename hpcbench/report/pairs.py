"""Raw samples paired by round: how much faster an arm was than the anchor, round by round."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from hpcbench.report.evidence import Evidence, find, is_twin
from hpcbench.report.standing import Race, Row

TWIN_NAME = "A/A twin"
Round = tuple[int, int]


@dataclass(frozen=True)
class Strip:
    """The speedups of one arm over the anchor, one per (process, round), in the order of time.

    ``row`` is None for the A/A twin.
    """

    name: str
    ratios: tuple[float, ...]
    row: Row | None = None


def strips(evidence: Evidence, race: Race) -> list[Strip]:
    """Pair every arm of ``race`` with the anchor; the twin comes last.

    The figure of a round is the anchor's seconds per call over the arm's, by the clock of the race;
    rounds that only one of the two took part in give none. Empty without samples of the anchor.
    """
    times: dict[int, dict[Round, list[float]]] = defaultdict(lambda: defaultdict(list))
    twin: dict[Round, list[float]] = defaultdict(list)
    clock = "cpu_s" if race.clock == "cpu" else "wall_s"
    pool = [result for result in evidence.results if result.case == race.case]
    owners: dict[str, int | None] = {}
    for sample in (s for taken in evidence.raced.values() if taken[0]["case"] == race.case for s in taken):
        arm = str(sample["arm"])
        if arm not in owners:
            owner = find(pool, arm)
            owners[arm] = id(owner) if owner else None
        key = owners[arm]
        if key is not None:
            times[key][_round(sample)].append(sample[clock] / sample["batch"])
        elif is_twin(arm):
            twin[_round(sample)].append(sample[clock] / sample["batch"])
    base = times[id(race.baseline.result)] if race.baseline else {}
    if not base:
        return []
    arms = [(row.name, times[id(row.result)], row) for row in race.rows if not row.baseline]
    drawn = [Strip(name, _ratios(base, own), row) for name, own, row in arms]
    return [strip for strip in (*drawn, Strip(TWIN_NAME, _ratios(base, twin))) if strip.ratios]


def _round(sample: Mapping[str, Any]) -> Round:
    return int(sample.get("process", 0)), int(sample.get("round", 0))


def _ratios(base: Mapping[Round, list[float]], own: Mapping[Round, list[float]]) -> tuple[float, ...]:
    both = sorted(set(base) & set(own))
    pairs = ((median(base[key]), median(own[key])) for key in both)
    return tuple(anchor / arm for anchor, arm in pairs if anchor > 0 and arm > 0)
