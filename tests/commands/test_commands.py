"""The command line as a user meets it: real processes, exit codes, one-line errors, nothing lost."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from races import small
from scipy.io import mmwrite

from hpcbench import launch, registry, store
from hpcbench.__main__ import main

HPCBENCH = [sys.executable, "-P", "-m", "hpcbench"]


def hpcbench(
    *words: object, cwd: Path, env: dict | None = None, timeout: float = 120
) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*HPCBENCH, *map(str, words)], cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True,
        timeout=timeout, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def matrix(tmp_path):
    mmwrite(tmp_path / "a.mtx", small(300, 3000))
    return tmp_path / "a.mtx"


FAST = ("--variant", "gustavson", "--rounds", 16, "--budget", 5)


def test_list_is_light():
    heavy = "('numpy', 'scipy', 'pandas', 'numba', 'importlib.metadata', 'hpcbench.kernels.spgemm.kernel')"
    code = (
        "import sys; from hpcbench.__main__ import main; main(['list']); "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert "gustavson_mpi" in done.stdout, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "module", ["commands.run", "commands.report", "evaluate", "rank", "report.html", "worker"]
)
def test_heavy_packages_stay_out_until_they_are_needed(module):
    heavy = "('pandas', 'numba', 'cupy', 'mpi4py', 'matplotlib', 'scipy.stats', 'pyamg', 'mkl')"
    code = f"import sys, hpcbench.{module}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_worker_imports_no_more_than_the_standard_library():
    code = (
        "import sys, hpcbench.worker; print([m for m in sys.modules if m.startswith(('hpcbench.', 'numpy'))])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "['hpcbench.interpreted', 'hpcbench.worker']"


@pytest.mark.parametrize("command", ["list", "show", "run", "judge", "rank", "report", "doctor"])
def test_every_command_has_help_with_an_example(tmp_path, command):
    text = hpcbench(command, "--help", cwd=tmp_path, env={"COLUMNS": "80"}).stdout
    assert f"Example: hpcbench {command}" in text
    assert max(map(len, text.splitlines())) <= 80
    assert command in hpcbench("--help", cwd=tmp_path).stdout


def test_a_run_is_ranked_stored_and_reported(tmp_path, matrix):
    done = hpcbench("run", "--input", matrix, *FAST, "--threads", "1,2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"gustavson +1t .*\d\.?\d*x \[\d", done.stdout)
    assert max(map(len, done.stdout.splitlines())) <= 80
    again = hpcbench("rank", cwd=tmp_path)
    assert (
        again.stdout.strip()
        in done.stdout.replace(f"journal: {done.stdout.split('journal: ')[1]}", "").strip()
    )
    made = hpcbench("report", "--csv", "r.csv", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "<html" in (tmp_path / "report.html").read_text()
    import pandas as pd

    frame = pd.read_csv(tmp_path / "r.csv")
    assert set(frame["variant"]) == {"gustavson", "scipy_csr"}
    assert frame.loc[frame.variant == "gustavson", "speedup_low"].item() > 0


def test_json_gives_a_result_per_line_and_then_the_ranking(tmp_path, matrix):
    done = hpcbench("run", "--input", matrix, *FAST, "--json", cwd=tmp_path)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [r.get("variant") for r in rows] == ["scipy_csr", "gustavson", None]
    assert rows[-1]["kind"] == "ranking"
    assert rows[1]["samples"]


def test_a_variant_races_against_itself_with_other_parameters_and_settings(tmp_path, matrix):
    words = (
        "--anchor",
        "gustavson_omp",
        "--variant",
        "gustavson_omp",
        "--threads",
        "1,2",
        "--param",
        "REPLAY=0,1",
    )
    done = hpcbench("run", "--input", matrix, *words, "--rounds", 16, "--budget", 5, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    *results, _ = [json.loads(line) for line in done.stdout.splitlines()]
    arms = {(r["variant"], r["setting"]["threads"]) for r in results}
    assert ("gustavson_omp", 1) in arms
    assert ("gustavson_omp[REPLAY=0]", 1) in arms
    assert ("gustavson_omp[REPLAY=1]", 2) in arms
    assert ("gustavson_omp[REPLAY=1]", 1) not in arms


def test_several_cases_are_tasks_of_their_own(tmp_path, matrix):
    mmwrite(tmp_path / "b.mtx", small(50, 400))
    done = hpcbench("run", "--input", matrix, "--input", tmp_path / "b.mtx", *FAST, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "runs").glob("*.jsonl"))) == 2
    assert "geometric mean of the speedup over 2 cases" in hpcbench("rank", cwd=tmp_path).stdout


def test_two_files_are_multiplied_with_each_other(tmp_path):
    mmwrite(tmp_path / "a.mtx", small(30, 200, 40))
    mmwrite(tmp_path / "b.mtx", small(40, 200, 20))
    done = hpcbench("run", "--input", "a.mtx", "b.mtx", *FAST, "--json", cwd=tmp_path)
    assert json.loads(done.stdout.splitlines()[1])["verdict"] == "correct"


def test_a_hostile_folder_changes_nothing(tmp_path, matrix):
    for name in (
        "jobs/__init__.py",
        "codegen.py",
        "tuners/__init__.py",
        "numpy.py",
        "json.py",
        "hpcbench.py",
    ):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("raise SystemExit('hijacked')\n")
    for words in (
        ["list"],
        ["show", "spgemm"],
        ["doctor"],
        ["run", "--input", matrix, *FAST],
        ["rank"],
        ["report"],
        ["tune", "sor", "--list"],
    ):
        done = hpcbench(*words, cwd=tmp_path)
        assert "hijacked" not in done.stdout + done.stderr
        assert done.returncode in (0, 1)


BANNER = "%%MatrixMarket matrix coordinate real general\n"
HUGE = BANNER + "200000 200000 400000\n" + "".join(f"{i} 1 1\n1 {i} 1\n" for i in range(1, 200001))
BAD_INPUT = {
    "missing file": (None, 2, "no such file"),
    "truncated": (BANNER + "3 3 3\n1 1 1\n", 2, "truncated"),
    "not a number": (BANNER + "2 2 1\n1 1 NaN\n", 2, "not a finite"),
    "non-numeric": (BANNER + "2 2 1\n1 1 abc\n", 2, "is not a number"),
    "complex": (BANNER.replace("real", "complex") + "2 2 1\n1 1 1 1\n", 2, "complex"),
    "columns beyond int32": (BANNER + "2 3000000000 1\n1 1 1\n", 2, "int32"),
    "output too large for the machine": (HUGE, 2, "use a smaller input"),
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_a_bad_matrix_is_refused_in_one_line_with_its_file(tmp_path, name):
    text, code, said = BAD_INPUT[name]
    if text is not None:
        (tmp_path / "bad.mtx").write_text(text)
    done = hpcbench("run", "--input", "bad.mtx", *FAST, cwd=tmp_path)
    (line,) = [row for row in done.stderr.splitlines() if row.startswith("hpcbench: ")]
    assert done.returncode == code
    assert "bad.mtx" in line
    assert said in line


WRONG_USE = {
    "shapes do not fit": (["run", "--input", "a.mtx", "b.mtx"], "do not multiply"),
    "unknown case": (["run", "--case", "nope"], "--case nope: kernel spgemm has er60k"),
    "unknown kernel": (["run", "--kernel", "nope", "--case", "x"], "--kernel nope: known kernels are"),
    "unknown variant": (["run", "--case", "er60k", "--variant", "nope"], "--variant nope"),
    "unknown contract": (["run", "--case", "er60k", "--contract", "nope"], "--contract nope"),
    "unknown parameter value": (["run", "--case", "er60k", "--variant", "gustavson", "--param", "ACCUMULATOR=nope"],
                                "one of auto"),
    "nothing to race": (["run"], "give --case, --size or --input"),
    "no runs yet": (["rank"], "no journal here"),
    "no runs to report": (["report"], "no journal here"),
    "threads of zero": (["run", "--case", "er60k", "--threads", "0"], "at least 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_USE)
def test_wrong_use_says_which_option_and_what_would_be_right(tmp_path, name):
    words, said = WRONG_USE[name]
    mmwrite(tmp_path / "a.mtx", small(30, 200, 40))
    mmwrite(tmp_path / "b.mtx", small(30, 200, 20))
    done = hpcbench(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[-1]


def test_no_compiler_skips_native_variants_and_says_how_to_get_one(tmp_path, matrix):
    env = {"CXX": "no-such-cxx", "CC": "no-such-cc"}
    done = hpcbench(
        "run", "--input", matrix, "--variant", "gustavson,numba_rows", "--rounds", 16, cwd=tmp_path, env=env
    )
    assert done.returncode == 0, done.stderr
    assert "no C++ compiler" in done.stdout
    assert "numba_rows" in done.stdout
    only = hpcbench("run", "--input", matrix, *FAST, cwd=tmp_path, env=env)
    assert only.returncode == 3
    assert "install g++ or set CXX" in only.stderr


def test_no_mpirun_skips_mpi_and_says_how_to_get_one(tmp_path, matrix):
    env = {"HPCBENCH_MPIRUN": "/nowhere/mpirun"}
    words = ["run", "--input", matrix, "--variant", "gustavson_mpi", "--ranks", 2]
    done = hpcbench(*words, cwd=tmp_path, env=env)
    assert done.returncode == 3
    assert "HPCBENCH_MPIRUN=/nowhere/mpirun" in done.stderr


def test_a_failing_candidate_is_exit_code_one_and_keeps_the_others(tmp_path, matrix):
    env = {"CXX": "sh -c false"}
    compiler = tmp_path / "cxx"
    compiler.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "x 1" && exit 0\necho "candidate.cpp:1: error: no"\nexit 1\n'
    )
    compiler.chmod(0o755)
    env = {"CXX": str(compiler), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = hpcbench("run", "--input", matrix, *FAST, cwd=tmp_path, env=env)
    assert done.returncode == 1
    assert "error: no" in done.stdout


def test_an_unwritable_runs_folder_is_refused_before_anything_is_measured(tmp_path, matrix):
    (tmp_path / "file").write_text("")
    start = time.monotonic()
    done = hpcbench("run", "--input", matrix, *FAST, "--runs", "file/runs", cwd=tmp_path)
    assert done.returncode == 2
    assert "choose another folder with --runs" in done.stderr
    assert time.monotonic() - start < 10


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to mount a small file system")
def test_a_full_disk_ends_the_run_and_keeps_what_was_acknowledged(tmp_path, matrix):
    words = ["run", "--input", matrix, "--variant", "gustavson", "--rounds", 64]
    hpcbench(*words, cwd=tmp_path)
    (journal,) = (tmp_path / "runs").iterdir()
    full = tmp_path / "full"
    full.mkdir()
    size = f"size={journal.stat().st_size * 3 // 4 // 4096 * 4}k"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", full], capture_output=True).returncode:
        pytest.skip("needs root to mount a small file system")
    try:
        done = hpcbench(*words, "--runs", full, cwd=tmp_path)
        (kept,) = [store.read(file) for file in full.iterdir()]
    finally:
        subprocess.run(["umount", full], check=True)
    assert [row["kind"] for row in kept].count("candidate") == 2
    assert done.returncode == 2
    assert "no space left" in done.stderr


STAGES = [
    "building",
    "making inputs",
    "verifying",
    "round",
    pytest.param("measuring the winner", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("stage", STAGES)
def test_ctrl_c_ends_cleanly_in_every_stage_and_loses_nothing(tmp_path, stage):
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    words = [
        "run",
        "--case",
        "rmat12",
        "--variant",
        "gustavson,gustavson_omp",
        "--threads",
        "1,2",
        "--rounds",
        "8",
    ]
    run = subprocess.Popen([*HPCBENCH, *words], cwd=tmp_path, env=env, text=True, stderr=subprocess.PIPE,
                           stdout=subprocess.PIPE, start_new_session=True,
                           preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))  # fmt: skip
    assert run.stderr
    seen = []
    for row in run.stderr:
        seen.append(row)
        if stage in row:
            time.sleep(0.2 if stage == "round" else 0.02)
            os.killpg(run.pid, signal.SIGINT)
            break
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130, (out, err)
    assert "Traceback" not in err
    assert "interrupted; what was measured is kept" in err
    workers = subprocess.run(["pgrep", "-g", str(run.pid)], capture_output=True, text=True).stdout
    assert not workers
    if stage in ("round", "measuring the winner"):
        kinds = [
            json.loads(line[9:])["kind"]
            for f in (tmp_path / "runs").iterdir()
            for line in f.read_text().splitlines()
        ]
        assert kinds.count("sample") >= 4
        assert kinds.count("result") == 4
        assert "scipy_csr" in hpcbench("rank", cwd=tmp_path).stdout


def test_doctor_tells_the_machine_and_measures_its_noise(tmp_path):
    done = hpcbench("doctor", cwd=tmp_path)
    assert "compiler" in done.stdout
    assert launch.mpi().version in done.stdout
    races = hpcbench("doctor", "--races", 2, "--slowdown", 0, "--json", cwd=tmp_path)
    found = json.loads(races.stdout)
    assert (found["races"], found["false_wins"]) == (2, 0)


@pytest.mark.parametrize("kernel", registry.kernels())
def test_show_fits_a_terminal(kernel, capsys):
    assert main(["show", kernel]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
