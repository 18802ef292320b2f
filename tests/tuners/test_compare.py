"""`hpcbench tune compare`: every run once, on the same costs, told, kept, gone on with, exported; and its problems."""

import gzip
import json
import math
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hpcbench.__main__ import main
from hpcbench.spec import HpcbenchError
from tuners import compare
from tuners.problems import Problem, Table, chosen, problems, recorded
from tuners.standing import standing

SHORT = [
    "--problem",
    "gaussian,failing,line",
    "--policy",
    "chebcb,random,thompson",
    "--seeds",
    "6",
    "--steps",
    "60",
]


def run(tmp_path, *words):
    return main(["tune", "compare", "--runs", str(tmp_path / "runs"), *words])


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A comparison and what was asked for beside it."""
    folder = tmp_path_factory.mktemp("compared")
    files = ["--csv", "c.csv", "--parquet", "c.parquet", "--output", "c.html", "--trials", "trials"]
    words = [str(folder / word) if not word.startswith("--") else word for word in files]
    assert run(folder, *SHORT, *words) == 0
    return folder


def test_it_is_told_in_eighty_columns_and_kept(done, capsys):
    before = {path: path.stat().st_mtime_ns for path in (done / "runs").iterdir()}
    assert run(done, *SHORT) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in lines if str(done) not in line)
    assert lines[0] == "3 policies, 3 problems, 6 seeds, 60 steps"
    assert any(line.startswith("mean rank") for line in lines)
    assert {
        path: path.stat().st_mtime_ns for path in (done / "runs").iterdir()
    } == before  # nothing was played again
    assert run(done, *SHORT, "--json") == 0
    rows = {row["policy"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert rows["chebcb"]["rank"] < rows["random"]["rank"]
    assert set(rows["random"]["regret"]) == {"gaussian", "failing", "line"}


def test_what_is_missing_is_played_and_what_cannot_be_is_told(done, capsys, monkeypatch):
    more = [*SHORT[:5], "7", *SHORT[6:]]
    assert SHORT[4] == "--seeds"
    monkeypatch.setattr("hpcbench.tasks.LocalExecutor.map", lambda self, tasks: [])
    assert run(done, *more) == 1
    told = capsys.readouterr()
    assert "9 of 63 runs are missing: chebcb on gaussian with seed 6" in told.err
    assert "3 problems, 6 seeds" in told.out  # those that can be compared
    assert run(done, *more, "--json", "--policy", "chebcb,random") == 1
    assert [json.loads(line)["policy"] for line in capsys.readouterr().out.splitlines()] == [
        "chebcb",
        "random",
    ]
    assert run(done, "--problem", "switching", "--seeds", "2") == 1
    assert "no run came to its end" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_told(done, capsys):
    assert run(done, *SHORT, "--csv", str(done / "no" / "c.csv")) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert run(done, *SHORT, "--csv", str(done)) == 2  # a folder
    assert "the runs are kept, the same command writes them elsewhere" in capsys.readouterr().err


def test_the_table_holds_every_curve(done):
    table = pd.read_csv(done / "c.csv")
    pd.testing.assert_frame_equal(table, pd.read_parquet(done / "c.parquet"))
    assert set(table.policy) == {"chebcb", "random", "thompson"}
    last = table[table.step == 60]
    assert len(last) == 3 * 3 * 6
    assert last[last.policy == "random"].regret.median() == pytest.approx(1, abs=0.4)
    assert last[last.policy == "chebcb"].regret.median() < 0.9


def test_trials_are_logged_as_carps_does(done):
    rows = [
        json.loads(line)
        for line in (done / "trials/random/failing/3/trial_logs.jsonl").read_text().splitlines()
    ]
    assert [row["n_trials"] for row in rows] == list(range(1, 61))
    plays = compare.read(sorted((done / "runs").glob("*.jsonl")))
    (one,) = [p for k, p in plays.items() if (k.policy, k.problem, k.seed) == ("random", "failing", 3)]
    assert [row["trial_info"]["config"] for row in rows] == [[arm] for arm in one.arms]
    for row, cost in zip(rows, one.costs, strict=True):
        assert row["trial_value"]["status"] == (2 if math.isnan(cost) else 1)
        assert row["trial_value"]["cost"] == (None if math.isnan(cost) else cost)
    assert any(math.isnan(cost) for cost in one.costs)


def test_the_page_stands_alone(done):
    text = (done / "c.html").read_text()
    assert "http" not in text.replace("http://www.w3.org", "")
    assert text.count("<svg") == 2 * (1 + 3)
    for word in ("chebcb", "thompson", "gaussian", "failing"):
        assert word in text


def fixed(costs, scale=1.0):
    """A problem whose table is this one."""
    table = Table([{"arm": k} for k in range(costs.shape[1])], costs, np.zeros(len(costs)), scale)
    return Problem(lambda steps, rng: table, "test", ""), table


def test_regret_is_what_it_says():
    """Played by hand: failures cost the scale, 0 is the best fixed arm, 1 what choosing at random costs."""
    rng = np.random.default_rng(0)
    costs = rng.uniform(size=(400, 4)) + np.array([0, 0.5, 1, 1.5])
    costs[::3, 2] = np.nan
    problem, table = fixed(costs, scale=3.0)
    key = compare.wanted(["random"], {"p": problem}, [1], 400)[0]
    one = compare.play(key, table)
    paid = np.where(np.isnan(costs), 3.0, costs)
    mine = paid[np.arange(400), one.arms]
    assert np.array_equal(np.isnan(one.costs), np.isnan(costs[np.arange(400), one.arms]))
    assert one.regret[-1] == pytest.approx((mine - paid[:, 0]).sum() / (paid.mean(1) - paid[:, 0]).sum())
    assert one.regret[-1] == pytest.approx(1, abs=0.15)


def test_ranks_and_what_tells_them_apart_are_demsars():
    """Four algorithms on 14 sets: Demsar's table 6, whose ranks he gives, and a critical difference of 1.25."""
    auc = np.array([
        [.763, .768, .771, .798], [.599, .591, .590, .569], [.954, .971, .968, .967], [.628, .661, .654, .657],
        [.882, .888, .886, .898], [.936, .931, .916, .931], [.661, .668, .609, .685], [.583, .583, .563, .625],
        [.775, .838, .866, .875], [1, 1, 1, 1], [.940, .962, .965, .962], [.619, .666, .614, .669],
        [.972, .981, .9751, .975], [.957, .978, .946, .970],
    ])  # fmt: skip
    plays = {}
    for i, row in enumerate(auc):
        for j, value in enumerate(row):
            key = compare.Key("abcd"[j], "", str(i), 0, 2)
            plays[key] = compare.Play(key, np.zeros(2, int), np.zeros(2), 1.0, np.array([0, 1 - value]), 0.0)
    found = standing(plays)
    ranks = dict(zip(found.policies, found.ranks, strict=True))
    assert [round(ranks[name], 3) for name in "abcd"] == [3.143, 2.0, 2.893, 1.964]
    assert found.apart == pytest.approx(1.25, abs=0.01)


