"""The frame that all charts share: one line per arm, names at the left or above, one scaled axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpcbench.report import svg, units

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOG_FROM = 4.0


@dataclass(frozen=True)
class Shape:
    """Measures of a chart in CSS pixels; ``stacked`` puts the names above the lines, for phones."""

    name: str
    width: float
    line: float
    stacked: bool
    ticks: int


WIDE = Shape("wide", 920, 30, stacked=False, ticks=8)
NARROW = Shape("narrow", 350, 46, stacked=True, ticks=6)
SHAPES = (WIDE, NARROW)


def frame(
    shape: Shape,
    names: Sequence[str],
    notes: Sequence[str],
    axis: tuple[str, str],
    span: tuple[float, float],
    line: float = 1,
) -> tuple[Figure, Axes]:
    """Make a chart of one horizontal line per name, the first on top, line i at ``y = i``.

    Parameters
    ----------
    notes
        A short text for each line, set right of it, or above it in a narrow chart.
    axis
        Label of the x axis and, in brackets, its unit; a narrow chart has them on two lines.
    span
        Least and greatest value to hold; the axis is logarithmic from a range of four times.
    line
        Height of a line in multiples of the usual one.
    """
    step = shape.line * line
    bottom, top = (60.0 if shape.stacked else 46.0), 8.0
    height = top + step * len(names) + bottom
    left = 14.0 if shape.stacked else min(230.0, 24 + 7.4 * max(units.cells(name) for name in names))
    right = 14.0 if shape.stacked else 24 + 6.7 * max(units.cells(note) for note in notes)
    fig = svg.figure(shape.width, height)
    inner = shape.width - left - right
    axes = fig.add_axes(
        (left / shape.width, bottom / height, inner / shape.width, step * len(names) / height)
    )
    axes.set_facecolor("none")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks([])
    _scale(axes, span, shape.ticks)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(svg.PALETTE["muted"])
    axes.set_axisbelow(True)
    axes.grid(axis="x", color=svg.PALETTE["grid"], linewidth=1)
    axes.tick_params(axis="x", labelsize=12, colors=svg.PALETTE["muted"], length=4)
    words = f"{axis[0]}{chr(10) if shape.stacked else ' '}({axis[1]})"
    axes.set_xlabel(words, fontsize=12, color=svg.PALETTE["ink"], labelpad=6, parse_math=False)
    if not shape.stacked:
        axes.hlines(range(len(names)), *axes.get_xlim(), color=svg.PALETTE["grid"], linewidth=1, zorder=0.5)
    else:
        axes.xaxis.label.set_x((shape.width / 2 - left) / inner)
    for y, (name, note) in enumerate(zip(names, notes, strict=True)):
        _write(
            fig,
            shape,
            name,
            note,
            (bottom + step * (len(names) - 0.5 - y)) / height,
            step / height,
            (left, right),
        )
    return fig, axes


def offset(shape: Shape) -> float:
    """Distance of a mark from the middle of its line; a narrow chart has its text above the mark."""
    return 0.2 if shape.stacked else 0.0


def _write(
    fig: Figure, shape: Shape, name: str, note: str, middle: float, step: float, margin: tuple[float, float]
) -> None:
    ink, muted = svg.PALETTE["ink"], svg.PALETTE["muted"]
    left, right = margin
    if shape.stacked:
        y = middle + 0.2 * step
        room = int((shape.width - 2 * left) / 7.2) - units.cells(note) - 1
        fig.text(
            left / shape.width,
            y,
            units.squeeze(name, room),
            size=12.5,
            color=ink,
            va="center",
            parse_math=False,
        )
        fig.text(
            1 - left / shape.width, y, note, size=12, color=muted, ha="right", va="center", parse_math=False
        )
        return
    name = units.squeeze(name, int((left - 20) / 7.2))
    fig.text(
        (left - 12) / shape.width, middle, name, size=13, color=ink, ha="right", va="center", parse_math=False
    )
    fig.text(
        1 - (right - 12) / shape.width, middle, note, size=12, color=muted, va="center", parse_math=False
    )


def _scale(axes: Axes, span: tuple[float, float], most: int) -> None:
    from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

    low, high = span
    if low > 0 and high / low > LOG_FROM:
        axes.set_xscale("log")
        low, high = low / (high / low) ** 0.04, high * (high / low) ** 0.04
        ticks = log_ticks(low, high, most)
    else:
        pad = 0.06 * (high - low) or 0.05
        low, high = max(0.0, low - pad) if low >= 0 else low, high + pad
        ticks = [float(t) for t in MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)]
    ticks = [tick for tick in ticks if low <= tick <= high]
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FixedFormatter([f"{tick:.6g}" for tick in ticks]))


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Ticks of a logarithmic axis: 1-2-5, else whole decades, at most ``most`` of them."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        ticks = [digit * 10.0**decade for decade in decades for digit in digits]
        if sum(low <= tick <= high for tick in ticks) <= most:
            return ticks
    kept = [10.0**decade for decade in decades]
    return kept[:: math.ceil(len(kept) / most)]
