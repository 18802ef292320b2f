"""A winner is measured again in new processes, and is none if it does not win there."""

from dataclasses import replace

import pytest
from races import candidate

from hpcbench.contender import Entry
from hpcbench.evaluate import CONFIRM_FROM, CONFIRM_ROUNDS
from hpcbench.measure import WorkerArm
from hpcbench.processes import ArmFailure
from hpcbench.spec import Setting

QUICK = Entry(candidate("return honest(in, out);"), Setting(), "quick", trusted=False)


def again(monkeypatch, change):
    """Has ``change`` make something else of the candidate's samples in the confirmation."""
    sample = WorkerArm.sample

    def sampled(self, input_set, batch, phase="total", round=-1, seed=0):
        told = sample(self, input_set, batch, phase, round, seed)
        return change(told) if round >= CONFIRM_FROM and self.id.startswith("quick") else told

    monkeypatch.setattr(WorkerArm, "sample", sampled)


def test_a_winner_is_measured_again(race, monkeypatch):
    rounds = []
    again(monkeypatch, lambda told: rounds.append(told.round) or told)
    found = race([QUICK]).results["quick"]
    assert (found.relation, found.stages[-1].name, found.stages[-1].code) == ("faster", "confirm", "correct")
    assert rounds == [*range(CONFIRM_FROM, CONFIRM_FROM + CONFIRM_ROUNDS)]
    assert found.rounds < CONFIRM_FROM


def test_who_does_not_win_again_has_not_won(race, monkeypatch):
    again(monkeypatch, lambda told: replace(told, wall_s=100 * told.wall_s, cpu_s=100 * told.cpu_s))
    found = race([QUICK]).results["quick"]
    assert (found.verdict, found.relation) == ("correct", "undecided")
    assert (found.stages[-1].name, found.stages[-1].code) == ("confirm", "not_checked")


def test_samples_that_the_kernel_does_not_account_for_are_timed_by_the_wall_clock(race, monkeypatch):
    again(monkeypatch, lambda told: replace(told, cpu_s=0.0))
    found = race([QUICK]).results["quick"]
    assert (found.relation, found.stages[-1].name, found.stages[-1].code) == ("faster", "confirm", "correct")


@pytest.mark.parametrize("code", ["timeout", "forbidden"])
def test_who_fails_there_has_failed(race, monkeypatch, code):
    def fails(told):
        raise ArmFailure(code, "it failed")

    again(monkeypatch, fails)
    found = race([QUICK]).results["quick"]
    assert (found.verdict, found.stages[-1].message) == (code, "it failed")