def test_only_what_all_have_played_is_compared():
    def one(policy, problem, seed, regret):
        key = compare.Key(policy, "", problem, seed, 2)
        return key, compare.Play(key, np.zeros(2, int), np.zeros(2), 1.0, np.array([0, regret]), 0.0)

    plays = dict([one("a", "p", 0, 1.0), one("b", "p", 0, 2.0), one("a", "p", 1, 9.0), one("a", "q", 0, 9.0)])
    found = standing(plays)
    assert (found.policies, found.problems, found.seeds) == (["a", "b"], ["p"], [0])
    assert found.ranks.tolist() == [1, 2]
    assert math.isnan(found.apart)
    with pytest.raises(HpcbenchError, match="no problem was played by all"):
        standing(dict([one("a", "p", 0, 1.0), one("b", "q", 0, 2.0)]))


def test_policies_know_nothing_of_the_draws_of_costs():
    """The first arm of a policy that knows nothing is the best one as often as any other."""
    first = []
    for seed in range(60):
        key = compare.Key("thompson", "", "gaussian", seed, 2)
        kept = []
        compare.run([key], problems(), Keep(kept), lambda kind, body: None)
        table = problems()["gaussian"].make(2, np.random.default_rng([seed, 1]))
        mean = problems()["gaussian"].make(400, np.random.default_rng([seed, 1])).costs.mean(0)
        assert kept[0]["costs"][0] == table.costs[0, kept[0]["arms"][0]]
        first.append(kept[0]["arms"][0] == mean.argmin())
    assert sum(first) < 15


class Keep:
    """What a journal is told."""

    def __init__(self, kept):
        self.kept = kept

    def append(self, rows):
        self.kept += [body for _, _, body in rows]


def test_code_that_changes_is_played_again():
    problem = problems()["gaussian"]
    assert compare.code("thompson", problem) != compare.code("chebcb", problem)
    assert compare.code("thompson", problem) != compare.code("thompson", problems()["sor_high"])
    one, other = (recorded_of({**RECORD["cache"], "1,1": {"a": 1, "b": 1, "time": t}}) for t in (2.0, 3.0))
    assert compare.code("thompson", one) != compare.code("thompson", other)
    assert compare.code("thompson", one) == compare.code("thompson", recorded_of({**RECORD["cache"], "1,1": {"a": 1, "b": 1, "time": 2.0}}))  # fmt: skip


