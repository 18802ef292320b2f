"""The results as a table, one row per arm."""

from hpcbench.report.evidence import Evidence


def render(evidence: Evidence) -> bytes:
    """:func:`~hpcbench.report.frames.results_frame` as comma-separated values."""
    from hpcbench.report import frames

    return str(frames.results_frame(evidence).to_csv(index=False)).encode()
