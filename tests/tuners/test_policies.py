"""Every policy: it finds what is cheap, at the rate it should, tells its chances, goes on from its state, and refuses nonsense."""

import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pytest

from tuners import policies
from tuners.policy import PolicyError, Randomised

ARMS = [{"omega": 1 + k / 10} for k in range(5)]
NAMES = policies.names()
LEARNERS = [name for name in NAMES if name != "random"]
DRAWN = [name for name in NAMES if issubclass(policies.policy(name), Randomised)]


def made(name, **options):
    return policies.policy(name)(ARMS, **{"seed": 1, **options})


def regret(name, steps, seed, others=0.7, late=0.7):
    """(steps,), against the best fixed one of five arms: one costs 0.4, the second ``late`` after half of the time."""
    policy, rng = made(name, seed=seed), np.random.default_rng([seed, 1])
    means, paid = np.full((2, 5), others), np.zeros(steps)
    means[:, 3], means[1, 1] = 0.4, late
    for step in range(steps):
        trial = policy.ask((0.5,))
        paid[step] = means[2 * step // steps, ARMS.index(trial.arm)]
        policy.tell(trial, paid[step] + 0.1 * rng.uniform(-1, 1))
    return np.cumsum(paid - means.mean(0).min())


def slope(name):
    """Of the logarithm of regret over that of time, from a thousand steps to eight thousand."""
    runs = np.mean([regret(name, 8000, seed) for seed in range(6)], axis=0)
    return np.log(runs[-1] / runs[999]) / np.log(8)


def after_a_hundred_thousand(name, seed):
    return regret(name, 100_000, seed)[[999, 9_999, 99_999]]


@pytest.mark.parametrize("name", LEARNERS)
def test_regret_grows_at_most_like_the_root_of_time(name):
    assert slope(name) < 0.6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("thompson", 0.2),  # stated: the logarithm, which grows like the power 0.11 here
        ("tsallis_inf", 0.3),
        ("chebcb", 0.55),  # stated: the root
        ("successive_halving", 0.55),  # of its races, likewise
    ],
)
def test_regret_grows_as_stated_for_thirty_seeds(name, most):
    with ProcessPoolExecutor(2) as pool:
        short, middle, long = np.mean(
            list(pool.map(partial(after_a_hundred_thousand, name), range(30))), axis=0
        )
    assert np.log10(long / short) / 2 < most
    assert np.log10(long / middle) < most + 0.05


def test_tsallis_inf_bears_costs_that_are_chosen_against_it(monkeypatch):
    """An arm that nobody plays becomes the best: others lose in every step."""

    def lost(name):
        return np.mean([regret(name, 10_000, seed, others=0.5, late=0.1)[-1] for seed in range(4)])

    assert lost("tsallis_inf") < 100  # the root of time
    assert lost("thompson") > 500
    monkeypatch.setattr("tuners.policies.tsallis_inf.RATE", 1e-3)
    assert lost("tsallis_inf") > 500


def test_the_control_learns_nothing():
    assert slope("random") == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("policy", "constant", "wrong"),
    [
        ("tsallis_inf", "RATE", 1e-3),
        ("chebcb", "GREED", 1e-3),
        ("epsilon_greedy", "FREELY", 1e6),
    ],
)
def test_a_wrong_constant_is_seen(policy, constant, wrong, monkeypatch):
    monkeypatch.setattr(f"tuners.policies.{policy}.{constant}", wrong)
    assert slope(policy) > 0.8


@pytest.mark.parametrize("name", DRAWN)
def test_a_trial_tells_the_chance_that_it_had(name):
    policy = made(name)
    for _ in range(30):
        policy.tell(policy.ask((0.2,)), 0.5)
    chances = policy.chances(-0.6)
    drawn = [policy.ask((0.2,)) for _ in range(4000)]
    assert chances.sum() == pytest.approx(1)
    for arm, chance in zip(ARMS, chances, strict=True):
        told = [trial.probability for trial in drawn if trial.arm == arm]
        assert len(told) == pytest.approx(4000 * chance, abs=4.5 * np.sqrt(4000 * chance) + 1)
        assert np.allclose(told, chance)


def test_chebcb_follows_the_context():
    policy, rng, cost = made("chebcb"), np.random.default_rng(0), []
    for _ in range(3000):
        z = rng.uniform()
        trial = policy.ask((z,))
        cost.append((trial.arm["omega"] - 1 - 0.4 * z) ** 2 * 4)
        policy.tell(trial, cost[-1])
    fixed = min(np.mean([(a["omega"] - 1 - 0.4 * z) ** 2 * 4 for z in np.linspace(0, 1, 200)]) for a in ARMS)
    assert np.mean(cost[1500:]) < 0.5 * fixed


@pytest.mark.parametrize("steps", [0, 1, 200])
@pytest.mark.parametrize("name", NAMES)
def test_it_goes_on_from_its_state(name, steps):
    one, other = made(name), made(name, seed=99)
    for k in range(steps):
        one.tell(one.ask((k % 7 / 7,)), k % 3 / 3)
    waiting = one.ask((0.1,))
    other.restore(json.loads(json.dumps(one.state())))
    for policy in (one, other):
        policy.tell(waiting, 0.2)
    for k in range(100):
        trials = [policy.ask((k % 5 / 5,)) for policy in (one, other)]
        assert trials[0] == trials[1]
        for policy, trial in zip((one, other), trials, strict=True):
            policy.tell(trial, k % 4 / 4)


@pytest.mark.parametrize("name", NAMES)
def test_trials_may_end_in_any_order_and_all_may_fail(name):
    policy = made(name)
    for _ in range(50):
        for trial in reversed([policy.ask((0.5,)) for _ in range(4)]):
            policy.tell(trial, 1.0, censored=True)
    assert policy.ask((0.0,)).arm in ARMS
    assert np.isfinite([np.asarray(policy.state()[field]).sum() for field in policy.FIELDS]).all()


