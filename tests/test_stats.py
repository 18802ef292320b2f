"""The interval covers, the decision needs every process, and looks come at fixed rounds."""

import math
import random

import pytest

from hpcbench import stats


@pytest.mark.parametrize(("n", "alpha"), [(16, 0.01), (64, 0.0025), (128, 0.05)])
def test_the_sign_interval_covers_the_median_as_often_as_it_says(n, alpha):
    rng = random.Random(5)
    missed = 0
    for _ in range(3000):
        values = [rng.expovariate(1) - math.log(2) for _ in range(n)]
        _, low, high = stats.sign_interval(values, alpha)
        missed += not low <= 0 <= high
    assert missed / 3000 <= alpha * 1.5 + 0.002


def test_the_interval_is_not_wider_than_its_level_needs():
    tails = [2 * sum(math.comb(100, i) for i in range(k)) / 2**100 for k in (stats.sign_rank(100, 0.05),)]
    assert 0.02 < tails[0] <= 0.05


def test_too_few_values_give_no_interval():
    assert stats.sign_interval([1.0, 2.0, 3.0], 0.01)[1:] == (-math.inf, math.inf)


def test_faster_needs_every_process_to_agree():
    ahead = [0.1 + 0.001 * i for i in range(16)]
    behind = [-v for v in ahead[:8]]
    assert stats.decide([ahead, ahead], 0.01, 0.01).relation == "faster"
    assert stats.decide([ahead, ahead, behind], 0.01, 0.01).relation == "undecided"
    assert stats.decide([[-v for v in ahead]], 0.01, 0.01).relation == "slower"


def test_a_win_must_clear_what_the_twin_shows():
    wide = [0.05 * (-1) ** i for i in range(32)]
    clear = stats.margin([wide], 0.01)
    assert clear == pytest.approx(0.05)
    assert stats.decide([[0.04] * 32], clear, 0.01).relation == "undecided"
    assert stats.decide([[0.06] * 32], clear, 0.01).relation == "faster"


def test_a_tie_is_a_narrow_interval_never_a_noisy_one():
    assert stats.decide([[0.004, -0.004] * 20], 0.01, 0.01).relation == "tie"
    assert stats.decide([[0.4, -0.4] * 20], 0.4, 0.01).relation == "undecided"


def test_looks_end_with_the_last_round():
    assert stats.looks(128) == (16, 32, 64, 128)
    assert stats.looks(20) == (16, 20)


def test_no_false_win_in_a_hundred_trials_is_below_three_percent():
    assert stats.binomial_upper(0, 100) == pytest.approx(0.0295, abs=0.001)


def test_a_generation_whose_twin_was_off_throughout_widens_the_margin():
    assert stats.margin([[0.001, -0.001] * 8, [0.03] * 8, [-0.001, 0.001] * 24], 0.01) == pytest.approx(0.03)
