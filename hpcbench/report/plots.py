"""The charts of a race: speedup with intervals, time per call, and every paired round."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from hpcbench.report import axes, svg, units
from hpcbench.report.pairs import Strip
from hpcbench.report.standing import Race, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, BAND = svg.PALETTE["ink"], svg.PALETTE["muted"], svg.PALETTE["band"]
NEAR = 0.2
SCALES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def colour(row: Row | None) -> str:
    """Colour of an arm: faster, slower, or neither."""
    relation = row.result.relation if row else "none"
    return svg.PALETTE[relation if relation in ("faster", "slower") else "even"]


def speedup_chart(race: Race, key: str) -> str:
    """Draw a dot and its interval bar for every arm, wide and narrow; empty if nothing was compared.

    The axis holds all intervals, and the medians of too few rounds for one; an arm that was screened out as far
    slower is drawn at the edge if it lies beyond.
    """
    rows = [row for row in race.rows if row.ratio is not None]
    ratios = [row.ratio for row in rows if row.ratio is not None]
    if len(rows) < 2:
        return ""
    ends = [1.0, *(value for ratio in ratios if units.bounded(ratio) for value in ratio)]
    ends += [ratio[0] for row, ratio in zip(rows, ratios, strict=True) if not row.screened]
    span = min(ends), max(ends)
    notes = [_note(row, span) for row in rows]
    said = ", ".join(f"{row.name} {note}" for row, note in zip(rows, notes, strict=True))
    drawn = []
    for shape in axes.SHAPES:
        label = f"speedup over {race.anchor}", "times, higher is faster"
        fig, ax = axes.frame(shape, [row.name for row in rows], notes, label, span)
        _baseline(ax, race, shape, len(rows))
        for y, (row, (middle, low, high)) in enumerate(zip(rows, ratios, strict=True)):
            left, right = ax.get_xlim()
            _dot(ax, row, min(max(middle, left), right), y + axes.offset(shape), (low, high))
        drawn.append(
            svg.render(fig, f"{key}-{shape.name}", f"Speedup over {race.anchor}: {said}", shape.name)
        )
    return "".join(drawn)


def call_chart(race: Race, key: str) -> str:
    """Draw the time per call of every arm, and its physical floor where it is near; wide and narrow."""
    rows = [row for row in race.rows if row.result.call_s]
    if not rows:
        return ""
    calls = [row.result.call_s or 0.0 for row in rows]
    scale, unit = next((s for s in SCALES if median(calls) >= s[0]), SCALES[-1])
    floors = [
        call * share if (share := near_floor(row)) else math.nan
        for row, call in zip(rows, calls, strict=True)
    ]
    ends = [value / scale for value in (*calls, *floors) if math.isfinite(value)]
    span = (min(ends) if max(ends) / min(ends) > axes.LOG_FROM else 0.0), max(ends)
    notes = [units.seconds(call, "µs") for call in calls]
    said = ", ".join(f"{row.name} {note}" for row, note in zip(rows, notes, strict=True))
    drawn = []
    for shape in axes.SHAPES:
        names = [row.name for row in rows]
        fig, ax = axes.frame(shape, names, notes, ("time per call", f"{unit}, lower is faster"), span)
        for y, (row, call, floor) in enumerate(zip(rows, calls, floors, strict=True)):
            height = y + axes.offset(shape)
            if math.isfinite(floor):
                ax.plot([floor / scale], [height], "|", color=MUTED, markersize=14, markeredgewidth=2)
            if ax.get_xscale() == "linear":
                ax.plot([0, call / scale], [height, height], color=MUTED, linewidth=1.5, alpha=0.5, zorder=2)
            _dot(ax, row, call / scale, height, (math.nan, math.nan))
        drawn.append(svg.render(fig, f"{key}-{shape.name}", f"Time per call: {said}", shape.name))
    return "".join(drawn)


def near_floor(row: Row) -> float | None:
    """Physical floor over measured time, where the floor is near enough to be worth a mark."""
    share = row.result.floor_share
    return share if share is not None and share >= NEAR else None


def rounds_chart(race: Race, strips: Sequence[Strip], key: str, most: int) -> str:
    """Draw every paired round of every arm as a dot, the first round on top; wide and narrow.

    Parameters
    ----------
    most
        Dots to draw per arm at most; of longer strips every k-th round is drawn (:func:`thin`).
    """
    if not strips:
        return ""
    shown = [thin(strip.ratios, most) for strip in strips]
    span = reach(
        [r for r, strip in zip(shown, strips, strict=True) if not (strip.row and strip.row.screened)]
    )
    notes = [f"{len(strip.ratios)} rounds" for strip in strips]
    said = ", ".join(f"{strip.name} median {units.times(median(strip.ratios))}x" for strip in strips)
    drawn = []
    for shape in axes.SHAPES:
        label = f"speedup over {race.anchor} in one round", "times, higher is faster"
        fig, ax = axes.frame(shape, [strip.name for strip in strips], notes, label, span, line=1.35)
        _baseline(ax, race, shape, len(strips))
        for y, (strip, ratios) in enumerate(zip(strips, shown, strict=True)):
            _strip(ax, strip, ratios, y + axes.offset(shape), 0.36 if shape.stacked else 0.5)
        words = f"Speedup over {race.anchor} in every paired round: {said}"
        drawn.append(svg.render(fig, f"{key}-{shape.name}", words, shape.name))
    return "".join(drawn)


def _note(row: Row, span: tuple[float, float]) -> str:
    if row.baseline or row.ratio is None:
        return "baseline"
    off = ", off scale" if row.screened and not span[0] <= row.ratio[0] <= span[1] else ""
    return units.speedup(row.ratio) + off


def thin(ratios: Sequence[float], most: int) -> Sequence[float]:
    """Keep every k-th of the ratios, k the least that leaves at most ``most``."""
    return ratios[:: max(1, math.ceil(len(ratios) / most))]


def reach(strips: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Span of the inner 98 % of every strip and of one; dots beyond it are drawn at the edge."""
    low, high = 1.0, 1.0
    for ratios in strips:
        order = sorted(ratios)
        cut = len(order) // 100 + (len(order) >= 16)
        low, high = min(low, order[cut]), max(high, order[-1 - cut])
    return low, high


