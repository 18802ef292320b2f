"""`hpcbench judge`: a file in, one Result out, and words that help its author."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from races import SOURCE
from test_commands import hpcbench

from hpcbench import launch, sandbox
from hpcbench.codec import decode
from hpcbench.commands import doctor
from hpcbench.spec import Result

HONEST = SOURCE.format(body="return honest(in, out);")
PYTHON = """
import numpy as np
from scipy.sparse import csr_array
def run(handle, inputs, params):
    a = csr_array((inputs["a_data"], inputs["a_indices"], inputs["a_indptr"]), shape=(inputs["a_nrows"], inputs["a_ncols"]))
    b = csr_array((inputs["b_data"], inputs["b_indices"], inputs["b_indptr"]), shape=(inputs["b_nrows"], inputs["b_ncols"]))
    c = a @ b
    c.sort_indices()
    return c.indptr, c.indices, c.data
"""
NUMBA = """
import numba
import numpy as np
@numba.njit
def product(n, m, ap, ai, ax, bp, bi, bx):
    acc, seen = np.zeros(m), np.zeros(m, np.bool_)
    ptr, cols, vals = np.zeros(n + 1, np.int64), [np.int32(0) for _ in range(0)], [0.0 for _ in range(0)]
    for i in range(n):
        for p in range(ap[i], ap[i + 1]):
            for q in range(bp[ai[p]], bp[ai[p] + 1]):
                acc[bi[q]] += ax[p] * bx[q]
                seen[bi[q]] = True
        for j in range(m):
            if seen[j]:
                cols.append(np.int32(j))
                vals.append(acc[j])
                acc[j], seen[j] = 0.0, False
        ptr[i + 1] = len(cols)
    return ptr, np.array(cols, np.int32), np.array(vals)
def run(handle, inputs, params):
    return product(*[inputs[k] for k in ("a_nrows", "b_ncols", "a_indptr", "a_indices", "a_data", "b_indptr", "b_indices", "b_data")])
