"""The evidence that a report is drawn from: verdicts, ranking, raw samples, machine and cases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hpcbench.spec import Candidate, Ranking, Result, Skip

TWIN = re.compile(r"(^|[\W_])(aa|a/a|twin)$", re.IGNORECASE)


@dataclass(frozen=True)
class Evidence:
    """All that a report may speak of.

    Attributes
    ----------
    results, skips, rankings
        The records of :mod:`hpcbench.spec`. The anchor of a race has a ``Result`` of its own.
    candidates
        Candidate id -> candidate, for the programming model of a row.
    machine
        ``id, host, cpu, cores, caches`` (name -> bytes), ``memory`` (bytes), ``kernel`` (release of the
        operating system), ``compiler, mpi, python, libraries`` (name -> version), ``thp, governor,
        load`` and, if the page shall say how to repeat the run, ``command``. All are optional.
    cases
        Case name -> features: ``rows, nnz_a, nnz_b, bound_nnz_c`` (counts), ``flops`` (multiply-adds of
        one call), ``structure, source`` (words). All are optional.
    samples
        Raw samples as mappings with ``arm, case, process, round, batch, wall_s, cpu_s`` (seconds per
        batch), ``switches, phase``. ``arm`` is any name that :func:`find` knows, or a name that ends
        in ``aa`` or ``twin`` for the anchor's second build.
    """

    results: tuple[Result, ...]
    skips: tuple[Skip, ...] = ()
    rankings: tuple[Ranking, ...] = ()
    candidates: Mapping[str, Candidate] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    cases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    samples: Sequence[Mapping[str, Any]] = ()

    @property
    def case_names(self) -> tuple[str, ...]:
        """Names of the cases that have a result, in order of appearance."""
        return tuple(dict.fromkeys(result.case for result in self.results))

    @cached_property
    def raced(self) -> dict[str, list[Mapping[str, Any]]]:
        """The samples that were compared, by the key that stands in ``Result.samples``.

        Those of whole calls, setup and run, or of the run alone where a case has no others.
        """
        whole = {sample["case"] for sample in self.samples if _phase(sample) == "total"}
        found: dict[str, list[Mapping[str, Any]]] = {}
        for sample in self.samples:
            if _phase(sample) == ("total" if sample["case"] in whole else "run"):
                found.setdefault(f"{sample['case']}|{sample['arm']}", []).append(sample)
        return found


def _phase(sample: Mapping[str, Any]) -> str:
    return str(sample.get("phase", "total"))


def label(result: Result) -> str:
    """Name of an arm within its race, as ``hash_openmp 1r x 2t``."""
    return f"{result.variant} {result.setting.label}"


def find(results: Iterable[Result], name: str) -> Result | None:
    """Return the result that ``name`` speaks of, or None when no or more than one result matches.

    A name is, in this order of precedence, a journal key (``Result.samples``, ``case|arm``) or its arm,
    the :func:`label` of an arm, a candidate id, or the name of a variant.
    """
    pool = list(results)
    for names in (
        [result.samples for result in pool],
        [result.samples.partition("|")[2] for result in pool],
        [label(result) for result in pool],
        [result.candidate for result in pool],
        [result.variant for result in pool],
    ):
        hits = [result for result, known in zip(pool, names, strict=True) if known and known == name]
        if len(hits) == 1:
            return hits[0]
    return None


def is_twin(arm: str) -> bool:
    """Tell whether ``arm`` names the A/A arm, as ``aa``, ``scipy/aa`` or ``scipy twin``."""
    return TWIN.search(arm) is not None
