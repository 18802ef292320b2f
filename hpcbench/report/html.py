"""One self-contained HTML page of a run: no script, no link, no font from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from hpcbench.report import history, overview, plots, tables, wording
from hpcbench.report.evidence import Evidence
from hpcbench.report.pairs import strips
from hpcbench.report.standing import Race, races

DOTS = 12_000
LIMIT = 1_950_000
NEVER_BREAK = re.compile(r"(?<=x) (?=\[)|(?<=,) (?=[\d.]+\])")
AMORTISED = "k = 10 is the time per call when one setup serves ten calls, (setup + k run) / k."
HEAT = "1 is the fastest arm of the case; the darker, the slower. A missing figure: not raced there, or not right."
ROOF = (
    "The fastest arm of every case. Bytes and operations are the least that any implementation must move and do; "
    "the lines are the measured bandwidths of the smallest and the largest case, all cores together."
)
SCALING = "The dashed line is perfect scaling."
HISTORY = (
    "Each arm's own account of its residuals, the first 1023 of them, over those of the right-hand side, on a "
    "logarithmic scale that all curves share. The residual in the table is computed from the answer."
)
LEGEND = (
    '<span class="key faster" data-mark="●">faster</span><span class="key slower" data-mark="●">slower</span>'
    '<span class="key" data-mark="○">tie or undecided</span><span class="key" data-mark="◆">baseline</span>'
    '<span class="key slower" data-mark="&times;">screened out, no interval</span>'
)
READING = (
    "All variants of a case were timed together in rounds, one sample each per round in a changing order, "
    "and only samples of one round are compared, so that what disturbs the machine disturbs all alike.",
    "The speedup is the median over all rounds of the baseline's time divided by the variant's, so 2x means "
    "half the time.",
    "The interval in brackets is a sign interval: it rests on the order of the rounds' ratios alone, assumes "
    "no bell curve, and is widened for the number of variants compared.",
    "The A/A twin is the baseline built and timed a second time; what it seems to gain over itself is noise, "
    "and a win has to be larger than that and than 1 %.",
    "All processes are started afresh several times, and a win has to stand over these generations as well: "
    "identical code may differ by a percent or two from process to process.",
    "Variants tie when the rounds show that they differ by less; where the rounds cannot tell, it says "
    "undecided, with the smallest difference that they could have seen.",
)


@dataclass(frozen=True)
class Detail:
    """How much a page draws: dots per arm in the charts of every round, and whether any charts."""

    dots: int
    charts: bool = True

    @property
    def note(self) -> str:
        """What the page leaves out, for its header."""
        left_out = "" if self.dots else "the charts of every round" if self.charts else "all charts"
        return f'<p class="muted">To stay small, this page leaves out {left_out}.</p>\n' if left_out else ""


def page(evidence: Evidence, title: str) -> str:
    """Draw a report as one HTML document.

    Parameters
    ----------
    title
        Heading of the page, as plain text.

    Returns
    -------
    str
        The document, below 2 MB: long series of raw samples are drawn in part, a page of very many
        cases goes without the charts of every round, then without any chart, and says so. Charts are
        inline SVG, each drawn once for wide and once for narrow screens.
    """
    shown = [race for case in evidence.case_names for race in races(evidence, case)]
    most = max(16, DOTS // max(1, sum(len(race.rows) + 1 for race in shown)))
    for detail in (Detail(most), Detail(0), Detail(0, charts=False)):
        text = _document(evidence, title, shown, detail)
        if len(text.encode()) <= LIMIT:
            break
    return text


def _document(evidence: Evidence, title: str, shown: Sequence[Race], detail: Detail) -> str:
    verdicts = "\n".join(
        f'<li><a href="#r{i}"><b>{escape(_name(race, shown))}</b></a>{_claim(race)}</li>'
        for i, race in enumerate(shown, 1)
    )
    sections = "\n".join(
        _section(evidence, race, _name(race, shown), f"r{i}", detail) for i, race in enumerate(shown, 1)
    )
    header = f'<p class="muted">{_facts(wording.machine_facts(evidence))}</p>\n{detail.note}'
    main = f"""<ul class="verdicts">
{verdicts}
</ul>
{_overview(evidence, shown, detail)}{sections}
{_closing(evidence)}"""
    return document(title, header, main)


def document(title: str, header: str, main: str) -> str:
    """An HTML document that loads nothing: its heading as plain text, what stands below it, and its body."""
    style = files("hpcbench.report").joinpath("page.css").read_text("utf-8")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
{header}</header>
<main>
{main}</main>
</body>
</html>
"""


