"""`hpcbench tune sor` as a user meets it."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.io import mmwrite

from hpcbench.__main__ import main
from hpcbench.inputs import equations
from tuners.sor import contest, streams


def stream(runs, steps, seeds):
    words = ["tune", "sor", "--stream", "low", "--steps", steps, "--seeds", seeds, "--runs", runs]
    return [str(word) for word in words]


def test_a_stream_is_solved_told_and_kept(tmp_path, capsys):
    assert main(stream(tmp_path, 60, 6)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 79 for line in lines if not line.startswith("journal"))
    place = {line.split()[0]: k for k, line in enumerate(lines) if line.startswith("  ")}
    assert place["omega_tuner"] < place["chebcb"]
    assert any("best fixed omega" in line and "1.000 [1.000, 1.000]" in line for line in lines)
    (journal,) = tmp_path.glob("*.jsonl")
    kept = contest.read(journal)
    assert [one.seed for one in kept] == [0, 1, 2, 3, 4, 5]
    again = contest.contest("low", streams.STREAMS["low"], list(kept[2].costs), steps=60, seed=2)
    assert np.array_equal(again.grid, kept[2].grid)
    assert all(np.array_equal(again.costs[name], costs) for name, costs in kept[2].costs.items())
    assert vars(again).keys() == vars(kept[2]).keys()


def test_files_drift_or_come_in_order(tmp_path, capsys):
    for k in range(3):
        mmwrite(tmp_path / f"{k}.mtx", equations.poisson(8 + k, 2))
    files = [str(tmp_path / f"{k}.mtx") for k in range(3)]
    common = ["--runs", str(tmp_path), "--seeds", "1", "--json", "--policy", "chebcb"]
    assert main(["tune", "sor", "--input", *files, *common]) == 0
    rows = {row["name"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert rows["best fixed omega"]["over_fixed"] == [1.0, None, None]
    assert main(["tune", "sor", "--input", str(tmp_path), *common]) == 0
    again = {row["name"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert again == rows
    assert main(["tune", "sor", "--input", files[0], "--steps", "30", *common]) == 0
    newest = max(tmp_path.glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    assert [len(one.grid) for one in contest.read(newest)] == [30]


def test_seconds_of_any_solver_beside_fixed_omegas(tmp_path, capsys):
    words = [
        "--cost",
        "seconds",
        "--omegas",
        "1,1.5",
        "--policy",
        "ic0_cg,cg",
        "--solver",
        "ssor_cg",
        "--json",
    ]
    assert main([*stream(tmp_path, 20, 1), *words]) == 0
    names = {json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()}
    assert names == {"omega_tuner", "ic0_cg", "cg", "best fixed omega", "best for each system"}


def test_a_page_and_tables_tell_the_same(tmp_path, capsys):
    base = stream(tmp_path / "runs", 40, 6)
    files = {kind: tmp_path / f"found.{kind}" for kind in ("html", "csv", "parquet")}
    words = ["--output", str(files["html"]), "--csv", str(files["csv"]), "--parquet", str(files["parquet"])]
    assert main([*base, *words, "--json"]) == 0
    rows = {row["name"]: row["over_fixed"] for row in map(json.loads, capsys.readouterr().out.splitlines())}
    text = files["html"].read_text()
    assert "http" not in text.replace("http://www.w3.org", "")
    assert text.count("<svg") == 2 * 2
    middle, low, high = rows["omega_tuner"]
    assert f"{middle:.3f} [{low:.3f}, {high:.3f}]" in text
    assert f"omega_tuner {middle:.2f}" in text  # the end of its curve
    table = pd.read_csv(files["csv"])
    pd.testing.assert_frame_equal(table, pd.read_parquet(files["parquet"]))
    totals = table.groupby(["seed", "contender"]).cost.sum().unstack()
    fixed = totals[[name for name in totals if name.startswith("omega=")]].min(axis=1)
    assert (totals.omega_tuner / fixed).median() == pytest.approx(middle)
    assert set(table.unit) == {"iterations"}


def test_a_file_that_cannot_be_written_is_told(tmp_path, capsys):
    base = stream(tmp_path / "runs", 5, 1)
    assert main([*base, "--output", str(tmp_path / "no" / "page.html")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
    assert main([*base, "--output", str(tmp_path)]) == 2  # a folder
    found = capsys.readouterr()
    (journal,) = (tmp_path / "runs").glob("*.jsonl")
    assert f"--again {journal} writes it elsewhere" in found.err
    page = tmp_path / "page.html"
    assert main(["tune", "sor", "--again", str(journal), "--output", str(page)]) == 0
    assert capsys.readouterr().out == found.out
    assert "omega_tuner" in page.read_text()
    assert len(list((tmp_path / "runs").glob("*.jsonl"))) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--stream", "none"], "high, low, heat"),
        (["--policy", "none"], "chebcb"),
        (["--solver", "cg"], "none of relaxation"),
        (["--seed", "-1"], "at least 0"),
        (["--solver", "petsc_gmres"], "not a native solver"),
        (["--steps", "0"], "at least 1"),
        (["--seeds", "-1"], "at least 1"),
        (["--limit", "0"], "at least 1"),
        (["--omegas", "1,2.5"], "between 0 and 2"),
        (["--omegas", "a"], "numbers separated"),
        (["--input", "absent.mtx"], "no such file"),
        (["--input", "empty"], "no file *.mtx* in this folder"),
        (["--again", "absent.jsonl"], "absent.jsonl"),
        (["--again", "empty.jsonl"], "no contest came to its end there"),
        (["--input", "wide.mtx"], "square"),
        (["--input", "hole.mtx"], "diagonal"),
    ],
)
def test_what_cannot_be_is_told(words, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    a = equations.poisson(4, 2)
    mmwrite("wide.mtx", a[:8])
    a.data[a.indices == 0] = 0
    mmwrite("hole.mtx", a)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.jsonl").touch()
    try:
        code = main(["tune", "sor", "--steps", "5", "--seeds", "1", *words])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("runs/*"))


def test_what_there_is_is_listed(capsys):
    assert main(["tune", "sor", "--list"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in [*streams.STREAMS, "tsallis_inf"])
    assert all(len(line) <= 79 for line in said.splitlines())
