"""The frames hold every result and sample once, in plain columns with the promised units."""

import math

import pytest

from hpcbench.report.evidence import Evidence, find, is_twin, label
from hpcbench.report.frames import results_frame, samples_frame
from hpcbench.spec import Setting


@pytest.fixture(scope="module")
def frame(evidence):
    return results_frame(evidence)


def row(frame, variant, case="er60k"):
    (index,) = frame.index[(frame["variant"] == variant) & (frame["case"] == case)]
    return frame.loc[index]


def test_every_result_has_one_row(evidence, frame):
    assert len(frame) == len(evidence.results)
    assert set(frame["candidate"]) == {result.candidate for result in evidence.results}


def test_rows_carry_ratio_interval_and_setting(frame):
    best = row(frame, "hash_openmp")
    assert (best["speedup"], best["speedup_low"], best["speedup_high"]) == (1.834, 1.792, 1.881)
    assert (best["model"], best["ranks"], best["threads"], best["pages"]) == ("openmp", 1, 2, "prefaulted")
    assert (best["relation"], best["verdict"], best["rank"]) == ("faster", "correct", 1)
    assert (best["aa_low"], best["aa_high"]) == (0.994, 1.007)


def test_tied_arms_share_a_rank_and_the_next_leaves_room(frame):
    ranks = frame[frame["case"] == "er60k"].set_index("variant")["rank"]
    assert ranks["hash_openmp"] == ranks["rowwise_hash_mpi"] == 1
    assert ranks["sell_inspector_openmp"] == 3
    assert ranks.isna()["racy_openmp"]


def test_setup_is_amortised_over_calls_in_seconds(frame):
    inspector = row(frame, "sell_inspector_openmp")
    for k in (1, 10, 1000):
        assert inspector[f"amortised_{k}"] == pytest.approx((0.018 + k * 0.0061) / k)
    plain = row(frame, "hash_serial")
    assert plain["amortised_10"] == plain["call_s"]


def test_gflops_count_two_operations_for_a_multiply_add(frame):
    scipy = row(frame, "scipy")
    assert scipy["gflops"] == pytest.approx(2 * 959_822 / 0.0225 / 1e9)


def test_a_screened_arm_has_a_speedup_without_bounds(frame):
    screened = row(frame, "dense_rows_serial")
    assert screened["speedup"] == 0.212
    assert math.isnan(screened["speedup_low"])
    assert math.isnan(screened["speedup_high"])


def test_failures_keep_their_message_and_skipped_checks_are_named(frame):
    assert "row 17" in row(frame, "racy_openmp")["message"]
    assert row(frame, "hash_serial")["not_checked"] == "races"


def test_samples_frame_knows_the_arm_of_every_sample(evidence):
    samples = samples_frame(evidence)
    assert len(samples) == len(evidence.samples)
    assert (samples["call_s"] * samples["batch"]).equals(samples["wall_s"])
    twins = samples[samples["variant"].isna()]
    assert set(twins["arm"]) == {"scipy/aa"}
    mpi = samples[samples["variant"] == "rowwise_hash_mpi"]
    assert set(mpi["ranks"]) == {2}


def test_frames_of_no_evidence_are_empty():
    nothing = Evidence(results=())
    assert len(results_frame(nothing)) == len(samples_frame(nothing)) == 0


def test_names_find_their_result_only_when_unambiguous(evidence):
    er60k = [r for r in evidence.results if r.case == "er60k"]
    scipy = er60k[0]
    assert all(find(er60k, name) is scipy for name in (label(scipy), scipy.candidate, "scipy"))
    assert label(scipy) == "scipy 1r x 1t"
    twice = [scipy, type(scipy)(**{**vars(scipy), "setting": Setting(threads=2)})]
    assert find(twice, "scipy") is None
    assert find(twice, "scipy 1r x 2t") is twice[1]


@pytest.mark.parametrize(
    ("arm", "twin"), [("aa", True), ("scipy/aa", True), ("scipy twin", True), ("saaa", False)]
)
def test_twins_are_told_by_their_name(arm, twin):
    assert is_twin(arm) is twin
