"""Journals to the evidence that tables and pages are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hpcbench import store
from hpcbench.report.evidence import Evidence
from hpcbench.spec import Candidate, Ranking, Result, Skip, decode


def evidence(journals: Sequence[Path]) -> Evidence:
    """All results of ``journals``, read in their order; a later race on the same case replaces an earlier.

    Raises
    ------
    StoreError
        For a journal that cannot be read.
    """
    results: dict[str, list[Result]] = {}
    rankings: dict[str, Ranking] = {}
    skips: dict[str, Skip] = {}
    samples: dict[str, list[dict[str, Any]]] = {}
    candidates: dict[str, Candidate] = {}
    cases: dict[str, dict[str, Any]] = {}
    machine: dict[str, Any] = {}
    for path in journals:
        rows = store.read(path)
        here: dict[str, list[Result]] = {}
        for result in store.records(rows, "result", Result):
            here.setdefault(result.case, []).append(result)
        results.update(here)
        for row in (row for row in rows if row["kind"] == "sample"):
            case = row["key"].partition("|")[0]
            if case in here:
                samples.setdefault(f"{path}|{case}", []).append({"case": case, **row["body"]})
        for case in here:
            kept = samples.pop(f"{path}|{case}", [])
            samples[case] = kept
        candidates.update({c.id: c for c in store.records(rows, "candidate", Candidate)})
        for body in store.bodies(rows, "event", "skip"):
            skips[f"{body['kernel']}|{body['variant']}"] = decode(Skip, body)
        for body in store.bodies(rows, "event", "ranking"):
            rankings[body["case"]] = decode(Ranking, body)
        for body in store.bodies(rows, "event", "case"):
            cases[body["case"]] = body
        for body in store.bodies(rows, "event", "machine"):
            machine = body
    return Evidence(
        tuple(r for group in results.values() for r in group), tuple(skips.values()), tuple(rankings.values()),
        candidates, machine, cases, [s for group in samples.values() for s in group],
    )  # fmt: skip
