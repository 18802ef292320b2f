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


def generations(*means, noise=0.001, size=8):
    """Log ratios that scatter by ``noise`` around the mean of each generation."""
    return [[mean + noise * (i - (size - 1) / 2) for i in range(size)] for mean in means]


def test_what_all_generations_agree_on_is_a_win():
    assert stats.decide(generations(0.1, 0.11, 0.09, 0.1), 0.01, 0.01).relation == "faster"
    assert stats.decide(generations(-0.1, -0.11, -0.09, -0.1), 0.01, 0.01).relation == "slower"


def test_what_half_of_the_generations_show_is_none_however_sure_the_rounds_are():
    found = stats.decide(generations(0.0, 0.0, 0.05, 0.05, size=32), 0.01, 0.01)
    assert found.low > stats.SMALLEST_WIN or found.median > 0.01
    assert found.relation == "undecided"


def test_one_generation_decides_only_what_no_placement_can_make():
    assert stats.decide(generations(0.2, size=64), 0.01, 0.01).relation == "undecided"
    assert stats.decide(generations(0.4, size=64), 0.01, 0.01).relation == "faster"
    assert stats.decide(generations(-0.4, size=64), 0.01, 0.01).relation == "slower"


def test_processes_that_differ_seldom_make_a_false_win():
    rng = random.Random(7)
    wins, by_rounds = 0, 0
    for _ in range(1000):
        groups = [
            [process + rng.gauss(0, 0.02) for _ in range(32)]
            for process in (rng.gauss(0, 0.03) for _ in range(4))
        ]
        found = stats.decide(groups, 0.01, 0.0025)
        wins += found.relation in ("faster", "slower")
        by_rounds += found.low > stats.SMALLEST_WIN or found.high < -stats.SMALLEST_WIN
    assert wins <= 5
    assert by_rounds > 150  # what an interval over rounds would have called


def test_a_win_must_clear_what_the_twin_shows():
    wide = [0.05 * (-1) ** i for i in range(32)]
    clear = stats.margin([wide], 0.01)
    assert clear == pytest.approx(0.05)
    assert stats.decide(generations(0.04, 0.04, 0.04), clear, 0.01).relation == "undecided"
    assert stats.decide(generations(0.06, 0.06, 0.06), clear, 0.01).relation == "faster"


def test_a_tie_is_a_narrow_interval_never_a_noisy_one():
    assert stats.decide([[0.004, -0.004] * 20], 0.01, 0.01).relation == "tie"
    assert stats.decide([[0.4, -0.4] * 20], 0.4, 0.01).relation == "undecided"


def test_looks_end_with_the_last_round():
    assert stats.looks(128) == (16, 32, 64, 128)
    assert stats.looks(20) == (16, 20)


def test_no_false_win_in_a_hundred_trials_is_below_three_percent():
    assert stats.binomial_upper(0, 100) == pytest.approx(0.0295, abs=0.001)


@pytest.mark.parametrize(
    ("rounds", "least", "size"), [(128, 1, 8), (1024, 1, 32), (25, 0.5, 4), (64, 14, 16), (16, 99, 4)]
)
def test_generations_are_about_ten_and_worth_their_start(rounds, least, size):
    assert stats.generation_size(rounds, least) == size


def test_looks_fall_on_the_end_of_a_generation():
    ends, end = [], 0
    while end < 128:
        ends.append(end := stats.generation_end(end, 8, 128))
    assert ends == [8, 16, 24, 32, 48, 64, 80, 96, 112, 128]
    assert set(stats.looks(128)) <= set(ends)
    assert stats.generation_end(0, 8, 5) == 5


def test_the_quantile_is_that_of_students_table():
    assert stats.student(7, 0.01) == pytest.approx(3.4995, abs=1e-3)