def _overview(evidence: Evidence, shown: Sequence[Race], detail: Detail) -> str:
    """What shows over all cases; empty for one."""
    if len(shown) < 2:
        return ""
    roof = overview.roofline(evidence, shown, "roof") if detail.charts else ""
    return (
        '<section class="race" id="all">\n<h2>All cases</h2>\n'
        + _part("Time over the fastest", overview.heat(shown), HEAT)
        + _figure("Roofline", roof, ROOF)
        + "</section>\n"
    )


def _name(race: Race, shown: Sequence[Race]) -> str:
    """Name of a race: its case, and its terms where the case has several races."""
    alone = sum(other.case == race.case for other in shown) == 1
    return race.case if alone else f"{race.case}, {race.contract}, {race.pages} pages, against {race.anchor}"


def _claim(race: Race) -> str:
    """The headline of a race, its figures kept together at a line's end."""
    return NEVER_BREAK.sub("\N{NO-BREAK SPACE}", escape(wording.headline(race)))


def _facts(facts: Sequence[str]) -> str:
    return " · ".join(f'<span class="fact">{escape(fact)}</span>' for fact in facts)


def _section(evidence: Evidence, race: Race, name: str, key: str, detail: Detail) -> str:
    features = {key: value for key, value in evidence.cases.get(race.case, {}).items() if key != "case"}
    facts = [race.kernel, *wording.case_facts(features), *wording.race_facts(race), wording.twin(race)]
    speedups = plots.speedup_chart(race, f"{key}-speedup") if detail.charts else ""
    calls = plots.call_chart(race, f"{key}-call") if detail.charts else ""
    parts = [
        f'<section class="race" id="{key}">\n<h2>{escape(name)}</h2>\n',
        f'<p class="claim">{_claim(race)}</p>\n',
        f'<p class="facts muted">{_facts(facts)}</p>\n',
        _figure("Speedup", speedups, f"<p>{LEGEND}</p>{_band(race)}"),
        _part(
            "Results", tables.ranking(evidence, race) if race.rows else "<p>No candidate is correct.</p>\n"
        ),
        _part("Setup and run", tables.phases(race), AMORTISED),
        _figure("Time per call", calls, _floor(race)),
        _figure("Scaling", overview.scaling(race, f"{key}-scaling") if detail.charts else "", SCALING),
        _figure(
            "On the way", history.history_chart(race, f"{key}-history") if detail.charts else "", HISTORY
        ),
        _rounds(evidence, race, key, detail.dots) if detail.dots else "",
        _part("Failed", tables.failures(race)),
        _part("The case", tables.facts(features, tables.CASE_FACTS)),
    ]
    return "".join(parts) + "</section>\n"


def _rounds(evidence: Evidence, race: Race, key: str, most: int) -> str:
    drawn = strips(evidence, race)
    words = "Every dot is one paired round, the first on top; the upright line is their median."
    if any(len(strip.ratios) > most for strip in drawn):
        words += f" Of longer series only every k-th round is drawn, at most {most} dots an arm."
    if any(strip.row and len(strip.ratios) > strip.row.result.rounds for strip in drawn):
        words += " More rounds than in the table: the winner was measured again in new processes."
    words += " Dots at the very edge lie beyond it. "
    return _figure("Every round", plots.rounds_chart(race, drawn, f"{key}-rounds", most), words + _band(race))


def _band(race: Race) -> str:
    return (
        "The grey band around 1 is the A/A twin's interval: differences inside it are noise."
        if race.aa
        else ""
    )


def _floor(race: Race) -> str:
    near = any(plots.near_floor(row) for row in race.rows)
    return "The grey upright mark is the physical floor: less time than that is impossible." if near else ""


def _figure(title: str, drawing: str, caption: str) -> str:
    note = f"<figcaption>{caption}</figcaption>\n" if caption else ""
    return f"<h3>{title}</h3>\n<figure>\n{drawing}\n{note}</figure>\n" if drawing else ""


def _part(title: str, body: str, note: str = "") -> str:
    words = f'<p class="facts muted">{note}</p>\n' if note else ""
    return f"<h3>{title}</h3>\n{body}{words}" if body else ""


def _closing(evidence: Evidence) -> str:
    command = evidence.machine.get("command")
    facts = {name: value for name, value in evidence.machine.items() if name != "command"}
    repeat = f'<pre class="command">{escape(str(command))}</pre>\n' if command else ""
    return (
        '<section class="race">\n<h2>How to read this</h2>\n'
        + "".join(f"<p>{escape(sentence)}</p>\n" for sentence in READING)
        + _part("Skipped", tables.skips(evidence.skips))
        + _part("The machine", tables.facts(facts, tables.FACTS))
        + _part("To run it again", repeat)
        + "</section>\n"
    )
