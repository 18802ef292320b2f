"""What is said about a race in words: relations, headline, facts of the case, failures."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from hpcbench.report import units
from hpcbench.report.evidence import Evidence
from hpcbench.report.standing import Race, Row
from hpcbench.spec import Result, Skip

BLIND = 3.0  # a race that could have told apart no less than this was cut short


def relation(row: Row, detail: int = 2) -> str:
    """Say how a row stands to the baseline and with whom it ties.

    Parameters
    ----------
    detail
        2 names the tied arms and the smallest difference that could have been seen, 1 only their rank
        and the number, 0 says it in the fewest words.
    """
    result = row.result
    if row.screened:
        return ("screened", "screened out", "screened out, no interval")[detail]
    if row.baseline:
        words = "baseline"
        if detail == 0:
            return words
    elif result.relation == "undecided":
        return undecided(result, detail) if row.settled else "too few rounds"
    elif result.relation == "tie":
        return "tie with baseline"
    elif result.relation == "none":
        return "not timed" if result.speedup is None else "not compared"
    else:
        words = result.relation
    if not row.peers or row.rank is None:
        return words
    place = units.ordinal(row.rank)
    return words + (f", tied {place}", f", tie for {place}", f", tie with {listed(row.peers)}")[detail]


def undecided(result: Result, detail: int = 2) -> str:
    """Say that a race could not decide, and the smallest difference that it could have seen."""
    if detail == 0:
        return "undecided"
    if result.detectable is None or result.detectable > BLIND:
        return ("", "undecided", "undecided: too few generations of processes to tell")[detail]
    seen = units.percent(result.detectable)
    return f"undecided ({seen})" if detail == 1 else f"undecided: could have seen {seen}"


def listed(names: tuple[str, ...], most: int = 3) -> str:
    """Join names as in a sentence: ``a, b and 2 more``."""
    head = list(names) if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} more"]
    return head[0] if len(head) == 1 else f"{', '.join(head[:-1])} and {head[-1]}"


def place(row: Row) -> str:
    """Name a row as a sentence does: ``hash_openmp on 2 threads``."""
    setting, name = row.result.setting, units.plain(row.result.variant)
    if setting.device != "cpu":
        return f"{name} on the GPU"
    threads = f"{setting.threads} thread{'s' if setting.threads > 1 else ''}"
    if "rank" in row.setting:
        return f"{name} on {row.setting}"
    return f"{name} on {setting.ranks} ranks of {threads}" if setting.ranks > 1 else f"{name} on {threads}"


def headline(race: Race) -> str:
    """Say who wins a race, by how much, and who ties; one or two sentences."""
    base = units.plain(race.anchor) or "the baseline"
    best = [row for row in race.rows if row.rank == 1]
    if not best:
        faster = [row for row in race.rows if row.result.relation == "faster"]
        if not faster:
            return f"No candidate was measured to be faster than {base}."
        return f"{place(faster[0])} has the highest speedup, {gain(faster[0], base)}; not ranked."
    if any(row.baseline for row in best):
        others = tuple(place(row) for row in best if not row.baseline)
        if not others:
            return f"Nothing is faster than {base}, the baseline."
        if any(row.result.relation != "tie" for row in best if not row.baseline):
            return f"Undecided: {listed(others)} could not be told from {base}, the baseline."
        verb = "ties" if len(others) == 1 else "tie"
        return f"{listed(others)} {verb} with {base}, the baseline; none is faster."
    names = listed(tuple(place(row) for row in best))
    words = gain(best[0], base) if len(best) == 1 else listed(tuple(_figure(row) for row in best))
    if len(best) == 1:
        return f"{names} is the fastest: {words}."
    return f"{names} tie for the fastest: {words} over {base}."


def gain(row: Row, base: str) -> str:
    """Say by how much a row beats the baseline, with the interval."""
    doubt = "" if row.result.relation == "faster" else f" ({relation(row)})"
    return f"{_figure(row)} over {base}{doubt}"


def _figure(row: Row) -> str:
    return units.speedup(row.ratio)


def case_facts(features: Mapping[str, Any]) -> list[str]:
    """Size of a case in words: rows, non-zeros, multiply-adds."""
    units_of = (("rows", "rows"), ("nnz_a", "nnz"), ("flops", "multiply-adds"))
    return [f"{units.count(features[key])} {unit}" for key, unit in units_of if features.get(key) is not None]


def race_facts(race: Race) -> list[str]:
    """Terms of a race: contract, baseline, state of the pages, rounds, clock."""
    low, high = race.rounds
    rounds = f"{high} round{'s' if high != 1 else ''}" if low == high else f"{low} to {high} rounds"
    return [
        f"contract {race.contract}",
        f"baseline {race.anchor or 'none'}",
        f"{race.pages} pages",
        rounds,
        f"{race.clock} clock",
    ]


def machine_facts(evidence: Evidence) -> list[str]:
    """Where it ran, shortly: host, processor, cores, device, compiler."""
    machine = evidence.machine
    cores = f"{machine['cores']} cores" if machine.get("cores") else ""
    host = machine.get("host") or machine.get("id")
    facts = (host, machine.get("cpu"), cores, machine.get("gpu"), machine.get("compiler"))
    return [units.plain(str(fact)) for fact in facts if fact]


def twin(race: Race) -> str:
    """Say what the A/A arm showed: the anchor against its own second build."""
    if race.aa is None:
        return "A/A twin: not measured"
    return f"A/A twin: {units.interval(race.aa, 3) or 'no interval'}"


def busiest(result: Result) -> tuple[int | None, int | None]:
    """Messages and bytes of the rank that hands most bytes to MPI in one call; None without MPI."""
    return max(result.traffic, key=itemgetter(1), default=(None, None))


def traffic(result: Result) -> str:
    """Say what the busiest rank sends in one call: ``1.2 MB in 14 messages``; empty without MPI."""
    messages, sent = busiest(result)
    if messages is None or sent is None:
        return ""
    return f"{units.size(sent)} in {units.count(messages)} message{'s' * (messages != 1)}"


def failure(result: Result) -> str:
    """Return the message of the stage that a candidate failed at."""
    codes = [stage for stage in result.stages if stage.code == result.verdict] or [
        stage for stage in result.stages if stage.code not in ("correct", "not_checked")
    ]
    return codes[-1].message.strip() if codes else ""


def unchecked(result: Result) -> tuple[str, ...]:
    """Names of the stages that did not run; never to be read as passed."""
    return tuple(stage.name for stage in result.stages if stage.code == "not_checked")


def skipped(skip: Skip) -> str:
    """Return the reason of a skip, in one line."""
    return units.plain(skip.reason.strip())
