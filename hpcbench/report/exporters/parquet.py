"""The raw samples as Parquet, one row per sample (needs pyarrow)."""

from io import BytesIO

from hpcbench.report.evidence import Evidence


def render(evidence: Evidence) -> bytes:
    """:func:`~hpcbench.report.frames.samples_frame`, types kept."""
    import pyarrow  # noqa: F401  (pandas would name two packages when it is missing)

    from hpcbench.report import frames

    into = BytesIO()
    frames.samples_frame(evidence).to_parquet(into, engine="pyarrow", index=False)
    return into.getvalue()
