"""The ranked table of one case for a terminal; no line is ever wider than the width asked for."""

from __future__ import annotations

from hpcbench.report import units, wording
from hpcbench.report.evidence import Evidence
from hpcbench.report.standing import Race, Row, races, short_setting

GAP = "  "
NARROWEST = 8
PAINT = {"bold": "1", "dim": "2", "faster": "32", "slower": "33", "failed": "31"}


def table(evidence: Evidence, case: str, width: int = 80, colour: bool = False) -> str:
    """Draw the ranked table of ``case``, one per race.

    Tied arms share a rank, marked ``=``, and are said to tie in words. Candidates that failed follow
    with the first line of their message, then the variants that were skipped.

    Parameters
    ----------
    width
        Columns at most; below 60 the names and words are cut hard.
    colour
        Add ANSI colours, which take no columns.

    Raises
    ------
    ValueError
        When no result speaks of ``case``.
    """
    drawn = [_draw(evidence, race, max(40, width), colour) for race in races(evidence, case)]
    if not drawn:
        known = ", ".join(evidence.case_names) or "none"
        raise ValueError(f"no result for case {case!r}; cases with results: {known}")
    return "\n\n".join(drawn)


def _draw(evidence: Evidence, race: Race, width: int, colour: bool) -> str:
    facts = ", ".join(wording.case_facts(evidence.cases.get(race.case, {})))
    title = units.clip(f"{race.case}: {race.kernel}{', ' if facts else ''}{facts}", width)
    lines = [_paint(title, "bold", colour)]
    lines += _flow(wording.race_facts(race), width)
    machine = wording.machine_facts(evidence)
    lines += _flow(["machine " + machine[0], *machine[1:]] if machine else [], width)
    lines += ["", *_ranked(race, width, colour), *_told(race, width, colour)]
    lines += _section("failed", [_failed(row) for row in race.failures], width, colour, "failed")
    skips = [(units.plain(s.variant), short_setting(s.setting), "", wording.skipped(s)) for s in race.skips]
    lines += _section("skipped", skips, width, colour, "dim")
    return "\n".join([*lines, "", _paint(units.clip(wording.twin(race), width), "dim", colour)])


def _ranked(race: Race, width: int, colour: bool) -> list[str]:
    if not race.rows:
        return ["no candidate is correct"]
    detail, body = 2, _cells(race, 2)
    while detail and _taken(body) + max(units.cells(row[1]) for row in body) > width:
        detail -= 1
        body = _cells(race, detail)
    legend: dict[str, None] = {}
    if _taken(body) + max(units.cells(row[1]) for row in body) > width:
        body = [(row[0], _brief(row[1], legend), *row[2:]) for row in body]
    names = max(NARROWEST, min(width - _taken(body), max(units.cells(row[1]) for row in body)))
    sizes = [max(units.cells(row[i]) for row in body) for i in range(6)]
    lines = []
    for cells, row in zip(body, (None, *race.rows), strict=True):
        rank, name, setting, time, ratio, words = cells
        left = GAP.join(
            (
                rank.rjust(sizes[0]),
                _pad(units.squeeze(name, names), names),
                setting.ljust(sizes[2]),
                time.rjust(sizes[3]),
                ratio.ljust(sizes[4]),
            )
        )
        words = units.clip(words, width - len(left) - len(GAP))
        if row is None:
            lines.append(_paint(left + GAP + words, "bold", colour))
        else:
            lines.append((left + GAP + _paint(words, row.result.relation, colour)).rstrip())
    short = [row for row in race.rows if detail < 2 and (row.screened or row.result.relation == "undecided")]
    notes = [*legend, *(f"{row.name} {wording.relation(row)}" for row in short)]
    notes += [f"{row.name} sends {wording.traffic(row.result)}" for row in race.rows if row.result.traffic]
    lines += ["", *(_paint(units.clip(note, width), "dim", colour) for note in notes)] if notes else []
    return lines


