"""What the pages of policies and of omega draw alike: lines with bands, their colours, their legend."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from hpcbench.report import svg
from hpcbench.report.axes import Shape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#c24e00", "#00946a", "#8f5fbf", "#b07900", "#cc5f97", "#2aa0b0", "#6f7782")
DASHES, LINES = ("-", (0, (5, 2)), (0, (1, 1.4))), "━╍┅"  # of one colour, in charts and legend


def colour(place: int) -> str:
    """Of the line at ``place``."""
    return COLOURS[place % len(COLOURS)]


def again(place: int) -> int:
    """How often its colour was used before."""
    return place // len(COLOURS) % len(DASHES)


def legend(names: Sequence[str]) -> str:
    """Names beside their lines, as HTML."""
    return "".join(
        f'<span class="key"><span style="color:{colour(i)}">{LINES[again(i)]}</span> {escape(name)}</span>'
        for i, name in enumerate(names)
    )


def chart(shape: Shape) -> tuple[Figure, Axes]:
    """A figure with room for numbers at the left and below."""
    fig = svg.figure(shape.width, 250)
    return fig, fig.add_axes((52 / shape.width, 0.19, 1 - 66 / shape.width, 0.77))


def band(ax: Axes, at: np.ndarray, found: np.ndarray, place: int) -> None:
    """Draw medians as a line and quartiles as a band; ``found`` is (points, 3)."""
    ax.plot(at, found[:, 0], color=colour(place), linewidth=2, linestyle=DASHES[again(place)])
    ax.fill_between(at, found[:, 1], found[:, 2], color=colour(place), alpha=0.15, linewidth=0)


def log_axis(ax: Axes, what: str) -> None:
    """Count along the axis below, ever faster: 1, 10, 100."""
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_xlabel(what, color=svg.PALETTE["muted"], fontsize=12)


def plain(ax: Axes) -> None:
    """Leave the axis below, in quiet colours."""
    ax.set_facecolor("none")
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(svg.PALETTE["grid"])
    ax.tick_params(colors=svg.PALETTE["muted"], labelsize=11, length=3, which="both")
