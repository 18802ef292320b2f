"""The chart of how solvers came to their answer: norms of residuals, one curve per arm."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpcbench.report import axes, plots, svg
from hpcbench.report.standing import Race, Row

POINTS = 100
HEIGHT = 0.38  # of a curve, above and below the middle of its line


def history_chart(race: Race, key: str) -> str:
    """Draw the way of every arm that tells one, wide and narrow; empty if none does.

    A curve goes from the norm after one iteration to the last that is kept, with a dot where that is the end of
    the way, all on one logarithmic scale of norms and one axis of iterations; of longer ones, points at even
    distances on that axis are drawn.
    """
    rows = [row for row in race.rows if _way(row)]
    if not rows:
        return ""
    ways = [_way(row) for row in rows]
    top, bottom = (pick(math.log10(v) for way in ways for _, v in way) for pick in (max, min))
    counts = [row.result.told.get("iterations", float(len(row.result.history) - 1)) for row in rows]
    notes = [f"{count:.0f} iterations" for count in counts]
    said = ", ".join(f"{row.name} {note}" for row, note in zip(rows, notes, strict=True))
    drawn = []
    for shape in axes.SHAPES:
        names, span = [row.name for row in rows], (1.0, max(2.0, *(way[-1][0] for way in ways)))
        words = "iterations", "downwards the residual, a dot is the end"
        fig, ax = axes.frame(shape, names, notes, words, span, 1.5)
        for y, (row, way) in enumerate(zip(rows, ways, strict=True)):
            middle = y + axes.offset(shape)
            depths = [(top - math.log10(v)) / ((top - bottom) or 1.0) for _, v in way]
            heights = [middle + HEIGHT * (2 * depth - 1) * (0.6 if shape.stacked else 1) for depth in depths]
            xs = [x for x, _ in way]
            tone = plots.colour(row)
            ax.plot(xs, heights, color=tone, linewidth=2, zorder=3, clip_on=False)
            if len(row.result.history) > row.result.told.get("iterations", 0):
                ax.plot(xs[-1:], heights[-1:], "o", color=tone, markersize=6, zorder=4, clip_on=False)
        drawn.append(svg.render(fig, f"{key}-{shape.name}", f"Way to the solution: {said}", shape.name))
    return "".join(drawn)


def _way(row: Row) -> Sequence[tuple[float, float]]:
    """Iterations, from the first one on, and norms that can be drawn."""
    found = [(float(i), v) for i, v in enumerate(row.result.history) if i and math.isfinite(v) and v > 0]
    if len(found) <= POINTS:
        return found
    at = {round(len(found) ** (k / (POINTS - 1))) - 1 for k in range(POINTS)}
    return [found[i] for i in sorted(at)]
