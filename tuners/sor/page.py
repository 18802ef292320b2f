"""One self-contained HTML page of contests for omega: totals, costs over time, every fixed omega."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from hpcbench.report import svg
from hpcbench.report.axes import SHAPES, Shape
from hpcbench.report.html import document
from tuners import charts
from tuners.compare import points
from tuners.sor.contest import DEAR, Contest
from tuners.sor.standing import EACH, FIXED, Row, standing

LEAST = 1e-300  # where nothing is to be done
MOST = 2.5  # times the best fixed omega's costs: more is not drawn
READING = (
    "Every contender solves every system of the stream. Costs are those of all systems until then, over those of "
    "the omega that is the best fixed one in the end, which nobody knows beforehand: below 1 is better than that.",
    "The best for each: as if the best of the fixed omegas were known for every system. {failed}",
    "Lines are medians over seeds, bands hold the middle half of them; the thin line at 1 is the best fixed omega.",
)
FAILED = {
    "iterations": "A solve that does not end counts as its limit.",
    "seconds": f"A solve that does not end counts {DEAR} times the slowest one.",
}
HEADS = "over the best fixed omega", "over the best for each"
CAPTION = (
    "In black the costs of every fixed omega, over those of the best one; lines across are the contenders'."
)
GREY = svg.PALETTE["muted"]
REFERENCE = f'<span class="key"><span style="color:{GREY}">┅</span> {EACH}</span>'
DOTTED: dict[str, Any] = {"color": GREY, "linewidth": 2, "linestyle": (0, (1, 1.4))}


def curve(contests: Sequence[Contest], name: str, at: np.ndarray) -> np.ndarray:
    """(points, 3): costs until then over those of the best fixed omega; median over seeds and quartiles."""
    found = []
    for one in contests:
        fixed = one.grid[:, int(one.grid.sum(0).argmin())]
        costs = one.grid.min(1) if name == EACH else one.costs[name]
        found.append(np.cumsum(costs)[at] / np.maximum(np.cumsum(fixed)[at], LEAST))
    quartiles: np.ndarray = np.quantile(found, [0.5, 0.25, 0.75], axis=0).T
    return quartiles


def page(contests: Sequence[Contest], title: str) -> str:
    """Draw contests on one stream as one HTML document.

    Parameters
    ----------
    contests : of several seeds, otherwise alike.
    title : heading of the page, as plain text.
    """
    one, rows = contests[0], standing(contests)
    own = [row for row in rows if row.name not in (FIXED, EACH)]
    names = [row.name for row in own]
    shown = [row.name + " (beyond the charts)" * (row.over_fixed[0] > MOST) for row in own]
    legend = f'<p class="facts">{charts.legend(shown)}{REFERENCE}</p>'
    facts = [f"{len(one.grid)} systems", one.solver, f"{len(contests)} seeds", one.unit]
    times, omegas = ("".join(draw(contests, names, shape) for shape in SHAPES) for draw in (_times, _omegas))
    main = f"""<section class="race"><h2>All {escape(one.unit)}</h2>
{_table(rows)}</section>
<section class="race"><h2>Over time</h2>
{legend}
<figure>{times}</figure></section>
<section class="race"><h2>Every fixed omega</h2>
{legend}
<figure>{omegas}<figcaption>{CAPTION}</figcaption></figure></section>
<section class="race"><h2>How to read this</h2>
{"".join(f"<p>{sentence.format(failed=FAILED[one.unit])}</p>" for sentence in READING)}</section>
"""
    return document(title, f'<p class="muted">{" · ".join(map(escape, facts))}</p>\n', main)


def _table(rows: Sequence[Row]) -> str:
    lines = []
    for row in rows:
        words = [Row.words(interval) for interval in (row.over_fixed, row.over_each)]
        cells = (f'<td data-title="{h}"><span>{w}</span></td>' for h, w in zip(HEADS, words, strict=True))
        name = f'<th scope="row" data-title="contender">{escape(row.name)}</th>'
        lines.append(f"<tr>{name}{''.join(cells)}</tr>")
    heads = "".join(f"<th>{h}</th>" for h in ("contender", *HEADS))
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    return f'<div class="box" tabindex="0">{table}</div>'


def _times(contests: Sequence[Contest], names: Sequence[str], shape: Shape) -> str:
    fig, ax = charts.chart(shape)
    at = points(min(len(one.grid) for one in contests))
    found = {name: curve(contests, name, at) for name in [*names, EACH]}
    ax.axhline(1, color=GREY, linewidth=1)
    ax.plot(at + 1, found[EACH][:, 0], **DOTTED)
    for place, name in enumerate(names):
        charts.band(ax, at + 1, np.clip(found[name], 0, 2 * MOST), place)
    ax.set_ylim(_low(found.values()), MOST)
    charts.plain(ax)
    charts.log_axis(ax, "systems")
    said = ", ".join(f"{name} {rows[-1, 0]:.2f}" for name, rows in found.items())
    return svg.render(fig, f"times-{shape.name}", f"Costs over time, at the end: {said}", shape.name)


def _omegas(contests: Sequence[Contest], names: Sequence[str], shape: Shape) -> str:
    fig, ax = charts.chart(shape)
    last = points(min(len(one.grid) for one in contests))[-1:]
    ends = {name: curve(contests, name, last) for name in [*names, EACH]}
    ax.axhline(ends[EACH][0, 0], **DOTTED)
    for place, name in enumerate(names):
        style = charts.DASHES[charts.again(place)]
        ax.axhline(min(ends[name][0, 0], 2 * MOST), color=charts.colour(place), linewidth=2, linestyle=style)
    totals = np.array([one.grid.sum(0) / max(one.grid.sum(0).min(), LEAST) for one in contests])
    fixed = np.clip(np.quantile(totals, [0.5, 0.25, 0.75], axis=0).T, 0, 2 * MOST)
    order = np.argsort(contests[0].omegas)
    omegas, fixed, ink = np.array(contests[0].omegas)[order], fixed[order], svg.PALETTE["ink"]
    ax.plot(omegas, fixed[:, 0], color=ink, linewidth=2, marker="o", markersize=4)
    ax.fill_between(omegas, fixed[:, 1], fixed[:, 2], color=ink, alpha=0.15, linewidth=0)
    ax.set_ylim(_low(ends.values()), MOST)
    charts.plain(ax)
    ax.set_xlabel("omega", color=GREY, fontsize=12)
    said = ", ".join(f"{w:g}: {x:.2f}" for w, x in zip(omegas, fixed[:, 0], strict=True))
    return svg.render(fig, f"omegas-{shape.name}", f"Costs of fixed omegas: {said}", shape.name)


def _low(curves: Iterable[np.ndarray]) -> float:
    """Where the axis at the left begins: somewhat below all that lasts."""
    return float(max(0.0, min(1.0, *(rows[len(rows) // 3 :, 0].min() for rows in curves)) - 0.15))