"""


def judged(tmp_path, name, text, *words):
    (tmp_path / name).write_text(text)
    done = hpcbench("judge", name, "--case", "amg_rap", "--budget", "2", "--json", *words, cwd=tmp_path)
    return done.returncode, decode(Result, json.loads(done.stdout))


def test_an_honest_file_is_judged_stage_by_stage_and_raced(tmp_path):
    code, result = judged(tmp_path, "mine.cpp", HONEST)
    assert (code, result.verdict, result.trusted) == (0, "correct", False)
    assert [s.name for s in result.stages][:6] == [
        "wall", "constraints", "imports", "compile", "symbols", "hidden",
    ]  # fmt: skip
    assert [s.code for s in result.stages[6:8]] == [
        "correct",
        "not_checked",
    ]  # sanitize; races: it has no threads
    assert result.speedup is not None
    assert next(tmp_path.glob("runs/*.jsonl")).stat().st_size > 0


@pytest.mark.parametrize(
    ("name", "text", "verdict", "word"),
    [
        ("broken.cpp", "int spgemm_run(", "compile", "error"),
        ("secret.cpp", '#include "/etc/passwd"\n' + HONEST, "compile", "Permission denied"),
        ("baked.c", '__asm__(".incbin \\"/etc/hostname\\"");', "compile", "hostname"),
        ("empty.cpp", "", "runtime", "spgemm_run"),
        ("wrong.cpp", SOURCE.format(body="return 0;"), "correctness", "hidden input"),
        ("scipy.py", PYTHON, "forbidden", "scipy"),
        ("eval.py", "def run(h, i, p): return eval('1')", "forbidden", "eval"),
        ("os.py", "import os\ndef run(h, i, p): return ()", "forbidden", "import os"),
        ("bad.py", "def run(:", "compile", "line 1"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, name, text, verdict, word):
    code, result = judged(tmp_path, name, text)
    assert (code, result.verdict) == (1, verdict), result.stages
    assert word in result.stages[-1].message
    assert result.speedup is None


TILED = """// /// hpcbench
// model = "serial"
// summary = "rows, some at a time"
// restrictions = ["TILE % UNROLL == 0"]
// params.TILE = {default = 64, values = [16, 64]}
// params.UNROLL = {default = 4, low = 1, high = 16}
// params.SORT = {default = "quick"}
// ///
"""
CHOSEN = """enum { quick = 1, heap = 2 };
if (TILE != 16 || UNROLL != 8 || SORT != heap) return -1;
return honest(in, out);"""


def test_parameters_are_chosen_and_those_outside_their_restrictions_are_a_verdict(tmp_path):
    text = TILED + SOURCE.format(body=CHOSEN)
    values = [word for pair in ("TILE=16", "UNROLL=8", "SORT=heap") for word in ("--param", pair)]
    code, result = judged(tmp_path, "mine.cpp", text, *values)
    assert (code, result.verdict) == (0, "correct"), result.stages
    for pair, said in {
        "UNROLL=3": "needs TILE % UNROLL == 0; has TILE=64, UNROLL=3",
        "UNROLL=32": "UNROLL=32: outside [1, 16]",
        "TILE=32": "TILE=32: one of 16, 64 is expected",
        "SORT=a b": "SORT=a b: neither",
    }.items():
        code, result = judged(tmp_path, "mine.cpp", text, "--param", pair)
        assert (code, result.verdict, len(result.stages)) == (1, "constraints", 2), result.stages
        assert said in result.stages[-1].message
    done = hpcbench("judge", "mine.cpp", "--param", "WIDTH=2", cwd=tmp_path)
    assert (done.returncode, "--param WIDTH: mine.cpp has TILE, UNROLL, SORT" in done.stderr) == (2, True), (
        done.stderr
    )


@pytest.mark.slow
def test_numba_works_behind_the_wall(tmp_path):
    pytest.importorskip("numba")
    _, result = judged(tmp_path, "rows.py", NUMBA)
    assert result.verdict == "correct", result.stages


def test_a_file_that_is_not_there_and_one_of_no_language_are_refused(tmp_path):
    assert "No such file" in hpcbench("judge", "absent.cpp", cwd=tmp_path).stderr
    assert "ends in none of" in hpcbench("judge", "mine.f90", cwd=tmp_path).stderr


def test_doctor_tells_which_layers_of_the_wall_stand(tmp_path):
    text = hpcbench("doctor", cwd=tmp_path).stdout
    assert "wall " in text
    assert re.search(r"^sanitize +.*g\+\+|^sanitize +.*clang", text, re.MULTILINE)
    assert re.search(r"^races +.*clang", text, re.MULTILINE)
    assert set(sandbox.names(63)) == set(sandbox.LAYERS.values())
    assert set(sandbox.STOPS) == set(sandbox.LAYERS)


@pytest.mark.parametrize(
    ("layers", "words"), [(63 & ~4, "stands without Landlock, scope"), (63 & ~8, "judge refuses")]
)
def test_doctor_tells_what_is_open_without_a_layer(layers, words, monkeypatch):
    monkeypatch.setattr(launch, "layers", lambda: layers)
    rows = doctor._judge()
    assert words in rows[0][1]
    (gone,) = sandbox.missing(layers)
    bit = next(b for b, name in sandbox.LAYERS.items() if name == gone)
    assert ("  open", sandbox.STOPS[bit]) in rows
    assert sum(name == "  open" for name, _ in rows) == 1


@pytest.mark.slow
def test_the_example_of_an_optimiser_ends_with_the_best_flags(tmp_path):
    here = Path(__file__).parents[2] / "docs" / "examples"
    command = [sys.executable, "-P", here / "optimise.py", here / "rows.c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" correct ") == 4
    assert re.search(r'^best: "-O', done.stdout, re.MULTILINE)
