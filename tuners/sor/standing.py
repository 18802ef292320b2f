"""How contenders of several contests stand: medians over seeds, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hpcbench.stats import sign_interval
from tuners.sor.contest import Contest

LEVEL = 0.05
FIXED, EACH = "best fixed omega", "best for each system"
Interval = tuple[float, float, float]  # median, low, high


@dataclass(frozen=True)
class Row:
    """A contender's costs over those of the best fixed omega, and of the best one for each system."""

    name: str
    over_fixed: Interval
    over_each: Interval

    @staticmethod
    def words(interval: Interval) -> str:
        """``0.551 [0.540, 0.560]``; the median alone where there are too few seeds for an interval."""
        median, low, high = interval
        return f"{median:.3f}" + (f" [{low:.3f}, {high:.3f}]" if math.isfinite(low) else "")

    def json(self) -> dict[str, object]:
        """For machines; bounds are null where there are none."""
        bounds = {"over_fixed": self.over_fixed, "over_each": self.over_each}
        return {"name": self.name} | {
            k: [x if math.isfinite(x) else None for x in v] for k, v in bounds.items()
        }


def standing(contests: Sequence[Contest], steps: int | None = None) -> list[Row]:
    """Contenders and the two they are compared with, the best first, after ``steps`` systems (all if None)."""
    totals: dict[str, list[tuple[float, float]]] = {}
    for one in contests:
        fixed, each = (
            float(x) or 1.0 for x in (one.grid[:steps].sum(0).min(), one.grid[:steps].min(1).sum())
        )
        for name, costs in one.costs.items():
            total = float(costs[:steps].sum())
            totals.setdefault(name, []).append((total / fixed, total / each))
        totals.setdefault(FIXED, []).append((1.0, fixed / each))
        totals.setdefault(EACH, []).append((each / fixed, 1.0))
    rows = [
        Row(name, sign_interval([f for f, _ in both], LEVEL), sign_interval([e for _, e in both], LEVEL))
        for name, both in totals.items()
    ]
    return sorted(rows, key=lambda row: row.over_fixed[0])
