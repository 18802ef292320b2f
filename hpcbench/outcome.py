"""From samples to verdicts: paired log ratios, what is settled at a look, and the Result of a contender."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from hpcbench import stats
from hpcbench.contender import Contender
from hpcbench.spec import Measurement, Result, Stage

IMPOSSIBLE = 1.5
WAITS = 1.05
Clock = Literal["wall", "cpu"]


def log_ratios(reference: Sequence[Measurement], arm: Sequence[Measurement], clock: str) -> list[list[float]]:
    """Per-round log(time of ``reference`` / time of ``arm``), one list per process generation."""

    def seconds(m: Measurement) -> float:
        return (m.cpu_s if clock == "cpu" else m.wall_s) / m.batch

    partner = {m.round: m for m in reference}
    groups: dict[int, list[float]] = {}
    for m in arm:
        if m.round in partner:
            groups.setdefault(m.process, []).append(math.log(seconds(partner[m.round]) / seconds(m)))
    return list(groups.values())


def clock(contenders: Sequence[Contender]) -> Clock:
    """``cpu`` when that tells the anchor from its twin less often, else ``wall``.

    CPU time is the kernel's account of the process. It is used only where every arm is serial and none
    waits longer than the anchor does, so that nobody gains by sleeping or by work done elsewhere; and
    only the anchor and its twin, never a candidate, decide which clock is the quieter one.
    """
    measured = [c for c in contenders if c.samples]
    settings = [c.entry.setting for c in contenders]
    if any(s.ranks * s.threads > 1 or s.device != "cpu" for s in settings) or len(measured) < 2:
        return "wall"
    if min(s.cpu_s for c in measured for s in c.samples) <= 0:  # shorter than the kernel's own accounting
        return "wall"
    waits = [statistics.median(s.wall_s / s.cpu_s for s in c.samples) for c in measured]
    if max(waits) > WAITS * waits[0]:
        return "wall"
    spread = {c: _spread(log_ratios(measured[0].samples, measured[1].samples, c)) for c in ("wall", "cpu")}
    return "cpu" if spread["cpu"] < spread["wall"] else "wall"


def _spread(groups: Sequence[Sequence[float]]) -> float:
    values = sorted(v for group in groups for v in group)
    return values[3 * len(values) // 4] - values[len(values) // 4] if values else 0.0


def look(contenders: Sequence[Contender], alpha: float) -> None:
    """Decide what can be decided now; ``contenders`` start with the anchor and its twin.

    A contender leaves the race when its relation to the anchor is settled and it is settled, too, that
    it does not lead; the leader leaves when nobody contests it.
    """
    which = clock(contenders)
    anchor, twin, *others = contenders
    rest = [c for c in others if c.samples and c.verdict == "correct" and not c.screened]
    pairs = log_ratios(anchor.samples, twin.samples, which)
    clear = stats.margin(pairs, alpha)
    twin.decision = stats.decide(pairs, clear, alpha)
    for c in rest:
        c.decision = stats.decide(log_ratios(anchor.samples, c.samples, which), clear, alpha)
    leader = best(rest)
    contested = False
    for c in (c for c in rest if c is not leader and c.racing and leader):
        assert leader is not None
        against = stats.decide(log_ratios(leader.samples, c.samples, which), clear, alpha)
        c.racing = "undecided" in (against.relation, c.decision.relation if c.decision else "undecided")
        contested |= c.racing
    if leader is not None and leader.decision and not contested:
        leader.racing = leader.decision.relation == "undecided"


def best(contenders: Sequence[Contender]) -> Contender | None:
    """The contender with the largest median speedup."""
    return max(contenders, key=lambda c: c.decision.median if c.decision else -math.inf, default=None)


def conclude(c: Contender, anchor: Contender, twin: Contender, blank: Result, floor_s: float) -> Result:
    """The Result of ``c``.

    Parameters
    ----------
    blank : the result with what all contenders of the race share already filled in.
    floor_s : seconds below which no implementation can be on this machine.
    """
    times = [s.wall_s / s.batch for s in c.samples]
    call = statistics.median(times) if times else c.screening_s
    phases = {p: statistics.median(c.phases[p]) for p in c.phases if c.phases[p]}
    result = replace(
        blank, candidate=c.entry.candidate.id, variant=c.entry.name, setting=c.entry.setting,
        verdict=c.verdict, stages=tuple(c.stages), rounds=len(c.samples), call_s=call,
        setup_s=phases.get("setup"), run_s=phases.get("run"), aa=_exp(twin.decision) if twin.decision else None,
        traffic=c.traffic, told=c.told, history=c.history,
        samples=f"{blank.case}|{c.label}",
    )  # fmt: skip
    if c.verdict != "correct" or call is None:
        return result
    result = replace(result, floor_share=floor_s / call)
    if floor_s / call > IMPOSSIBLE:
        message = f"{call:.2e} s per call is below the floor of this machine, {floor_s:.2e} s: impossible"
        return replace(result, verdict="forbidden", stages=(*c.stages, Stage("floor", "forbidden", message)))
    if c.screened and anchor.screening_s and c.screening_s:
        ratio = anchor.screening_s / c.screening_s
        return replace(result, speedup=(ratio, math.nan, math.nan), relation="slower")
    if c is anchor or c.decision is None:
        return result
    if (width := c.entry.setting.ranks * c.entry.setting.threads) > 1 and c.samples:
        busy = statistics.median(s.cpu_s / s.wall_s for s in c.samples)
        told = Stage("threads", "correct", f"{busy:.1f} of {width} processors busy")
        result = replace(result, stages=(*result.stages, told))
    relation = "undecided" if c.confirmed is False else c.decision.relation
    detectable = math.exp(c.decision.detectable) if math.isfinite(c.decision.detectable) else None
    return replace(result, speedup=_exp(c.decision), relation=relation, detectable=detectable)


def _exp(d: stats.Decision) -> tuple[float, float, float]:
    return math.exp(d.median), math.exp(d.low), math.exp(d.high)
