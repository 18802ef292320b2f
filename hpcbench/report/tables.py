"""The tables of the HTML page: ranking, phases, failures, skips, and lists of facts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from hpcbench.report import units, wording
from hpcbench.report.evidence import Evidence
from hpcbench.report.frames import HORIZONS, amortised, gflops
from hpcbench.report.standing import Race, Row, short_setting
from hpcbench.spec import Skip

FACTS = {
    "host": "host",
    "id": "machine id",
    "cpu": "processor",
    "cores": "cores",
    "caches": "caches",
    "memory": "memory",
    "gpu": "CUDA device",
    "kernel": "operating system",
    "compiler": "compiler",
    "mpi": "MPI",
    "python": "Python",
    "libraries": "libraries",
    "thp": "transparent huge pages",
    "governor": "frequency governor",
    "load": "load before the run",
}
CASE_FACTS = {
    "structure": "structure",
    "source": "source",
    "rows": "rows",
    "nnz_a": "non-zeros of A",
    "nnz_b": "non-zeros of B",
    "bound_nnz_c": "bound on the non-zeros of C",
    "flops": "multiply-adds per call",
    "row_flops_max": "multiply-adds of the longest row",
    "inner": "inner dimension",
    "cols": "columns",
    "density": "density",
    "row_mean": "mean non-zeros per row",
    "row_max": "most non-zeros in a row",
    "row_cv": "variation of non-zeros per row",
    "empty_rows": "empty rows",
    "span_mean": "mean span of a row, in columns",
    "pattern_symmetry": "symmetry of the pattern",
    "compulsory_flop": "floating-point operations, at least",
    "compulsory_bytes": "bytes moved, at least",
    "bandwidth": "bytes per second, at most",
    "peak": "operations per second, at most",
    "seed": "seed",
}
MESSAGE_LINES, MESSAGE_CHARS = 24, 3000


@dataclass(frozen=True)
class Column:
    """Heading of a table's column; ``kind`` is a CSS class: ``n`` for numbers, ``text`` for prose."""

    title: str
    kind: str = ""

    @property
    def style(self) -> str:
        """The HTML attribute of the column's cells."""
        return f' class="{self.kind}"' if self.kind else ""


def ranking(evidence: Evidence, race: Race) -> str:
    """Table of all arms that gave a correct result, the fastest first, and what was not checked."""
    share = any(row.result.floor_share is not None for row in race.rows)
    shown = list(dict.fromkeys(name for row in race.rows for name in row.result.told))
    # who iterates does as many operations as it likes: its rate says nothing
    rate = not shown and any(not math.isnan(gflops(evidence, row.result)) for row in race.rows)
    columns = [Column("rank", "n"), Column("variant"), Column("setting"), Column("time per call", "n")]
    columns += [Column(f"speedup over {race.anchor}"), Column("relation", "text")]
    columns += [Column(name, "n") for name in shown]
    columns += [Column("Gflop/s", "n")] * rate + [Column("floor / time", "n")] * share
    columns += [Column("rounds", "n"), Column("model")]
    body = []
    for row in race.rows:
        result, model = row.result, evidence.candidates.get(row.result.candidate)
        cells = [f"{row.rank or units.NONE}{'=' if row.peers else ''}", result.variant, row.setting]
        cells += [units.seconds(result.call_s, "µs"), "1.00x" if row.baseline else units.speedup(row.ratio)]
        cells += [wording.relation(row, 2 if row.result.relation == "undecided" else 1)]
        cells += [units.told(result.told.get(name)) for name in shown]
        cells += [units.three(gflops(evidence, result))] * rate + [_share(result.floor_share)] * share
        cells += [str(result.rounds or units.NONE), model.model if model else units.NONE]
        body.append(cells)
    tones = ["baseline" if row.baseline else row.result.relation for row in race.rows]
    return (
        grid(f"Ranking of {race.case}", columns, body, head=1, tones={5: tones})
        + _gaps(race)
        + _traffic(race)
    )


def _traffic(race: Race) -> str:
    told = [
        f"{row.name} {wording.traffic(row.result)}" for row in race.rows if any(map(sum, row.result.traffic))
    ]
    words = f"Handed to MPI for others by the busiest rank, per call: {'; '.join(told)}."
    return f'<p class="facts muted">{escape(units.plain(words))}</p>\n' if told else ""


def _gaps(race: Race) -> str:
    gaps = Counter(name for row in race.rows for name in wording.unchecked(row.result))
    if not gaps:
        return ""
    words = ", ".join(f"{name} ({times} of {len(race.rows)} results)" for name, times in gaps.items())
    return f'<p class="facts muted">Not checked, so not to be read as passed: {escape(words)}.</p>\n'


