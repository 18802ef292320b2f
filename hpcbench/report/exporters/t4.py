"""The results in the autotuning community's T4 format, as Kernel Tuner writes it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hpcbench.report.evidence import Evidence
from hpcbench.spec import Result

VERSION = "1.0.0"
# T4 knows neither: a race is a wrong answer that came out right, what is forbidden violates a restriction
INVALIDITY = {"race": "correctness", "forbidden": "constraints"}


def render(evidence: Evidence) -> bytes:
    """Source: the Open Autotuning Results Schema, T4 1.0.0. Times are milliseconds."""
    calls = evidence.raced
    rows = [_row(evidence, result, calls.get(result.samples, [])) for result in evidence.results]
    facts = {k: v for k, v in evidence.machine.items() if k in ("host", "cpu", "cores", "compiler", "kernel")}
    body = {"schema_version": VERSION, "metadata": {"hpcbench": facts}, "results": rows}
    return json.dumps(body, indent=1).encode()


def _row(evidence: Evidence, result: Result, calls: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    candidate = evidence.candidates.get(result.candidate)
    compiled = sum(stage.seconds for stage in result.stages if stage.name == "compile")
    row: dict[str, Any] = {
        "configuration": {
            "case": result.case, "variant": result.variant.partition("[")[0], "ranks": result.setting.ranks,
            "threads": result.setting.threads, **(candidate.params if candidate else {}),
        },
        "objectives": ["time"],
        "times": {"compilation_time": 1e3 * compiled, "runtimes": []},
        "invalidity": INVALIDITY.get(result.verdict, result.verdict),
        "correctness": float(result.verdict == "correct"),
        "measurements": [],
    }  # fmt: skip
    if result.call_s is not None:
        row["times"]["runtimes"] = [1e3 * call["wall_s"] / call["batch"] for call in calls]
        row["measurements"] = [{"name": "time", "value": 1e3 * result.call_s, "unit": "ms"}]
    return row
