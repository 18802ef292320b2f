"""Journals of several kernels stand side by side, though their cases share a name."""

from dataclasses import replace

from hpcbench.report import collect, pairs, standing, terminal
from hpcbench.spec import Measurement, Ranking, Result, Setting
from hpcbench.store import Journal


def _journal(folder, kernel, phase):
    base = Result(
        "0", "plain", kernel, "c", "poisson2d", "h", Setting(), "m", "correct", anchor="plain", rounds=2,
        samples="poisson2d|anchor",
    )  # fmt: skip
    fast = replace(
        base,
        candidate="1",
        variant="fast",
        speedup=(2.0, 1.9, 2.1),
        relation="faster",
        samples="poisson2d|fast",
    )
    times = {"anchor": 2e-3, "fast": 1e-3}
    journal = Journal.create(folder)
    journal.append(
        [
            ("sample", f"poisson2d|{arm}", Measurement(arm, 0, r, 1, t, t, 0, (t,), phase))
            for arm, t in times.items()
            for r in range(2)
        ]
    )
    journal.append([("result", r.candidate, r) for r in (base, fast)])
    journal.append([("event", "case", {"case": "poisson2d", "rows": 4})])
    journal.append([("event", "ranking", Ranking("poisson2d", (("fast 1r x 1t",), ("plain 1r x 1t",))))])
    journal.close()
    return journal.path


def test_a_case_of_two_kernels_is_two_cases(tmp_path):
    paths = [_journal(tmp_path / k, k, phase) for k, phase in (("spgemm", "total"), ("spmv", "run"))]
    evidence = collect.evidence(paths)
    assert evidence.case_names == ("spgemm poisson2d", "spmv poisson2d")
    assert set(evidence.cases) == set(evidence.case_names)
    for case in evidence.case_names:
        (race,) = standing.races(evidence, case)
        assert [row.rank for row in race.rows] == [1, 2]
        assert pairs.strips(evidence, race)[0].ratios == (2.0, 2.0)
        assert "fast" in terminal.table(evidence, case)


def test_one_kernel_keeps_the_names_of_its_cases(tmp_path):
    assert collect.evidence([_journal(tmp_path, "spmv", "run")]).case_names == ("poisson2d",)
