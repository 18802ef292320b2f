"""What shows over several cases or settings: a heat map, the roofline, scaling curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from hpcbench.report import axes, svg, units
from hpcbench.report.evidence import Evidence
from hpcbench.report.standing import Race

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEPS = (1.02, 1.25, 2.0, 4.0)  # shades of the heat map: times the fastest up to here
TONES = ("faster", "slower", "even", "ink")
MARKS = "os^Dv<>P"


def heat(shown: Sequence[Race]) -> str:
    """Table of all arms over all races: time over the fastest of the race, shaded; empty for a single race."""
    if len(shown) < 2:
        return ""
    arms = {row.name: None for race in shown for row in race.rows}
    head = "".join(f'<th scope="col" class="n">{escape(race.case)}</th>' for race in shown)
    body = []
    for arm in sorted(arms, key=lambda arm: _mean(shown, arm)):
        cells = []
        for race in shown:
            over = _over(race, arm)
            shade = sum(over > step for step in STEPS) if over else ""
            text = units.three(over) if over else ""
            cells.append(f'<td class="n heat{shade}" data-title="{escape(race.case)}">{text}</td>')
        body.append(f'<tr><th scope="row" data-title="arm">{escape(arm)}</th>{"".join(cells)}</tr>\n')
    return (
        f'<div class="box" tabindex="0">\n<table><thead><tr><th scope="col">arm</th>{head}</tr></thead>\n'
        f"<tbody>\n{''.join(body)}</tbody></table></div>\n"
    )


def _over(race: Race, arm: str) -> float | None:
    """Time of an arm over that of the fastest arm of the race."""
    calls = {row.name: row.result.call_s for row in race.rows if row.result.call_s}
    return calls[arm] / min(calls.values()) if arm in calls else None


def _mean(shown: Sequence[Race], arm: str) -> tuple[int, float]:
    """Arms of all races before those of some, then by geometric mean."""
    found = [over for race in shown if (over := _over(race, arm))]
    return -len(found), sum(map(math.log, found)) / max(1, len(found))


def roofline(evidence: Evidence, shown: Sequence[Race], key: str) -> str:
    """Draw the fastest arm of every race under the machine's roof; wide and narrow."""
    points = []
    for race in shown:
        facts: Mapping[str, float] = evidence.cases.get(race.case, {})
        best = min((row.result.call_s for row in race.rows if row.result.call_s), default=None)
        if best and facts.get("compulsory_bytes") and facts.get("bandwidth"):
            flop, size = facts["compulsory_flop"], facts["compulsory_bytes"]
            points.append((race.case, flop / size, flop / best / 1e9, facts))
    if not points:
        return ""
    drawn = []
    peak = max(p[3]["peak"] for p in points) / 1e9
    ends = min(p[1] for p in points) / 2, max(p[1] for p in points) * 2
    for shape in axes.SHAPES:
        fig, ax = _field(shape, "operations per byte that must be moved", "Gflop/s")
        ax.set_xscale("log")
        ax.set_yscale("log")
        for rate in sorted({p[3]["bandwidth"] / 1e9 for p in points})[:: max(1, len(points) - 1)]:
            ax.plot(ends, [min(peak, rate * x) for x in ends], color=svg.PALETTE["muted"], linewidth=1.2)
            ax.annotate(
                f"{rate:.0f} GB/s", (ends[0], rate * ends[0]), color=svg.PALETTE["muted"], fontsize=11
            )
        for name, x, y, _ in points:
            ax.plot([x], [y], "o", color=svg.PALETTE["faster"], markersize=7)
            if not shape.stacked:
                ax.annotate(
                    name, (x, y), (6, -4), textcoords="offset points", fontsize=10, color=svg.PALETTE["ink"]
                )
        said = ", ".join(f"{name} {units.three(y)} Gflop/s" for name, _, y, _ in points)
        drawn.append(
            svg.render(
                fig, f"{key}-{shape.name}", f"Roofline, the fastest arm of each case: {said}", shape.name
            )
        )
    return "".join(drawn)


def scaling(race: Race, key: str) -> str:
    """Draw what more threads or ranks gain, for arms that were raced on several numbers; wide and narrow."""
    curves: dict[str, list[tuple[int, float]]] = {}
    for row in race.rows:
        if row.result.call_s:
            place = row.result.setting.ranks * row.result.setting.threads
            curves.setdefault(units.plain(row.result.variant), []).append((place, row.result.call_s))
    curves = {name: sorted(set(points)) for name, points in curves.items() if len({n for n, _ in points}) > 1}
    if not curves:
        return ""
    drawn = []
    most = max(points[-1][0] for points in curves.values())
    for shape in axes.SHAPES:
        fig, ax = _field(shape, "threads x ranks", "times as fast as on the fewest")
        ax.plot([1, most], [1, most], "--", color=svg.PALETTE["muted"], linewidth=1)
        for k, (name, points) in enumerate(sorted(curves.items())):
            first = points[0][1]
            ax.plot([n for n, _ in points], [first / s for _, s in points], f"-{MARKS[k % len(MARKS)]}",
                    color=svg.PALETTE[TONES[k % len(TONES)]], linewidth=1.8, markersize=7, label=name)  # fmt: skip
        ax.set_xticks(sorted({n for points in curves.values() for n, _ in points}))
        for text in ax.legend(frameon=False, fontsize=11, labelcolor=svg.PALETTE["ink"]).get_texts():
            text.set_parse_math(False)
        said = ", ".join(
            f"{n} {units.times(p[0][1] / p[-1][1])}x on {p[-1][0]}" for n, p in sorted(curves.items())
        )
        drawn.append(
            svg.render(fig, f"{key}-{shape.name}", f"Gain of more threads or ranks: {said}", shape.name)
        )
    return "".join(drawn)


def _field(shape: axes.Shape, x: str, y: str) -> tuple[Figure, Axes]:
    """An empty chart of two scaled axes."""
    height = 0.75 * shape.width if shape.stacked else 340.0
    fig = svg.figure(shape.width, height)
    ax = fig.add_axes((62 / shape.width, 48 / height, 1 - 80 / shape.width, 1 - 62 / height))
    ax.set_facecolor("none")
    for side in ("right", "top"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(svg.PALETTE["muted"])
    ax.grid(color=svg.PALETTE["grid"], linewidth=1)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize=12, colors=svg.PALETTE["muted"], length=4)
    ax.set_xlabel(x, fontsize=12, color=svg.PALETTE["ink"])
    ax.set_ylabel(y, fontsize=12, color=svg.PALETTE["ink"])
    return fig, ax