def test_some_begin_anew_when_costs_change():
    """The arm that was the best becomes the worst after a thousand steps."""

    def late(name):
        policy, rng, played = made(name), np.random.default_rng(0), []
        for step in range(1500):
            trial = policy.ask((0.5,))
            played.append(ARMS.index(trial.arm))
            mean = (
                [0.3, 0.4, 0.4, 0.4, 0.4][played[-1]]
                if step < 1000
                else [0.6, 0.4, 0.4, 0.4, 0.3][played[-1]]
            )
            policy.tell(trial, mean + 0.05 * rng.standard_normal())
        return np.mean(np.array(played[1100:]) == 4)

    assert late("restart_chebcb") > max(0.8, late("chebcb") + 0.1)


def test_noise_is_no_change():
    policy, rng = made("restart_chebcb"), np.random.default_rng(2)
    for _ in range(2000):
        policy.tell(policy.ask((0.5,)), 0.5 + 0.1 * rng.standard_normal())
    assert policy.told > 500


def heavy(name, seed):
    """The share of the best of four arms, whose costs have a tail of index 1.5, among the last 300 of 600 plays."""
    policy, rng, played = policies.policy(name)(ARMS[:4], seed=seed), np.random.default_rng([seed, 1]), []
    for _ in range(600):
        trial = policy.ask()
        played.append(ARMS.index(trial.arm))
        policy.tell(trial, (0.02 if played[-1] == 2 else 0.03) * (1 + rng.pareto(1.5)))
    return np.mean(np.array(played[300:]) == 2)


def test_robust_thompson_bears_heavy_tails():
    robust, plain = (
        np.mean([heavy(name, seed) for seed in range(8)]) for name in ("robust_thompson", "thompson")
    )
    assert robust > max(0.8, plain + 0.1)


def test_halving_races_of_many_arms_only_some_and_keeps_the_winner():
    """Where costs do not vary, the best that was ever played is played between races."""
    arms = [{"place": k} for k in range(300)]
    policy, played = policies.policy("successive_halving")(arms, seed=3), []
    for _ in range(3000):
        trial = policy.ask()
        played.append(trial.arm["place"])
        policy.tell(trial, abs(trial.arm["place"] - 123) / 300)
    assert len(set(played[:64])) == 64
    assert len(set(played[64:128])) == 32
    for part in (played[:600], played):
        best = min(set(part), key=lambda place: abs(place - 123))
        assert part[-100:].count(best) > 60


@pytest.mark.parametrize(("count", "several"), [(64, 8), (16, 4), (5, 5)])
def test_halving_bears_trials_in_flight_and_lost_ones(count, several):
    """Told in any order, one in fifty never: the best arm is found all the same."""
    arms, rng = [{"place": k} for k in range(count)], np.random.default_rng(0)
    policy, waiting, played = policies.policy("successive_halving")(arms, seed=1), [], []
    for _ in range(3000):
        waiting.append(policy.ask())
        played.append(waiting[-1].arm["place"])
        if rng.uniform() < 0.02:
            waiting.pop()
        if len(waiting) == several:
            trial = waiting.pop(int(rng.integers(several)))
            policy.tell(trial, abs(trial.arm["place"] - count // 2) / count + 0.01 * rng.uniform())
    assert np.mean(np.array(played[-500:]) == count // 2) > 0.6


def test_halving_ranks_all_blocks_of_a_round():
    """Four arms, all asked beforehand: after one block two stay, after two more the one that was ahead in both."""
    policy = policies.policy("successive_halving")(ARMS[:4], seed=0)
    for trial in [policy.ask() for _ in range(4)]:
        policy.tell(trial, ARMS.index(trial.arm))
    trials = [policy.ask() for _ in range(4)]
    assert sorted(ARMS.index(t.arm) for t in trials) == [0, 0, 1, 1]
    for trial in trials[:2]:
        policy.tell(trial, -ARMS.index(trial.arm))
    assert len(policy.racing) == 2
    for trial in trials[2:]:
        policy.tell(trial, -ARMS.index(trial.arm))
    assert len(policy.racing) == 1


def test_grid_takes_all_in_turn():
    policy = made("grid")
    trials = [policy.ask() for _ in range(15)]
    assert [t.arm for t in trials] == ARMS * 3
    for trial in trials:
        policy.tell(trial, abs(ARMS.index(trial.arm) - 2))
    assert policy.ask().arm == ARMS[2]


def test_thompson_learns_costs_as_they_are():
    """One arm is five times, the other ten times what was thought to be the most."""
    policy, played = policies.policy("thompson")(ARMS[:2], scale=1.0, seed=0), []
    for _ in range(200):
        trial = policy.ask()
        played.append(ARMS.index(trial.arm))
        policy.tell(trial, [10.0, 5.0][played[-1]])
    assert np.mean(played[20:]) > 0.95


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_is_refused(name):
    policy = made(name)
    trial = policy.ask()
    for odd in (float("nan"), float("inf")):
        with pytest.raises(PolicyError, match="not a number"):
            policy.tell(trial, odd)
    policy.tell(trial, 0.5)
    with pytest.raises(PolicyError, match="not open"):
        policy.tell(trial, 0.5)
    state = policy.state()
    for key, value in (("arms", "others"), ("policy", "Other"), ("version", 2)):
        with pytest.raises(PolicyError, match=key):
            policy.restore(state | {key: value})
    with pytest.raises(PolicyError, match="at least one arm"):
        policies.policy(name)([])
    with pytest.raises(PolicyError, match="tsallis_inf"):
        policies.policy("no_such")
