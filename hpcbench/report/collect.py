"""Journals to the evidence that tables and pages are drawn from."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hpcbench import store
from hpcbench.codec import decode
from hpcbench.report.evidence import Evidence
from hpcbench.spec import Candidate, Ranking, Result, Skip


def evidence(journals: Sequence[Path]) -> Evidence:
    """All results of ``journals``, read in their order; a later race on the same case replaces an earlier.

    Where journals of several kernels are read, the kernel's name stands before the case's.

    Raises
    ------
    StoreError
        For a journal that cannot be read.
    """
    read = [_read(path) for path in journals]
    several = len({kernel for kernel, _, _ in read if kernel}) > 1
    results: dict[str, list[Result]] = {}
    rankings: dict[str, Ranking] = {}
    skips: dict[str, Skip] = {}
    samples: dict[str, list[dict[str, Any]]] = {}
    candidates: dict[str, Candidate] = {}
    cases: dict[str, dict[str, Any]] = {}
    machine: dict[str, Any] = {}
    for kernel, found, arms in read:
        before = f"{kernel} " if several else ""
        here: dict[str, list[Result]] = {}
        for _, body in found["result"]:
            body |= {"case": before + body["case"], "samples": body["samples"] and before + body["samples"]}
            here.setdefault(body["case"], []).append(decode(Result, body))
        results.update(here)
        fresh: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for key, bodies in arms.items():
            case = before + key.partition("|")[0]
            for body in bodies:
                body["case"] = case
            fresh[case] += bodies
        samples.update(fresh)
        candidates.update({key: decode(Candidate, body) for key, body in found["candidate"]})
        skips.update({f"{b['kernel']}|{b['variant']}": decode(Skip, b) for _, b in found["skip"]})
        for _, body in (*found["ranking"], *found["case"]):
            body["case"] = before + body["case"]
        rankings.update({b["case"]: decode(Ranking, b) for _, b in found["ranking"]})
        cases.update({b["case"]: b for _, b in found["case"]})
        machine.update(*(b for _, b in found["machine"][-1:]))
    return Evidence(
        tuple(r for group in results.values() for r in group), tuple(skips.values()), tuple(rankings.values()),
        candidates, machine, cases, [s for group in samples.values() for s in group],
    )  # fmt: skip


def _read(path: Path) -> tuple[str, Mapping[str, list[tuple[str, Any]]], dict[str, list[dict[str, Any]]]]:
    """The kernel of a journal, its records by kind, and its samples by key."""
    arms: dict[str, list[dict[str, Any]]] = defaultdict(list)
    rest = []
    with _uncollected():
        for row in store.records(path):
            if row["kind"] == "sample":
                row["body"].pop("rank_s", None)  # without a list in it the collector passes it over
                arms[row["key"]].append(row["body"])
            else:
                rest.append(row)
    found = store.by_kind(rest)
    return next((body["kernel"] for _, body in found["result"]), ""), found, arms


@contextmanager
def _uncollected() -> Iterator[None]:
    """Hold the cycle collector off: a million records hold no cycle, and looking for one doubles the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
            gc.collect()  # once: records that hold numbers and words only are then no longer tracked
