"""The terminal table never exceeds its width, ranks with ties in words, and hides no failure."""

import dataclasses
import re
import subprocess
import sys

import pytest

from hpcbench.report import units
from hpcbench.report.evidence import Evidence
from hpcbench.report.terminal import table
from hpcbench.spec import Result, Setting, Stage

ESCAPES = re.compile(r"\x1b\[\d+m")


def line(text, *words):
    """The one line that holds all the words."""
    (found,) = [row for row in text.splitlines() if all(word in row for word in words)]
    return found


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("width", [60, 72, 80, 100, 140])
@pytest.mark.parametrize("case", ["er60k", "blockdiag"])
def test_no_line_is_wider_than_asked(evidence, case, width, colour):
    text = table(evidence, case, width=width, colour=colour)
    assert ("\x1b" in text) is colour
    assert max(units.cells(row) for row in ESCAPES.sub("", text).splitlines()) <= width


def test_the_speedup_column_is_aligned(evidence):
    rows = table(evidence, "er60k").splitlines()
    column = next(row for row in rows if row.startswith("#")).index("speedup")
    ranked = [row for row in rows if re.match(r"\d+[= ] ", row)]
    assert len(ranked) == 9
    assert all(re.match(r"\d\.\d\dx", row[column:]) for row in ranked)


def test_times_have_units_and_ratios_their_interval(evidence):
    text = table(evidence, "er60k")
    assert re.search(r"12\.3 ms +1\.83x \[1\.79, 1\.88\] +faster", line(text, "1=", "hash_openmp"))
    assert "144 us" in line(table(evidence, "blockdiag"), "block_dense_serial")
    assert "2 ranks" in line(text, "1=", "rowwise_hash_mpi")


def test_ties_share_a_rank_and_are_said_in_words(evidence):
    text = table(evidence, "er60k")
    assert line(text, "hash_openmp", "tied 1st").startswith("1=")
    assert line(text, "rowwise_hash_mpi", "tied 1st").startswith("1=")
    assert "tie with baseline" in line(text, "spa_serial")
    wide = table(evidence, "er60k", width=140)
    assert "faster, tie with rowwise_hash_mpi 2 ranks" in wide


def test_values_of_parameters_stay_whole_where_their_names_do_not_fit(evidence):
    names = [f"gustavson[ACCUMULATOR={kind},MERGE_WIDTH=16384]" for kind in ("dense", "hash")]
    told = iter(names)
    results = tuple(
        dataclasses.replace(r, variant=next(told, r.variant))
        if r.case == "er60k" and not r.variant.startswith("scipy")
        else r
        for r in evidence.results
    )
    text = table(dataclasses.replace(evidence, results=results), "er60k", width=100)
    assert line(text, "gustavson[dense,16384]") != line(text, "gustavson[hash,16384]")
    assert "gustavson[ACCUMULATOR,MERGE_WIDTH]" in text
    assert names[0] in table(dataclasses.replace(evidence, results=results), "er60k", width=200)


@pytest.mark.parametrize("width", [80, 140])
def test_undecided_says_what_could_have_been_seen(evidence, width):
    assert "undecided: could have seen 4 %" in table(evidence, "er60k", width=width)


def test_the_anchor_is_the_baseline_and_screened_arms_have_no_interval(evidence):
    text = table(evidence, "er60k")
    assert "1.00x" in line(text, "scipy   ", "baseline")
    assert "[" not in line(text, "0.21x")
    assert "screened out, no interval" in text


def test_header_and_footer_state_the_terms(evidence):
    text = table(evidence, "er60k")
    terms = ("60,000 rows", "240 k nnz", "960 k multiply-adds", "contract sorted", "baseline scipy")
    for words in (*terms, "prefaulted pages", "64 rounds", "wall clock", "node07", "AMD EPYC"):
        assert words in text
    assert text.splitlines()[-1] == "A/A twin: [0.994, 1.007]"


def test_what_a_kernel_shows_stands_below_in_columns(evidence):
    told = {"iterations": 1057.0, "residual": 9.234e-9, "error": float("nan")}
    results = tuple(dataclasses.replace(r, told=told) if r.rounds else r for r in evidence.results)
    text = table(dataclasses.replace(evidence, results=results), "er60k")
    head = line(text, "iterations", "residual", "error")
    shown = [row for row in text.splitlines() if "9.2e-09" in row]
    assert len(shown) == 9
    assert all(row.index("1,057") + 5 == head.index("iterations") + len("iterations") for row in shown)
    assert all(row.endswith(units.NONE) for row in shown)
    assert "iterations" not in table(evidence, "er60k")


def test_failures_and_skips_follow_with_their_reasons(evidence):
    text = table(evidence, "er60k", width=120)
    assert "compile" in line(text, "simd_compress_openmp")
    assert "candidate expects" not in text
    assert "row 17: 3 columns, expected 4" in line(text, "racy_openmp", "correctness")
    assert "the package mkl is not installed" in line(text, "mkl_sparse")
    assert "gpu" in line(text, "cusparse", "no CUDA device is visible")


def test_a_message_cannot_steer_the_terminal():
    stage = Stage("run", "runtime", "\x1b[2J\x1b]0;title\x07 died\there")
    bad = Result("c", "bad", "spgemm", "sorted", "tiny", "h", Setting(), "m", "runtime", (stage,))
    text = table(Evidence(results=(bad,)), "tiny")
    assert "no candidate is correct" in text
    assert "died here" in text
    assert not {"\x1b", "\x07", "\t"} & set(text)


def test_without_a_ranking_no_rank_is_claimed(evidence):
    text = table(dataclasses.replace(evidence, rankings=()), "er60k")
    assert "1=" not in text
    assert line(text, "1.83x").startswith(units.NONE)


def test_races_with_different_pages_are_drawn_apart(evidence):
    cold = [
        dataclasses.replace(r, setting=dataclasses.replace(r.setting, pages="cold"))
        for r in evidence.results
        if r.case == "blockdiag"
    ]
    both = dataclasses.replace(evidence, results=(*evidence.results, *cold))
    warm, _, rest = table(both, "blockdiag").partition("cold pages")
    assert "prefaulted pages" in warm
    assert rest.count("block_dense_serial") == warm.count("block_dense_serial") == 1


def test_an_unknown_case_names_the_known_ones(evidence):
    with pytest.raises(ValueError, match="cases with results: er60k, blockdiag"):
        table(evidence, "nope")


@pytest.mark.parametrize("module", ["terminal", "frames", "html", "plots"])
def test_importing_the_report_loads_neither_pandas_nor_matplotlib(module):
    code = f"import sys, hpcbench.report.{module}; print(*{{'pandas', 'matplotlib'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
