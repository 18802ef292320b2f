"""Evidence as a real run leaves it: two SpGEMM cases raced against scipy on two cores."""

import math

import numpy as np
import pytest

from hpcbench.report.evidence import Evidence, label
from hpcbench.spec import Candidate, Ranking, Result, Setting, Skip, Stage

ONE, TWO, RANKS = Setting(), Setting(threads=2), Setting(ranks=2)
AA = (1.0003, 0.994, 1.007)
HOSTILE = "<script>alert('x')</script>"
LONG = (
    f"kernel.cpp:41:17: error: no matching function for call to 'accumulate<double>(int, {HOSTILE})' "
    + "because a very long template was instantiated from here " * 4
    + "\nkernel.cpp:12:9: note: candidate expects 3 arguments\x1b[31m, 2 provided\x1b[0m"
)
PASSED = (Stage("compile", "correct"), Stage("verify", "correct"), Stage("races", "not_checked"))

# variant, language, model, setting, speedup, relation, more fields
ER60K = [
    ("scipy", "python", "serial", ONE, None, "none", {"call_s": 0.0225}),
    ("hash_openmp", "cpp", "openmp", TWO, (1.834, 1.792, 1.881), "faster", {}),
    ("rowwise_hash_mpi", "cpp", "mpi", RANKS, (1.812, 1.744, 1.869), "faster", {}),
    ("sell_inspector_openmp", "cpp", "openmp", TWO, (1.43, 1.40, 1.47), "faster", {"split": (0.018, 0.0061)}),
    ("hash_serial", "cpp", "serial", ONE, (1.22, 1.204, 1.241), "faster", {}),
    ("spa_serial", "cpp", "serial", ONE, (1.004, 0.993, 1.012), "tie", {}),
    ("heap_openmp", "cpp", "openmp", TWO, (1.02, 0.962, 1.071), "undecided", {"detectable": 1.043}),
    ("esc_serial", "cpp", "serial", ONE, (0.744, 0.731, 0.752), "slower", {}),
    ("dense_rows_serial", "cpp", "serial", ONE, (0.212, math.nan, math.nan), "slower", {"rounds": 3}),
]
BLOCKDIAG = [
    ("scipy", "python", "serial", ONE, None, "none", {"call_s": 0.00091}),
    ("hash_openmp", "cpp", "openmp", TWO, (0.912, 0.894, 0.931), "slower", {}),
    ("block_dense_serial", "cpp", "serial", ONE, (6.31, 6.07, 6.52), "faster", {"floor_share": 0.61}),
    ("rowwise_hash_mpi", "cpp", "mpi", RANKS, (0.61, 0.57, 0.66), "slower", {}),
]


def candidate(variant, language, model):
    return Candidate("spgemm", language, model, source=f"// {variant}\n".encode(), origin="registry")


def result(case, variant, language, model, setting, speedup, relation, more, base_s):
    split = more.get("split", (None, None))
    return Result(
        candidate=candidate(variant, language, model).id,
        variant=variant,
        kernel="spgemm",
        contract="sorted",
        case=case,
        input_hash="5f0c",
        setting=setting,
        machine="m-4d21",
        verdict="correct",
        stages=PASSED,
        anchor=candidate(*BLOCKDIAG[0][:3]).id,
        speedup=speedup,
        relation=relation,
        aa=AA,
        rounds=more.get("rounds", 64),
        call_s=more.get("call_s") or base_s / speedup[0],
        setup_s=split[0],
        run_s=split[1],
        detectable=more.get("detectable", 1.021),
        floor_share=more.get("floor_share"),
        traffic=((13, 1_153_434), (14, 1_363_149)) if setting is RANKS else (),
        samples=f"{case}|{variant} {setting.label}",
    )


def failed(case, variant, setting, verdict, message):
    return Result(
        candidate=candidate(variant, "cpp", "openmp").id,
        variant=variant,
        kernel="spgemm",
        contract="sorted",
        case=case,
        input_hash="5f0c",
        setting=setting,
        machine="m-4d21",
        verdict=verdict,
        stages=(
            Stage("compile", "compile" if verdict == "compile" else "correct"),
            Stage("verify", verdict, message),
        ),
    )


