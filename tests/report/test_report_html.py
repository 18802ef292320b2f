"""The page is one safe, self-contained file that says who wins, with what evidence, in which units."""

import dataclasses
import math
import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from hpcbench.report import html, plots
from hpcbench.report.axes import log_ticks
from hpcbench.report.evidence import label
from hpcbench.report.html import page
from hpcbench.report.pairs import TWIN_NAME, strips
from hpcbench.report.standing import races
from hpcbench.spec import Ranking

VOID = {"meta", "link", "br", "img"}


class Outline(HTMLParser):
    """Collects tags with their attributes, and fails on tags that do not close in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def text(evidence):
    return page(evidence, "SpGEMM <here> & now")


@pytest.fixture(scope="module")
def outline(text):
    return Outline(text)


@pytest.fixture(scope="module")
def words(outline):
    return re.sub(r"\s+", " ", " ".join(outline.words))


def test_nothing_is_loaded_from_elsewhere(text, outline):
    assert not re.search(r"https?://|@import|url\((?!#)|//[a-z]+\.", text)
    assert not {"script", "img", "iframe", "object", "embed"} & {tag for tag, _ in outline.tags}
    assert [attrs["href"] for attrs in outline.all("link")] == ["data:,"]
    assert all(attrs["href"].startswith("#") for attrs in (*outline.all("a"), *outline.all("use")))


def test_the_page_is_small(text):
    assert len(text.encode()) < 2_000_000


def test_foreign_text_is_escaped(text, words):
    assert "<script" not in text
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in text
    assert "<title>SpGEMM &lt;here&gt; &amp; now</title>" in text
    assert "\x1b" not in text
    assert "candidate expects 3 arguments, 2 provided" in words


def test_ids_are_unique_and_references_resolve(text, outline):
    ids = Counter(attrs["id"] for _, attrs in outline.tags if "id" in attrs)
    assert max(ids.values()) == 1
    wanted = {attrs["href"][1:] for attrs in outline.all("use")} | set(re.findall(r"url\(#([^)]+)\)", text))
    assert wanted <= set(ids)


def test_every_chart_is_drawn_wide_and_narrow_and_says_what_it_shows(outline):
    charts = outline.all("svg")
    assert Counter(attrs["class"] for attrs in charts) == {"wide": 7, "narrow": 7}
    assert all(attrs["role"] == "img" and len(attrs["aria-label"]) > 30 for attrs in charts)
    assert any("hash_openmp 2t 1.83x [1.79, 1.88]" in attrs["aria-label"] for attrs in charts)


def test_axes_have_units(words):
    assert "speedup over scipy (times, higher is faster)" in words
    assert "time per call (ms, lower is faster)" in words
    assert "time per call (µs, lower is faster)" in words
    assert "speedup over scipy in one round (times, higher is faster)" in words


def test_tables_have_scoped_headers_and_scroll_in_their_own_box(text, outline):
    assert all(attrs.get("scope") in ("col", "row") for attrs in outline.all("th"))
    assert text.count("<table>") == text.count('tabindex="0">\n<table>') == 4
    assert "overflow-x: auto" in text


def test_the_headline_says_who_wins_and_who_ties(words):
    tie = "hash_openmp on 2 threads and rowwise_hash_mpi on 2 ranks tie for the fastest: 1.83x [1.79, 1.88]"
    assert tie in words
    assert "block_dense_serial on 1 thread is the fastest: 6.31x [6.07, 6.52] over scipy." in words


def test_what_was_seen_skipped_and_unchecked_is_told(words):
    assert "undecided: could have seen 4 %" in words
    assert "the package mkl is not installed" in words
    assert "racy_openmp 2t , failed: correctness" in words
    assert "Not checked, so not to be read as passed: races (9 of 9 results)." in words
    assert "1.3 MiB in 14 messages" in words
    assert "Every dot is one paired round" in words
    assert "hpcbench run spgemm --case er60k,blockdiag" in words
    assert "L3 32 MiB" in words


def test_setup_pays_off_after_a_stated_number_of_calls(words):
    assert "18.0 ms 6.10 ms 24.1 ms 7.90 ms 6.12 ms from 2 calls on" in words


def test_the_baseline_as_winner_is_called_so(evidence):
    slower = tuple(r for r in evidence.results if r.case == "blockdiag" and r.variant != "block_dense_serial")
    only = dataclasses.replace(evidence, results=slower)
    assert "Nothing is faster than scipy, the baseline." in page(only, "t")


def test_arms_that_cannot_be_told_from_the_baseline_are_not_called_ties(evidence, monkeypatch):
    spans, frame = [], plots.axes.frame

    def noted(shape, names, notes, label, span, *more, **others):
        spans.extend([span] * (label[0] == "speedup over scipy"))
        return frame(shape, names, notes, label, span, *more, **others)

    monkeypatch.setattr(plots.axes, "frame", noted)
    few = [
        dataclasses.replace(
            r, speedup=r.speedup and (r.speedup[0], 0.0, math.inf), relation="undecided", rounds=4
        )
        for r in evidence.results
        if r.case == "blockdiag"
    ]
    together = Ranking("blockdiag", (tuple(label(r) for r in few),))
    words = page(dataclasses.replace(evidence, results=tuple(few), rankings=(together,)), "t")
    assert "could not be told from scipy, the baseline." in words
    assert "too few rounds" in words
    assert min(low for low, _ in spans) <= 0.61
    assert max(high for _, high in spans) >= 6.31
    assert "inf" not in re.sub("infer|info", "", words[words.index("<main>") :])


def test_a_page_without_samples_ranking_or_facts_still_stands(evidence):
    bare = dataclasses.replace(
        evidence, samples=(), rankings=(), cases={}, machine={}, candidates={}, skips=()
    )
    outline = Outline(page(bare, "bare"))
    assert "not ranked" in " ".join(outline.words)
    assert Counter(attrs["class"] for attrs in outline.all("svg")) == {"wide": 4, "narrow": 4}


def test_a_page_that_would_be_too_large_drops_charts_and_says_so(evidence, monkeypatch):
    monkeypatch.setattr(html, "LIMIT", 160_000)
    smaller = page(evidence, "t")
    assert "leaves out the charts of every round" in smaller
    monkeypatch.setattr(html, "LIMIT", 1000)
    assert "<svg" not in page(evidence, "t")


def test_rounds_are_paired_with_the_anchor_of_the_same_round(evidence):
    keys = {"scipy": "blockdiag|anchor", "hash_openmp": "blockdiag|hash_openmp 1r x 2t"}
    results = [dataclasses.replace(r, samples=keys.get(r.variant, "")) for r in evidence.results]
    evidence = dataclasses.replace(evidence, results=tuple(r for r in results if r.case == "blockdiag"))
    (race,) = races(evidence, "blockdiag")
    rows = [
        {
            "arm": arm,
            "case": "blockdiag",
            "process": 0,
            "round": number,
            "batch": batch,
            "wall_s": wall,
            "cpu_s": 0,
        }
        for number, arm, batch, wall in (
            (0, "anchor", 2, 4.0),
            (0, "hash_openmp 1r x 2t", 1, 1.0),
            (0, "twin", 1, 2.0),
            (1, "anchor", 2, 8.0),
            (2, "hash_openmp 1r x 2t", 1, 1.0),
        )
    ]
    drawn = strips(dataclasses.replace(evidence, samples=rows), race)
    assert [(strip.name, strip.ratios) for strip in drawn] == [
        ("hash_openmp 2t", (2.0,)),
        (TWIN_NAME, (1.0,)),
    ]


def test_long_series_are_thinned_evenly():
    assert list(plots.thin(range(10), 5)) == [0, 2, 4, 6, 8]
    assert list(plots.thin(range(10), 10)) == list(range(10))


@pytest.mark.parametrize(("low", "high"), [(0.2, 2), (0.01, 300), (1e-7, 1e7), (0.9, 3.7)])
def test_log_axes_have_a_few_ticks(low, high):
    assert 2 <= sum(low <= tick <= high for tick in log_ticks(low, high, 6)) <= 6


def test_the_way_of_a_solver_is_drawn_as_far_as_it_can_be(evidence, text):
    way = (1.0, *(0.99**i for i in range(900)), math.nan, 0.0, math.inf)
    results = tuple(
        dataclasses.replace(r, history=way, told={"iterations": 5000.0}) if r.verdict == "correct" else r
        for r in evidence.results
    )
    solved = page(dataclasses.replace(evidence, results=results), "solved")
    assert "On the way" in solved
    assert "On the way" not in text
    assert "Gflop/s</th>" in text
    assert "Gflop/s</th>" not in solved
    label = re.search(r'aria-label="(Way to the solution: [^"]*)"', solved)[1]
    assert label.count("5000 iterations") == len(
        [row for row in races(evidence, evidence.case_names[0])[0].rows]
    )
    assert len(solved) < 2 * len(text)  # some points of a long way stand for all
