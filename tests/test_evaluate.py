"""A race tells slower from equal, times phases apart, keeps every sample, and rejects the impossible."""

import math
import os

import pytest
from races import candidate, small

from hpcbench import calibrate, case, machine, measure, outcome, registry, store
from hpcbench.contender import Contender, Entry
from hpcbench.spec import Measurement, Setting

HONEST = "return honest(in, out);"
TWICE = "honest(in, out); honest(in, out); return honest(in, out);"


def entry(body: str, name: str) -> Entry:
    return Entry(candidate(body, name), Setting(), name)


def test_three_times_the_work_is_slower_than_once(race):
    found = race([entry(HONEST, "once"), entry(TWICE, "thrice")], matrix=small(400, 4000), rounds=32)
    once, thrice = found.results["once"], found.results["thrice"]
    assert once.speedup[0] > 2 * thrice.speedup[0]
    assert once.speedup[1] <= once.speedup[0] <= once.speedup[2]


def test_a_hopeless_arm_is_sampled_once(race):
    most = case.SETS + 1  # calls: one for each verified input set, one screening sample
    slow = f"static int calls; usleep(1100000); if (++calls > {most}) return 1; {HONEST}"
    found = race([entry(slow, "slow"), entry(HONEST, "one")], matrix=small(400, 4000), rounds=16).results
    assert (found["slow"].verdict, found["slow"].rounds) == ("correct", 0)
    assert 0 < found["slow"].speedup[0] < 0.01 < found["one"].speedup[0]


def test_a_slow_candidate_is_warmed_by_as_many_calls_as_a_sample_has(race, monkeypatch):
    monkeypatch.setattr(measure, "NATIVE_LIMIT_S", 2.0)  # of all its first calls: 64 would take six
    one = Entry(candidate(f"usleep(100000); {HONEST}"), Setting(), "slow", trusted=False)
    assert race([one], matrix=small(400, 4000)).results["slow"].verdict == "correct"


def test_every_sample_of_every_arm_stands_in_the_journal(race):
    found = race([entry(HONEST, "one")], rounds=16)
    rows = store.by_kind(store.read(found.journal))
    keys = {key for key, _ in rows["sample"]}
    assert keys == {"small|anchor", "small|twin", "small|one 1r x 1t"}
    for key, samples in found.samples.items():
        written = [body for k, body in rows["sample"] if k == key and body["round"] < 10_000]
        assert [b["wall_s"] for b in written] == [s.wall_s for s in samples]
    assert len({b["process"] for _, b in rows["sample"]}) >= 2


def test_setup_and_run_are_timed_apart_where_a_variant_has_both(race):
    one = Entry(registry.kernel("spgemm").variant("gustavson_mpi").candidate(), Setting(ranks=2), "mpi")
    found = race([one], matrix=small(2000, 40000)).results["mpi"]
    assert 0 < found.setup_s < found.call_s
    assert found.setup_s + found.run_s == pytest.approx(found.call_s, rel=1.0)


@pytest.mark.parametrize("pages", ["prefaulted", "cold"])
def test_both_page_policies_race_and_verify(race, pages):
    one = Entry(candidate(HONEST), Setting(pages=pages), "one")
    found = race([one], matrix=small(3000, 60000), pages=pages).results
    assert found["one"].verdict == "correct"
    assert found["one"].setting.pages == pages
    assert found["one"].rounds >= 16


def test_cold_pages_are_fresh_at_every_call_in_screening_and_rounds(race):
    body = "if (out->data[0] != 0) return 1; " + HONEST  # a page from the system is zero
    one = Entry(candidate(body), Setting(pages="cold"), "one")
    found = race([one], matrix=small(3000, 60000), pages="cold").results["one"]
    assert found.verdict == "correct", found.stages[-1].message


def test_a_buffer_is_cold_only_where_malloc_would_ask_the_system(race):
    """20 k entries: the values lie above malloc's threshold, the columns below it."""
    body = "if (out->data[0] != 0 || out->indices[0] != -1) return 1; " + HONEST
    one = Entry(candidate(body), Setting(pages="cold"), "one")
    found = race([one], matrix=small(1000, 4500), pages="cold").results["one"]
    assert found.verdict == "correct", found.stages[-1].message


def test_what_is_far_slower_is_listed_without_an_interval(race):
    body = "for (int i = 0; i < 40; i++) honest(in, out); return 0;"
    found = race([entry(body, "slow")], matrix=small(400, 4000)).results["slow"]
    assert found.relation == "slower"
    assert found.speedup[0] < 1 / 3
    assert math.isnan(found.speedup[1])


def test_faster_than_the_machine_can_be_is_forbidden(race, monkeypatch):
    monkeypatch.setattr(case.machine, "limits", lambda size: (1.0, 1.0))
    found = race([entry(HONEST, "one")]).results["one"]
    assert found.verdict == "forbidden"
    assert "impossible" in found.stages[-1].message


def test_the_bound_of_the_machine_is_above_what_it_does():
    import time

    import numpy as np

    x, y = np.ones(2**20), np.zeros(2**20)
    best = math.inf
    for _ in range(20):
        start = time.perf_counter()
        np.copyto(y, x)
        best = min(best, time.perf_counter() - start)
    bandwidth, _ = machine.limits(2**24)
    assert bandwidth > 0.9 * 2**24 / best


def test_a_case_beyond_memory_is_refused_before_it_starts(race, monkeypatch):
    monkeypatch.setattr(case.machine, "memory_available", lambda: 1000)
    with pytest.raises(case.HpcbenchError, match="use a smaller input"):
        race([entry(HONEST, "one")])


def test_a_planted_slowdown_really_slows(tmp_path):
    found = calibrate.races(1, 1.0, "serial", runs=tmp_path)
    assert found.relations == {"slower": 1}
    assert "found in 1 of 1" in found.sentence()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "count", "allowed", "rounds"),
    [
        ("serial", 300, 3, 32),
        *(pytest.param(s, 15, 1, 4, marks=pytest.mark.alone) for s in ("threads", "ranks")),
    ],
)
def test_identical_code_is_not_told_apart(tmp_path, setting, count, allowed, rounds):
    load = int("PYTEST_XDIST_WORKER" not in os.environ)  # or else other tests are
    found = calibrate.races(count, 0.0, setting, load=load, runs=tmp_path, rounds=rounds)
    print(found.sentence())
    assert found.false_wins <= allowed, found.sentence()
    assert set(found.relations) <= {"tie", "undecided", "faster", "slower"}


def contender(name: str, wall: list[float], cpu: list[float]) -> Contender:
    made = Contender(entry(HONEST, name), name)
    made.samples = [Measurement(name, 0, i, 1, w, c) for i, (w, c) in enumerate(zip(wall, cpu, strict=True))]
    return made


def test_the_quieter_clock_is_used_and_a_sleeper_is_never_judged_by_cpu_time():
    noisy, still = [1.0, 1.3, 1.0, 1.2] * 8, [1.0] * 32
    anchor, twin = contender("anchor", noisy, still), contender("twin", noisy[1:] + noisy[:1], still)
    assert outcome.clock([anchor, twin, contender("a", noisy, still)]) == "cpu"
    assert outcome.clock([anchor, twin, contender("sleeper", [2.0] * 32, [0.5] * 32)]) == "wall"
    assert outcome.clock([contender("anchor", still, noisy), contender("twin", still, noisy[::-1])]) == "wall"