def _baseline(ax: Axes, race: Race, shape: axes.Shape, rows: int) -> None:
    """The line at one and the twin's band; where names stand above the marks, only beside the marks."""
    low, high = sorted(ax.get_ylim())
    marks = [y + axes.offset(shape) for y in range(rows)]
    for bottom, top in [(y - 0.25, y + 0.25) for y in marks] if shape.stacked else [(low, high)]:
        if race.aa is not None and units.bounded(race.aa):
            ax.fill_betweenx([bottom, top], race.aa[1], race.aa[2], color=BAND, linewidth=0, zorder=0)
        ax.plot([1.0, 1.0], [bottom, top], color=INK, linewidth=1.2, zorder=1)


def _dot(ax: Axes, row: Row, x: float, y: float, bar: tuple[float, float]) -> None:
    tone = INK if row.baseline else colour(row)
    if all(math.isfinite(end) for end in bar):
        ax.plot(bar, [y, y], color=tone, linewidth=3, solid_capstyle="butt", alpha=0.55, zorder=2)
    marker, face = ("D", tone) if row.baseline else ("o", tone)
    if row.screened:
        marker = "x"
    elif not row.baseline and row.result.relation not in ("faster", "slower"):
        face = svg.PALETTE["paper"]
    ax.plot(
        [x],
        [y],
        marker,
        color=tone,
        markerfacecolor=face,
        markersize=7.5,
        markeredgewidth=2,
        zorder=3,
        clip_on=False,
    )


def _strip(ax: Axes, strip: Strip, ratios: Sequence[float], y: float, height: float) -> None:
    """One line of dots; their height is the order of the rounds, so that a drift shows as a slant."""
    left, right = ax.get_xlim()
    tone = colour(strip.row)
    xs, ys = [], []
    for i, ratio in enumerate(ratios):
        x = min(max(ratio, left), right)
        level = y + height * ((i + 0.5) / len(ratios) - 0.5)
        # A line too short to see, with round ends, is a dot; one path for all keeps the page small.
        xs += [x, x * 1.00001, math.nan]
        ys += [level, level, math.nan]
    ax.plot(xs, ys, color=tone, linewidth=4, solid_capstyle="round", alpha=0.6, zorder=2, clip_on=False)
    middle = median(strip.ratios)
    ax.plot([middle, middle], [y - 0.65 * height, y + 0.65 * height], color=INK, linewidth=2, zorder=3)
