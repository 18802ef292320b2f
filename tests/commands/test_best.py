"""`hpcbench best`: what is fastest for a matrix, from what was measured, else from a race."""

import json

import pytest
from races import small
from scipy.io import mmwrite

from hpcbench.__main__ import main


@pytest.fixture
def matrix(tmp_path):
    path = tmp_path / "mine.mtx"
    mmwrite(path, small(300, 3000))
    return path


def test_it_races_once_and_knows_it_then(matrix, tmp_path, capsys):
    words = ["best", "spgemm", "--input", str(matrix), "--runs", str(tmp_path / "runs"), "--budget", "1"]
    assert main(words) == 0
    first = capsys.readouterr().out
    assert "gustavson" in first
    assert main(words) == 0
    second = capsys.readouterr().out
    assert len(list((tmp_path / "runs").iterdir())) == 1
    assert first.endswith(second)
    assert second.startswith("mine.mtx, sorted: ")
    assert 'hpcbench.best("spgemm", contract="sorted", threads=1)(A, B)' in second
    assert max(map(len, second.splitlines())) <= 80
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "correct"
    assert main([*words, "--contract", "unsorted", "--json"]) == 0  # not measured yet
    assert json.loads(capsys.readouterr().out)["contract"] == "unsorted"
    assert len(list((tmp_path / "runs").iterdir())) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [(["spgem", "--input", "x.mtx"], "known kernels"), (["spgemm", "--input", "x.mtx"], "x.mtx")],
)
def test_what_is_wrong_is_told(words, said, tmp_path, capsys):
    assert main(["best", *words, "--runs", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err


def test_of_a_kernel_without_a_call_it_tells_what_to_take(matrix, tmp_path, capsys):
    words = ["best", "spmv", "--input", str(matrix), "--runs", str(tmp_path / "runs"), "--budget", "1"]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "hpcbench export" in told
    assert "--kernel spmv" in told
    assert "call it" not in told