def phases(race: Race) -> str:
    """Table of setup, run and their amortised sum for variants with a setup; empty without any."""
    rows = [row for row in race.rows if row.result.setup_s is not None and row.result.run_s is not None]
    columns = [Column("variant"), Column("setting"), Column("setup", "n"), Column("run", "n")]
    columns += [*(Column(f"k = {k}", "n") for k in HORIZONS), Column(f"pays off against {race.anchor}")]
    body = []
    for row in rows:
        result = row.result
        spent = (result.setup_s, result.run_s, *(amortised(result, k) for k in HORIZONS))
        cells = [result.variant, row.setting, *(units.seconds(value, "µs") for value in spent)]
        body.append([*cells, pays_off(row, race.baseline)])
    return grid(f"Setup and run of {race.case}", columns, body) if body else ""


def pays_off(row: Row, baseline: Row | None) -> str:
    """Say from how many calls on one setup makes the arm cheaper than the baseline."""
    base = baseline.result.call_s if baseline else None
    setup, run = row.result.setup_s, row.result.run_s
    if base is None or setup is None or run is None:
        return units.NONE
    if run >= base:
        return "never: its run alone is slower"
    calls = max(1, math.floor(setup / (base - run)) + 1)
    return f"from {calls:,} call{'s' if calls > 1 else ''} on"


def failures(race: Race) -> str:
    """List the candidates that failed with the message of the stage, cut if very long."""
    parts = []
    for row in race.failures:
        lines = [units.plain(line) for line in wording.failure(row.result).splitlines()]
        message = "\n".join(lines[:MESSAGE_LINES])[:MESSAGE_CHARS]
        cut = len(lines) > MESSAGE_LINES or len("\n".join(lines)) > len(message)
        note = "\n… cut here; the journal holds the whole message" if cut else ""
        verdict = f'<span class="failed">{escape(row.result.verdict)}</span>'
        parts.append(
            f'<div class="failure"><p><b>{escape(row.name)}</b>, failed: {verdict}</p>'
            f"<pre>{escape(message + note)}</pre></div>\n"
        )
    return "".join(parts)


def skips(skipped: Iterable[Skip]) -> str:
    """List the variants that could not take part, each once, with the reason."""
    reasons = {f"{s.variant} {short_setting(s.setting)}": wording.skipped(s) for s in skipped}
    return facts(reasons, {name: units.plain(name) for name in reasons})


def grid(
    name: str,
    columns: Sequence[Column],
    body: Iterable[Sequence[str]],
    head: int = 0,
    tones: Mapping[int, Sequence[str]] | None = None,
) -> str:
    """Make a table in a box that scrolls sideways by itself; on a phone every row is a card instead.

    Parameters
    ----------
    body
        Cells of each row, as plain text.
    head
        Column that names its row.
    tones
        For some columns, a CSS class for the words of each row.
    """

    def cell(i: int, text: str, tone: str) -> str:
        inner = escape(units.plain(text))
        inner = f'<span class="{tone}">{inner}</span>' if tone else inner
        style = f'{columns[i].style} data-title="{escape(columns[i].title)}"'
        return f'<th scope="row"{style}>{inner}</th>' if i == head else f"<td{style}>{inner}</td>"

    heads = "".join(f'<th scope="col"{column.style}>{escape(column.title)}</th>' for column in columns)
    rows = []
    for number, cells in enumerate(body):
        marks = {i: words[number] for i, words in (tones or {}).items()}
        rows.append(f"<tr>{''.join(cell(i, text, marks.get(i, '')) for i, text in enumerate(cells))}</tr>\n")
    return (
        f'<div class="box" role="region" aria-label="{escape(name)}" tabindex="0">\n<table>\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{''.join(rows)}</tbody>\n</table>\n</div>\n"
    )


def facts(values: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    """Make a list of facts in the order of ``titles``, then the rest by their own names."""
    names = [
        name
        for name in (*titles, *sorted(set(values) - set(titles)))
        if values.get(name) not in (None, "", {})
    ]
    pairs = ((titles.get(name, name), units.plain(_fact(name, values[name]))) for name in names)
    items = (f"<dt>{escape(title)}</dt><dd>{escape(value)}</dd>\n" for title, value in pairs)
    return f"<dl>\n{''.join(items)}</dl>\n" if names else ""


def _fact(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {units.size(v) if name == 'caches' else v}" for key, v in value.items())
    if name == "memory" and isinstance(value, int | float):
        return units.size(value)
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value:,}" if name in CASE_FACTS and name != "seed" and isinstance(value, int) else str(value)


def _share(share: float | None) -> str:
    return units.NONE if share is None else f"{100 * share:.0f} %"