def test_two_steps_make_a_page(tmp_path):
    assert run(tmp_path, "--problem", "gaussian", "--policy", "random", "--seeds", "1", "--steps", "2", "--output", str(tmp_path / "p.html")) == 0  # fmt: skip
    assert "<svg" in (tmp_path / "p.html").read_text()


def test_every_problem_makes_a_table():
    known = problems()
    assert {p.split for p in known.values()} == {"dev", "test"}
    for name, problem in known.items():
        one, same = (problem.make(6, np.random.default_rng(3)) for _ in range(2))
        assert one.costs.shape == (6, len(one.arms)), name
        assert np.array_equal(one.costs, same.costs, equal_nan=True), name
        assert np.nanmin(one.costs) >= 0
        assert one.contexts.shape == (6,)
    assert set(chosen(["dev"], [])) == {n for n, p in known.items() if p.split == "dev"}


RECORD = {
    "tune_params_keys": ["a", "b"],
    "cache": {
        "1,1": {"a": 1, "b": 1, "time": 2.0, "times": [1.0, 3.0]},
        "1,2": {"a": 1, "b": 2, "time": "CompilationFailedConfig"},
        "2,1": {"a": 2, "b": 1, "time": 5.0, "times": [5.0]},
    },
}


def test_a_recorded_tuning_is_played(tmp_path, capsys):
    path = tmp_path / "some.1.json.gz"
    path.write_bytes(gzip.compress(json.dumps(RECORD).encode()))
    table = recorded.recorded(path).make(50, np.random.default_rng(0))
    assert table.arms == [{"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 1}]
    assert set(table.costs[:, 0]) == {1.0, 3.0}
    assert np.isnan(table.costs[:, 1]).all()
    assert run(tmp_path, "--recorded", str(path), "--seeds", "2", "--steps", "30", "--policy", "thompson,random", "--json") == 0  # fmt: skip
    rows = {row["policy"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert rows["thompson"]["regret"]["some.1"] < rows["random"]["regret"]["some.1"]


def recorded_of(cache):
    """A recorded tuning of these entries."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cache.json"
        path.write_text(json.dumps({**RECORD, "cache": cache}))
        return recorded.recorded(path)


@pytest.mark.parametrize("time", [1e20, 0, -1.0, float("inf"), float("nan"), "InvalidConfig"])
def test_what_failed_is_no_time(time):
    table = recorded_of({**RECORD["cache"], "2,1": {"a": 2, "b": 1, "time": time}}).make(
        3, np.random.default_rng(0)
    )
    assert np.isnan(table.costs[:, 2]).all()
    assert table.scale == 3.0


def test_what_is_no_recorded_tuning_is_refused(tmp_path):
    whole = gzip.compress(json.dumps(RECORD).encode())
    for name, data in {
        "short.json.gz": whole[:-12], "damaged.json.gz": whole[:20] + b"xxxx" + whole[24:], "list.json": b"[]",
        "twice.json": json.dumps({**RECORD, "tune_params_keys": ["a"]}).encode(),
        "lists.json": json.dumps({**RECORD, "cache": {"1": {"a": [1], "b": 2, "time": 1.0}}}).encode(),
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(data)
        with pytest.raises(HpcbenchError, match="a cache file of Kernel Tuner is expected"):
            recorded.recorded(tmp_path / name)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--problem", "no_such"], "--problem no_such: dev, test, all or one of"),
        (["--policy", "no_such"], "--policy no_such: one of"),
        (["--steps", "1"], "--steps 1: at least 2"),
        (["--seeds", "0"], "--seeds 0: at least 1"),
        (["--seed", "-1"], "--seed -1: at least 0"),
        (["--recorded", "no_such.json"], "--recorded no_such.json: No such file"),
        (
            ["--recorded", "pyproject.toml"],
            "--recorded pyproject.toml: a cache file of Kernel Tuner is expected",
        ),
    ],
)
def test_what_cannot_be_is_refused(words, said, tmp_path, capsys):
    assert run(tmp_path, *words) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_two_problems_of_one_name_are_refused(tmp_path):
    (tmp_path / "line.json").write_text(json.dumps(RECORD))
    with pytest.raises(HpcbenchError, match="another problem line"):
        chosen(["line"], [tmp_path / "line.json"])
    (tmp_path / "none.json").write_text(
        json.dumps({"tune_params_keys": ["a"], "cache": {"1": {"a": 1, "time": "x"}}})
    )
    with pytest.raises(HpcbenchError, match="no configuration ran"):
        chosen([], [tmp_path / "none.json"])


def test_the_list_is_told(capsys, tmp_path):
    assert run(tmp_path, "--list") == 0
    out = capsys.readouterr().out
    assert "thompson" in out
    assert "sor_high" in out
