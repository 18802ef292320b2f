"""Arms that cannot be told apart share a group; those that can do not."""

import random

from hpcbench.rank import ranking
from hpcbench.spec import Measurement, Result, Setting


def arm(
    name: str, factor: float, spread: float = 0.01, verdict: str = "correct"
) -> tuple[Result, list[Measurement]]:
    rng = random.Random(name)
    times = [factor * rng.lognormvariate(0, spread) for _ in range(64)]
    samples = [Measurement(name, i // 16, i, 1, t, t) for i, t in enumerate(times)]
    result = Result("id", name, "k", "c", "case", "h", Setting(), "m", verdict, call_s=factor, samples=name,
                    speedup=(1 / factor, 0.9 / factor, 1.1 / factor), aa=(1.0, 0.99, 1.01))  # fmt: skip
    return result, samples


def groups(*arms) -> list[list[str]]:
    results = [r for r, _ in arms]
    order = ranking("case", results, {r.samples: s for r, s in arms})
    return [[name.split()[0] for name in group] for group in order.groups]


def test_close_arms_tie_and_distant_ones_do_not():
    assert groups(arm("slow", 2.0), arm("b", 1.001), arm("a", 1.0)) == [["a", "b"], ["slow"]]


def test_a_noisy_arm_joins_the_group_it_cannot_be_told_from():
    assert groups(arm("a", 1.0), arm("noisy", 1.1, spread=0.8)) == [["a", "noisy"]]


def test_what_failed_is_not_ranked():
    assert groups(arm("a", 1.0), arm("wrong", 0.1, verdict="correctness")) == [["a"]]


def test_an_arm_without_paired_rounds_stands_alone():
    lone, _ = arm("lone", 1.0)
    assert groups(arm("a", 1.0), (lone, [])) == [["a"], ["lone"]]
