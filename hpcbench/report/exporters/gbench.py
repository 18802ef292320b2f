"""The raw samples as Google Benchmark's JSON, a repetition per round."""

import json

from hpcbench.report.evidence import Evidence


def render(evidence: Evidence) -> bytes:
    """What ``--benchmark_out`` writes, for ``compare.py`` and all else that reads it; microseconds."""
    arms, rows = evidence.raced, []
    for family, result in enumerate(r for r in evidence.results if r.verdict == "correct"):
        taken = arms.get(result.samples, [])
        setting = result.setting
        name = (
            f"{result.kernel}/{result.case}/{result.variant}/ranks:{setting.ranks}/threads:{setting.threads}"
        )
        for repetition, sample in enumerate(taken):
            rows.append({
                "name": name, "family_index": family, "per_family_instance_index": 0, "run_name": name,
                "run_type": "iteration", "repetitions": len(taken), "repetition_index": repetition,
                "threads": setting.threads, "iterations": sample["batch"],
                "real_time": 1e6 * sample["wall_s"] / sample["batch"],
                "cpu_time": 1e6 * sample["cpu_s"] / sample["batch"], "time_unit": "us",
            })  # fmt: skip
    facts = evidence.machine
    context = {
        "host_name": facts.get("host", ""), "num_cpus": facts.get("cores", 0), "executable": "hpcbench",
        "library_build_type": "release",
        "caches": [{"type": "Unified", "level": int(name[1]), "size": size, "num_sharing": 1}
                   for name, size in dict(facts.get("caches", {})).items()],
    }  # fmt: skip
    return json.dumps({"context": context, "benchmarks": rows}, indent=1).encode()
