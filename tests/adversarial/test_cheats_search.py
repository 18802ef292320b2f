"""What a search can make of a judge: submitting until lucky (class 35), and beating a straw man (class 36)."""

from dataclasses import replace

import naive
import pytest
from judges import judged

from hpcbench import registry

pytestmark = pytest.mark.slow
KERNEL = registry.kernel("spgemm")
SUBMISSIONS = 8


def test_the_baseline_submitted_again_and_again_never_wins(tmp_path):
    """The luckiest of several naive measurements of one kernel is a gain; here none of them is."""
    again = replace(KERNEL.variant("gustavson").candidate(), origin="the baseline again")
    lucky = []
    for _ in range(SUBMISSIONS):
        passed, speedup = naive.naive(again)
        assert passed
        lucky.append(speedup)
        naive._known.clear()
    assert max(lucky) > 1.02 * min(lucky)
    results = [judged(again, tmp_path / str(k), anchor="gustavson") for k in range(SUBMISSIONS)]
    assert {r.verdict for r in results} == {"correct"}
    assert "faster" not in {r.relation for r in results}


def test_what_beats_a_slow_baseline_does_not_beat_the_strongest(tmp_path):
    ours = replace(KERNEL.variant("gustavson").candidate(), origin="ours")
    weak, strong = (
        judged(ours, tmp_path / name, seconds=10, anchor=name) for name in ("scipy_csr", "gustavson")
    )
    assert weak.verdict == strong.verdict == "correct"
    assert weak.speedup
    assert strong.speedup
    assert weak.speedup[0] > naive.FASTER > strong.speedup[0]
    assert strong.relation != "faster"
    assert strong.floor_share is not None
