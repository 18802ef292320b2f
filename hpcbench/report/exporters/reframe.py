"""The results as a ReFrame performance log, fields separated by bars."""

from hpcbench.report.evidence import Evidence

FIELDS = (
    "result", "job_completion_time", "name", "system", "num_tasks", "num_cpus_per_task", "pvar", "pval", "pref",
    "plower", "pupper", "punit",
)  # fmt: skip


def render(evidence: Evidence) -> bytes:
    """A line per result, with a header as ReFrame 4's ``filelog`` handler writes it; ``pval`` is seconds per call.

    The reference is the baseline of the race; its interval is what the A/A twin leaves open.
    """
    lines = ["|".join(FIELDS)]
    base = {r.case: r.call_s for r in evidence.results if not r.speedup}
    for r in evidence.results:
        low, high = (r.aa[1] - 1, r.aa[2] - 1) if r.aa else (0.0, 0.0)
        values = (
            "pass" if r.verdict == "correct" else "fail", "", f"{r.kernel} {r.case} {r.variant}",
            str(evidence.machine.get("host", "")), r.setting.ranks, r.setting.threads, "call_s", r.call_s,
            base.get(r.case), f"{low:.4g}", f"{high:.4g}", "s",
        )  # fmt: skip
        lines.append("|".join("" if v is None else str(v).replace("|", "/") for v in values))
    return ("\n".join(lines) + "\n").encode()