def samples(results, rounds, rng):
    """One sample per arm and round, in two processes, around a drifting baseline."""
    rows = []
    for process in range(2):
        for number in range(rounds // 2):
            base = 0.0225 * (1 + 0.05 * math.sin(number / 9)) * math.exp(rng.normal(0, 0.02))
            arms = [(label(r), r.speedup[0] if r.speedup else 1.0, r.rounds) for r in results]
            for arm, speedup, length in [*arms, ("scipy/aa", 1.0, rounds)]:
                if process * rounds // 2 + number < length:
                    wall = base / speedup * math.exp(rng.normal(0, 0.025) + (rng.random() < 0.03) * 0.2)
                    rows.append(
                        {"arm": arm, "case": results[0].case, "process": process, "round": number, "batch": 4}
                        | {"wall_s": 4 * wall, "cpu_s": 4 * wall, "switches": 0, "phase": "total"}
                    )
    return rows


def build_evidence():
    er60k = [result("er60k", *row, base_s=0.0225) for row in ER60K]
    block = [result("blockdiag", *row, base_s=0.00091) for row in BLOCKDIAG]
    broken = [
        failed("er60k", "simd_compress_openmp", TWO, "compile", LONG),
        failed(
            "er60k", "racy_openmp", TWO, "correctness", "row 17: 3 columns, expected 4; error 0.41 > 1e-12"
        ),
    ]
    names = {row.variant: label(row) for row in er60k}
    ties = ("hash_openmp", "rowwise_hash_mpi"), ("sell_inspector_openmp",), ("hash_serial",)
    tail = ("scipy", "spa_serial", "heap_openmp"), ("esc_serial",), ("dense_rows_serial",)
    rng = np.random.default_rng(7)
    return Evidence(
        results=(*er60k, *broken, *block),
        skips=(
            Skip("mkl_sparse", "spgemm", TWO, "the package mkl is not installed"),
            Skip("cusparse", "spgemm", Setting(device="cuda"), "no CUDA device is visible"),
        ),
        rankings=(
            Ranking("er60k", tuple(tuple(names[v] for v in group) for group in (*ties, *tail))),
            Ranking("blockdiag", tuple((label(block[i]),) for i in (2, 0, 1, 3))),
        ),
        candidates={candidate(*row[:3]).id: candidate(*row[:3]) for row in (*ER60K, *BLOCKDIAG)},
        machine={
            "id": "m-4d21",
            "host": "node07",
            "cpu": "AMD EPYC 7R13 Processor",
            "cores": 2,
            "caches": {"L1d": 32768, "L2": 524288, "L3": 32 * 2**20},
            "memory": 8 * 2**30,
            "kernel": "6.1.0-18-amd64",
            "compiler": "g++ 12.2.0",
            "mpi": "MPICH 4.3.1",
            "python": "3.11.2",
            "libraries": {"numpy": "2.3.1", "scipy": "1.16.0"},
            "thp": "madvise",
            "governor": "performance",
            "load": 0.4,
            "command": "hpcbench run spgemm --case er60k,blockdiag --threads 1,2 --ranks 2 --seed 7",
        },
        cases={
            "er60k": {
                "rows": 60_000,
                "nnz_a": 239_996,
                "nnz_b": 239_996,
                "flops": 959_822,
                "bound_nnz_c": 959_822,
                "compulsory_flop": 1_919_644,
                "compulsory_bytes": 18_000_000,
                "bandwidth": 2e10,
                "peak": 1e11,
            }
            | {"source": "Erdos-Renyi, 60k rows, degree 4"},
            "blockdiag": {
                "rows": 2880,
                "nnz_a": 138_240,
                "flops": 6_635_520,
                "source": "60 dense blocks of 48",
            },
        },
        samples=[*samples(er60k, 64, rng), *samples(block, 64, rng)],
    )


@pytest.fixture(scope="session")
def evidence():
    return build_evidence()