def _told(race: Race, width: int, colour: bool) -> list[str]:
    """What the kernel shows of the outputs, one line each."""
    rows = [row for row in race.rows if row.result.told]
    names = list(dict.fromkeys(name for row in rows for name in row.result.told))
    if not rows:
        return []
    body = [["", *names]]
    body += [[row.name, *(units.told(row.result.told.get(name)) for name in names)] for row in rows]
    sizes = [max(units.cells(line[k]) for line in body) for k in range(len(names) + 1)]
    first = max(NARROWEST, min(sizes[0], width - sum(sizes[1:]) - len(GAP) * len(names)))
    lines = []
    for name, *values in body:
        cells = [_pad(units.squeeze(name, first), first), *map(str.rjust, values, sizes[1:])]
        lines.append(_paint(units.clip(GAP.join(cells), width), "dim", colour))
    return ["", *lines]


def _cells(race: Race, detail: int) -> list[tuple[str, ...]]:
    head = ("#", "variant", "setting", "per call", f"speedup over {race.anchor}", "relation")
    if detail < 2:
        head = (*head[:3], "time", "speedup", head[5])
    rows = [
        (
            f"{row.rank or units.NONE}{'=' if row.peers else ' '}",
            units.plain(row.result.variant),
            row.setting,
            units.seconds(row.result.call_s),
            "1.00x" if row.baseline else units.speedup(row.ratio),
            wording.relation(row, detail),
        )
        for row in race.rows
    ]
    return [(head[0] + " ", *head[1:]), *rows]


def _brief(name: str, legend: dict[str, None]) -> str:
    """Leave out what the parameters of a variant are called; ``legend`` says it."""
    base, bracket, rest = name.partition("[")
    if not bracket:
        return name
    pairs = [word.partition("=")[::2] for word in rest.rstrip("]").split(",")]
    legend[f"{base}[{','.join(key for key, _ in pairs)}]"] = None
    return f"{base}[{','.join(value for _, value in pairs)}]"


def _taken(body: list[tuple[str, ...]]) -> int:
    """Columns of a table without its names."""
    return 5 * len(GAP) + sum(max(units.cells(row[i]) for row in body) for i in (0, 2, 3, 4, 5))


def _failed(row: Row) -> tuple[str, str, str, str]:
    first, *_ = wording.failure(row.result).splitlines() or [""]
    return units.plain(row.result.variant), row.setting, row.result.verdict, units.plain(first.strip())


def _section(
    title: str, rows: list[tuple[str, str, str, str]], width: int, colour: bool, tone: str
) -> list[str]:
    if not rows:
        return []
    names = min(max(units.cells(row[0]) for row in rows), max(NARROWEST, width // 4))
    sizes = [max(units.cells(row[i]) for row in rows) for i in (1, 2)]
    lines = ["", _paint(title, tone, colour)]
    for name, setting, verdict, message in rows:
        parts = [_pad(units.squeeze(name, names), names), setting.ljust(sizes[0])]
        parts += [verdict.ljust(sizes[1])] if sizes[1] else []
        left = GAP + GAP.join(parts) + GAP
        lines.append((left + units.clip(message, width - units.cells(left))).rstrip())
    return lines


def _flow(facts: list[str], width: int) -> list[str]:
    """Set facts one after another, parted by commas, on as many lines as they need."""
    lines: list[str] = []
    for fact in (units.clip(units.plain(fact), width - 1) for fact in facts):
        if lines and units.cells(lines[-1]) + units.cells(fact) + 3 <= width:
            lines[-1] += f", {fact}"
        else:
            lines.append(fact)
    return lines


def _pad(text: str, width: int) -> str:
    return text + " " * (width - units.cells(text))


def _paint(text: str, tone: str, colour: bool) -> str:
    code = PAINT.get(tone)
    return f"\x1b[{code}m{text}\x1b[0m" if colour and code and text else text
