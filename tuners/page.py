"""One self-contained HTML page of a comparison: ranks, a table of regrets, curves over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from hpcbench.report import svg
from hpcbench.report.axes import SHAPES, Shape
from hpcbench.report.html import document
from tuners import charts
from tuners.compare import Key, Play, points
from tuners.standing import Standing, curve

DOTS = "os^"  # of one colour
LOW, HIGH = -0.5, 1.25  # of the regrets that are drawn
FIRST = 9  # place of the first step that is: before, all is chance
READING = (
    "Every policy plays every problem with every seed, on the same costs. What a problem would cost with the best "
    "fixed arm is 0, what it costs on average to choose at random is 1; less than 0 is better than any fixed arm.",
    "Ranks are those of the medians over seeds, and their means are over problems. Two mean ranks that differ by "
    "less than the bar is long are not told apart (Nemenyi's critical difference, 5 %).",
    "In the curves, what a policy lost per step until then is set against what choosing at random loses per step, "
    "over the whole run. Lines are medians over seeds, bands hold the middle half of them.",
)


def page(found: Standing, plays: Mapping[Key, Play], title: str) -> str:
    """Draw a comparison as one HTML document.

    Parameters
    ----------
    title : heading of the page, as plain text.
    """
    keys = list(plays)
    facts = [
        f"{len(found.policies)} policies", f"{len(found.problems)} problems",
        f"{len(found.seeds)} seeds", f"{keys[0].steps} steps",
    ]  # fmt: skip
    curves = "".join(
        _curves(found.policies, problem, plays, f"c{j}") for j, problem in enumerate(found.problems)
    )
    main = f"""<section class="race"><h2>Ranks</h2>
<figure>{_ranks(found)}<figcaption>{_apart(found)}</figcaption></figure>
<h3>Regret at the end</h3>
{_table(found)}</section>
<section class="race"><h2>Over time</h2>
<p class="facts">{charts.legend(found.policies)}</p>
{curves}</section>
<section class="race"><h2>How to read this</h2>
{"".join(f"<p>{sentence}</p>" for sentence in READING)}</section>
"""
    return document(title, f'<p class="muted">{" · ".join(facts)}</p>\n', main)


def _apart(found: Standing) -> str:
    if found.apart != found.apart:
        return "Mean ranks; what tells them apart needs three policies and two problems."
    alike = f"Were all alike, they would be so far apart with p = {found.p:.2g} (Friedman)."
    return f"Mean ranks; those closer than {found.apart:.2f} are not told apart. {alike}"


def _ranks(found: Standing) -> str:
    """A dot per policy on the line of mean ranks, and the critical difference as a bar."""
    drawn = []
    for shape in SHAPES:
        count = len(found.policies)
        fig = svg.figure(shape.width, 30 * count + 60)
        left = 130 / shape.width
        ax = fig.add_axes((left, 46 / (30 * count + 60), 0.97 - left, 1 - 60 / (30 * count + 60)))
        for y, (name, rank) in enumerate(zip(found.policies, found.ranks, strict=True)):
            ax.plot([1, rank], [y, y], color=svg.PALETTE["grid"], linewidth=1.5)
            ax.plot([rank], [y], DOTS[charts.again(y)], color=charts.colour(y), markersize=9)
            words: dict[str, Any] = {
                "textcoords": "offset points",
                "color": svg.PALETTE["ink"],
                "fontsize": 12,
            }
            ax.annotate(f"{rank:.2f}", (rank, y), xytext=(9, -4), **words)
            left_of = ("axes fraction", "data")
            ax.annotate(name, (0, y), xycoords=left_of, xytext=(-12, -4), ha="right", **words)
        if found.apart == found.apart:
            ax.plot(
                [1, 1 + found.apart],
                [-0.75] * 2,
                color=svg.PALETTE["ink"],
                linewidth=3,
                solid_capstyle="butt",
            )
        ax.set_xlim(0.9, max(count, 2) + 0.5)
        ax.set_ylim(count - 0.4, -1.1)
        ax.set_yticks([])
        charts.plain(ax)
        ax.set_xlabel("mean rank", color=svg.PALETTE["muted"], fontsize=12)
        said = ", ".join(f"{n} {r:.2f}" for n, r in zip(found.policies, found.ranks, strict=True))
        drawn.append(svg.render(fig, f"ranks-{shape.name}", f"Mean ranks: {said}", shape.name))
    return "".join(drawn)


def _table(found: Standing) -> str:
    heads = "".join(f"<th>{escape(name)}</th>" for name in found.policies)
    rows = []
    for j, problem in enumerate(found.problems):
        best = found.regret[:, j, 0].min()
        cells = [_cell(name, found.regret[i, j], best) for i, name in enumerate(found.policies)]
        head = f'<th scope="row" data-title="problem">{escape(problem)}</th>'
        rows.append(f"<tr>{head}{''.join(cells)}</tr>")
    return (
        f'<div class="box" tabindex="0"><table><thead><tr><th>problem</th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(policy: str, regret: np.ndarray, best: float) -> str:
    middle, low, high = regret
    heat = ' class="heat0"' if middle == best else ""
    spread = f'<br><span class="muted">{low:.3f}, {high:.3f}</span>' if np.isfinite(low) else ""
    return f'<td{heat} data-title="{escape(policy)}"><span>{middle:.3f}{spread}</span></td>'


def _curves(names: Sequence[str], problem: str, plays: Mapping[Key, Play], key: str) -> str:
    drawn = [_chart(names, problem, plays, f"{key}-{shape.name}", shape) for shape in SHAPES]
    return f"<h3>{escape(problem)}</h3>\n<figure>{''.join(drawn)}</figure>\n"


def _chart(names: Sequence[str], problem: str, plays: Mapping[Key, Play], key: str, shape: Shape) -> str:
    fig, ax = charts.chart(shape)
    for level in (0, 1):
        ax.axhline(level, color=svg.PALETTE["muted"], linewidth=1)
    said = []
    for i, name in enumerate(names):
        mine = [one for k, one in plays.items() if (k.policy, k.problem) == (name, problem)]
        if not mine:
            continue
        steps = mine[0].key.steps
        at, found = points(steps), curve(mine)
        shown = at >= min(FIRST, at[-2])
        at, found = at[shown], found[shown]
        found = np.clip(found * (steps / (at + 1))[:, None], LOW - 1, HIGH + 1)
        charts.band(ax, at + 1, found, i)
        said.append(f"{name} {found[-1, 0]:.2f}")
    ax.set_ylim(LOW, HIGH)
    ax.set_yticks([0, 0.5, 1])
    charts.plain(ax)
    charts.log_axis(ax, "steps")
    return svg.render(fig, key, f"Regret per step on {problem}, at the end: {', '.join(said)}", shape.name)
