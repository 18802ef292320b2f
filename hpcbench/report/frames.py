"""Results and raw samples as pandas frames, for those who analyse further."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcbench.report import wording
from hpcbench.report.evidence import Evidence, find
from hpcbench.report.standing import races
from hpcbench.spec import Result

if TYPE_CHECKING:
    import pandas as pd

HORIZONS = (1, 10, 1000)
SAMPLE_NUMBERS = {
    "process": int,
    "round": int,
    "batch": int,
    "wall_s": float,
    "cpu_s": float,
    "switches": int,
}


def results_frame(evidence: Evidence) -> pd.DataFrame:
    """Return one row per result, in the order of rank within each race.

    Returns
    -------
    pandas.DataFrame
        ``case, kernel, contract, variant, model, candidate, anchor, machine, input_hash`` : names;
        ``ranks, threads, device, binding, pages`` : the setting; ``rank`` : 1 is the fastest, tied arms
        share it, missing if not ranked; ``verdict, message, not_checked`` : code, what the failing
        stage said, and the stages that did not run, joined by commas;
        ``speedup, speedup_low, speedup_high`` : median and interval of the anchor's time over the
        candidate's, higher is faster, the bounds missing for an arm that was screened out;
        ``relation`` : faster, slower, tie, undecided or none; ``aa_low, aa_high`` : interval of the
        anchor over its own twin; ``detectable`` : smallest speedup that could have been told from one;
        ``call_s, setup_s, run_s`` : median seconds per call;
        ``amortised_1, amortised_10, amortised_1000`` : seconds per call, ``(setup_s + k run_s) / k``,
        and ``call_s`` for a variant without setup; ``gflops`` : 10^9 floating-point operations per
        second, two for each multiply-add of the case; ``floor_share`` : physical floor over measured
        time, 0 to 1; ``messages, sent_bytes`` : what the rank that sends most hands to MPI in one call,
        missing without MPI; ``rounds, clock, trusted``; the numbers that the kernel shows of an output
        (of a solver ``iterations, residual, error``), in columns of these names.
    """
    import pandas as pd

    rows = [
        _row(evidence, row.result, row.rank)
        for case in evidence.case_names
        for race in races(evidence, case)
        for row in (*race.rows, *race.failures)
    ]
    frame = pd.DataFrame(rows)
    whole = dict.fromkeys(("rank", "messages", "sent_bytes"), "Int64")
    return frame.astype(whole) if rows else frame


def samples_frame(evidence: Evidence) -> pd.DataFrame:
    """Return one row per raw sample.

    Returns
    -------
    pandas.DataFrame
        ``case, arm, process, round, phase`` : where the sample belongs; ``variant, ranks, threads`` of
        the arm, missing for the anchor's twin; ``batch`` : calls timed together; ``wall_s, cpu_s`` :
        seconds for the whole batch; ``call_s`` : wall seconds per call; ``switches`` : involuntary
        context switches.
    """
    import pandas as pd

    samples, count = evidence.samples, len(evidence.samples)
    arms: dict[tuple[str, str], int] = {}
    place = np.fromiter((arms.setdefault((s["case"], s["arm"]), len(arms)) for s in samples), int, count)
    phases: dict[str, int] = {}
    phase = np.fromiter((phases.setdefault(s["phase"], len(phases)) for s in samples), int, count)

    def text(words: Sequence[str | None], where: np.ndarray) -> pd.api.extensions.ExtensionArray:
        return pd.array(words, dtype="str").take(where)

    frame = pd.DataFrame(
        {"case": text([c for c, _ in arms], place), "arm": text([a for _, a in arms], place)}
    )
    for name, kind in SAMPLE_NUMBERS.items():
        frame[name] = np.fromiter(map(itemgetter(name), samples), kind, count)
    frame["phase"] = text(list(phases), phase)
    owners = [find((r for r in evidence.results if r.case == case), arm) for case, arm in arms]
    frame["variant"] = text([o.variant if o else None for o in owners], place)
    for name in ("ranks", "threads"):
        counts = [getattr(o.setting, name) if o else None for o in owners]
        frame[name] = pd.array(counts, dtype="Int64").take(place)
    frame["call_s"] = frame["wall_s"] / frame["batch"]
    return frame


def amortised(result: Result, k: int) -> float:
    """Seconds per call when one setup serves ``k`` calls: ``(setup + k run) / k``; NaN if not timed."""
    if result.setup_s is not None and result.run_s is not None:
        return result.setup_s / k + result.run_s
    return math.nan if result.call_s is None else result.call_s


def gflops(evidence: Evidence, result: Result) -> float:
    """Floating-point rate in 10^9 operations per second, from the multiply-adds of the case."""
    flops = evidence.cases.get(result.case, {}).get("flops")
    return 2 * float(flops) / result.call_s / 1e9 if flops and result.call_s else math.nan


def _row(evidence: Evidence, result: Result, rank: int | None) -> dict[str, Any]:
    candidate = evidence.candidates.get(result.candidate)
    speedup = result.speedup or (math.nan,) * 3
    return {
        "case": result.case,
        "kernel": result.kernel,
        "contract": result.contract,
        "variant": result.variant,
        "model": candidate.model if candidate else None,
        "ranks": result.setting.ranks,
        "threads": result.setting.threads,
        "device": result.setting.device,
        "binding": result.setting.binding,
        "pages": result.setting.pages,
        "rank": rank,
        "verdict": result.verdict,
        "speedup": speedup[0],
        "speedup_low": speedup[1],
        "speedup_high": speedup[2],
        "relation": result.relation,
        "call_s": result.call_s,
        "setup_s": result.setup_s,
        "run_s": result.run_s,
        **{f"amortised_{k}": amortised(result, k) for k in HORIZONS},
        "gflops": gflops(evidence, result),
        "rounds": result.rounds,
        "clock": result.clock,
        "aa_low": result.aa[1] if result.aa else math.nan,
        "aa_high": result.aa[2] if result.aa else math.nan,
        "detectable": result.detectable,
        "floor_share": result.floor_share,
        **dict(zip(("messages", "sent_bytes"), wording.busiest(result), strict=True)),
        "message": wording.failure(result),
        "not_checked": ", ".join(wording.unchecked(result)),
        "trusted": result.trusted,
        "anchor": result.anchor,
        "candidate": result.candidate,
        "machine": result.machine,
        "input_hash": result.input_hash,
        **result.told,
    }
