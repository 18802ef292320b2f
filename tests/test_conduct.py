"""What an arm may not do beside its answers, by the numbers that the system tells of it."""

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from hpcbench import conduct
from hpcbench.conduct import LENIENT, MOST_STRAYS, STRAY_IN, Conduct, Tally
from hpcbench.processes import ArmFailure

MS = 1_000_000


def of(width=1, trusted=False, others=None, own=None):
    census, others = SimpleNamespace(cpu=[0], asleep=[0], moved=lambda: False), others or Tally()
    return Conduct(census, width, trusted, (others if trusted else own or Tally(), others))


@pytest.mark.parametrize("width", [1, 2])
def test_more_processors_than_declared_are_told_when_it_is_no_exception(width):
    arm, much = of(width), (width + 1) * 10 * MS
    for _ in range(MOST_STRAYS):
        arm.share(much, 10 * MS, 10 * MS)
        arm.share(width * 10 * MS, 10 * MS, 10 * MS)
    with pytest.raises(ArmFailure, match=f"used {width + 1}.0 processors, {width} declared"):  # noqa: PT012
        for _ in range(3 * MOST_STRAYS):
            arm.share(much, 10 * MS, 10 * MS)
    trusted = of(width, trusted=True)
    for _ in range(9):
        trusted.share(much, 10 * MS, 10 * MS)


def test_an_answer_before_the_start_is_told_at_once():
    with pytest.raises(ArmFailure, match="before it was started"):
        of().share(0, -5, 10 * MS)


def test_work_after_an_answer_counts_and_is_told_when_it_is_no_exception():
    arm = of()
    assert arm.parked([40_000]) == 0
    assert arm.parked([950_000]) == 900_000
    for _ in range(MOST_STRAYS):
        assert arm.parked([3 * MS]) == 3 * MS - conduct.ANSWER_NS
    with pytest.raises(ArmFailure, match=r"worked for 3.0 ms after it had answered"):
        arm.parked([3 * MS])
    assert of(trusted=True).parked([3 * MS]) == 0


def test_two_bursts_as_long_as_samples_are_enough_over_all_processes():
    noise, own = Tally(samples=30, strays=30), Tally()
    of(others=noise, own=own).parked([40 * MS])
    of(others=noise, own=own).parked([3 * MS])
    with pytest.raises(ArmFailure, match=r"worked for 30.0 ms after it had answered"):
        of(others=noise, own=own).parked([30 * MS])
    of(others=Tally(samples=1, strays=1, bursts=1), own=replace(own, samples=9)).parked([30 * MS])


def test_now_and_then_a_stray_is_no_offence_but_twice_as_often_it_is():
    arm, rare = of(), of()
    for _ in range(20):
        for _ in range(STRAY_IN):
            rare.share(MS, MS, MS)
        rare.parked([3 * MS])
    with pytest.raises(ArmFailure, match="after it had answered"):  # noqa: PT012
        for _ in range(20):
            for _ in range(STRAY_IN // 2):
                arm.share(MS, MS, MS)
            arm.parked([3 * MS])


def test_what_befalls_trusted_arms_as_often_is_the_machines():
    noise = Tally()
    trusted, unlucky, busy = of(trusted=True, others=noise), of(others=noise), of(others=noise)
    for i in range(10):
        trusted.share(MS, MS, MS)
        if i % 3 == 0:
            trusted.parked([3 * MS])
    assert (noise.samples, noise.strays) == (10, 4)
    for i in range(60):
        unlucky.share(MS, MS, MS)
        if i % 3 == 0:
            unlucky.parked([3 * MS])
    with pytest.raises(ArmFailure, match="after it had answered"):  # noqa: PT012
        for i in range(60):
            busy.share(2 * MS if i % 3 == 0 else MS, MS, MS)
            busy.parked([3 * MS])
    assert busy._own.strays < 2 * MOST_STRAYS / (1 - LENIENT * noise.strays / noise.samples)


def test_what_waking_up_costs_trusted_arms_is_no_processor_more():
    noise = Tally()
    trusted, woken, wide = of(trusted=True, others=noise), of(others=noise), of(others=noise)
    for _ in range(10):
        trusted.share(9 * MS // 2, 4 * MS, 4 * MS)
    assert (noise.strays, noise.usual_excess()) == (0, MS // 2)
    for _ in range(60):
        woken.share(3 * MS // 2, MS, MS)
    assert not woken._own.strays
    with pytest.raises(ArmFailure, match=r"used 2.0 processors"):  # noqa: PT012
        for _ in range(60):
            wide.share(2 * MS, MS, MS)


def test_where_nothing_is_timed_no_work_is_at_an_ill_time():
    arm = Conduct(of()._census, 1, False)
    for _ in range(9 * MOST_STRAYS):
        arm.share(30 * MS, 10 * MS, 10 * MS)
        arm.parked([3 * MS])
    with pytest.raises(ArmFailure, match="before it was started"):
        arm.share(0, -5, 10 * MS)


def test_work_before_it_sleeps_counts_by_the_smaller_of_two_clocks():
    arm = of()
    arm._census.cpu, arm._census.asleep = [10 * MS], [20 * MS]
    assert arm.late(19_300_000, [9_400_000]) == 600_000 - conduct.ANSWER_NS
    assert arm.late(19_700_000, [0]) == 300_000 - conduct.ANSWER_NS


def test_threads_are_counted(monkeypatch):
    text = "import threading, time; [threading.Thread(target=time.sleep, args=(30,)).start() for _ in range(9)]; print(1, flush=True)"
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        of().threads([process.pid])
        monkeypatch.setattr(conduct, "MOST_THREADS", 9)
        with pytest.raises(ArmFailure, match="it started 10 threads"):
            of().threads([process.pid])
        process.kill()
