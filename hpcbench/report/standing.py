"""Who stands where: the races of a case, their rows in order, and which rows tie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpcbench.report import units
from hpcbench.report.evidence import Evidence, find
from hpcbench.spec import Ranking, Result, Setting, Skip


@dataclass(frozen=True)
class Row:
    """One arm of a race: its rank, the arms it ties with, and whether it is the baseline.

    ``rank`` is None where no ranking names the arm; tied arms share a rank, and the next rank leaves
    room for them (1, 2, 2, 4). ``setting`` is short, as ``2t`` or ``2 ranks``.
    """

    result: Result
    setting: str
    rank: int | None = None
    peers: tuple[str, ...] = ()
    baseline: bool = False

    @property
    def name(self) -> str:
        """Variant and setting, as ``hash_openmp 2t``."""
        return f"{units.plain(self.result.variant)} {self.setting}"

    @property
    def screened(self) -> bool:
        """The arm was dropped as far slower after a few samples, so its speedup has no interval."""
        return self.result.speedup is not None and not self.settled and self.result.relation == "slower"

    @property
    def settled(self) -> bool:
        """The speedup has an interval."""
        return units.bounded(self.ratio)

    @property
    def ratio(self) -> tuple[float, float, float] | None:
        """Speedup over the baseline; the baseline itself is at one."""
        return (1.0, 1.0, 1.0) if self.baseline else self.result.speedup


@dataclass(frozen=True)
class Race:
    """Results of one case that were measured together and may be compared."""

    case: str
    kernel: str
    contract: str
    pages: str
    anchor: str
    rows: tuple[Row, ...]
    failures: tuple[Row, ...]
    skips: tuple[Skip, ...]
    aa: tuple[float, float, float] | None
    rounds: tuple[int, int]
    clock: str

    @property
    def baseline(self) -> Row | None:
        """The anchor's row, if the anchor has a result of its own."""
        return next((row for row in self.rows if row.baseline), None)


def races(evidence: Evidence, case: str) -> list[Race]:
    """Split the results of ``case`` into races: same contract, state of pages, machine and anchor.

    An arm that was measured twice counts with its last result. The i-th race of a case takes the i-th
    of its rankings; a single race takes the last one, made from the most evidence.
    """
    last = {(r.candidate, r.setting, r.contract, r.machine): r for r in evidence.results if r.case == case}
    pools: dict[tuple[str, ...], list[Result]] = {}
    homeless: list[Result] = []
    for result in last.values():
        pool = pools.setdefault((*_ground(result), result.anchor), []) if result.anchor else homeless
        pool.append(result)
    for result in homeless:
        home = next((key for key in pools if key[:-1] == _ground(result)), (*_ground(result), ""))
        pools.setdefault(home, []).append(result)
    rankings = [r for r in evidence.rankings if r.case == case]
    chosen: Sequence[Ranking | None] = rankings if len(rankings) == len(pools) else [None] * len(pools)
    if len(pools) == 1 and rankings:
        chosen = rankings[-1:]
    return [_race(evidence, pool, ranking) for pool, ranking in zip(pools.values(), chosen, strict=True)]


def _ground(result: Result) -> tuple[str, ...]:
    return result.kernel, result.contract, result.setting.pages, result.machine


def _race(evidence: Evidence, pool: list[Result], ranking: Ranking | None) -> Race:
    first = pool[0]
    anchor_name = next((r.anchor for r in pool if r.anchor), "")
    anchor = _anchor(pool, anchor_name)
    correct = [r for r in pool if r.verdict == "correct"]
    timed = [r for r in correct if units.bounded(r.speedup) and r is not anchor and r.rounds]
    twins = [r.aa for r in correct if r.aa is not None]
    rounds = [r.rounds for r in timed] or [max((r.rounds for r in correct), default=0)]
    return Race(
        case=first.case,
        kernel=first.kernel,
        contract=first.contract,
        pages=first.setting.pages,
        anchor=anchor.variant if anchor else anchor_name,
        rows=tuple(_rows(evidence, correct, anchor, ranking)),
        failures=tuple(Row(r, _setting(evidence, r)) for r in pool if r.verdict != "correct"),
        skips=tuple(s for s in evidence.skips if s.kernel == first.kernel),
        aa=max(twins, key=lambda aa: aa[2] - aa[1]) if twins else None,
        rounds=(min(rounds), max(rounds)),
        clock=" and ".join(sorted({r.clock for r in timed})) or first.clock,
    )


def _anchor(pool: list[Result], name: str) -> Result | None:
    """The result that all others were compared with: so named, and compared with nothing itself."""
    return find([r for r in pool if r.speedup is None and r.verdict == "correct"], name) or find(pool, name)


def _rows(
    evidence: Evidence, correct: list[Result], anchor: Result | None, ranking: Ranking | None
) -> list[Row]:
    def median(result: Result) -> float:
        return 1.0 if result is anchor else result.speedup[0] if result.speedup else 0.0

    rows, placed = [], set[int]()
    for group in ranking.groups if ranking else ():
        members = [m for m in (find(correct, name) for name in group) if m and id(m) not in placed]
        rank = len(placed) + 1
        placed |= {id(member) for member in members}
        for member in sorted(members, key=median, reverse=True):
            peers = tuple(f"{m.variant} {_setting(evidence, m)}" for m in members if m is not member)
            rows.append(Row(member, _setting(evidence, member), rank, peers, member is anchor))
    rest = [r for r in correct if id(r) not in placed]
    for result in sorted(rest, key=median, reverse=True):
        rows.append(Row(result, _setting(evidence, result), baseline=result is anchor))
    return rows


def _setting(evidence: Evidence, result: Result) -> str:
    candidate = evidence.candidates.get(result.candidate)
    return short_setting(result.setting, candidate.model if candidate else "")


def short_setting(setting: Setting, model: str = "") -> str:
    """Ranks and threads in at most a few letters: ``1t``, ``2 ranks``, ``2r x 2t``, ``gpu``."""
    if setting.device != "cpu":
        return "gpu"
    if setting.ranks > 1 and setting.threads > 1:
        return setting.label
    if setting.ranks > 1 or model == "mpi":
        return f"{setting.ranks} rank{'s' if setting.ranks > 1 else ''}"
    return f"{setting.threads}t"
