"""What plugs in, by its protocol: arms, races, policies, proposers and executors. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from hpcbench.spec import Budget, Candidate, Measurement, Phase, Result, Task, Trial


class Arm(Protocol):
    """Something that can be timed: a kernel worker, an MPI group, a user's command."""

    id: str

    def sample(self, input_set: int, batch: int, phase: Phase = "total") -> Measurement:
        """Time ``batch`` calls, the first on input set ``input_set``."""

    def close(self) -> None:
        """End the arm's processes."""


class Race(Protocol):
    """Judges candidates under settings on one case, against an anchor that races along."""

    def evaluate(self, entries: Sequence[Any], budget: Budget) -> list[Result]:
        """One Result per entry, the anchor's first; a candidate's failure is its verdict."""


class Policy(Protocol):
    """Chooses values online from costs, never rewards; its state is JSON and restarts it exactly."""

    def ask(self, context: Sequence[float] | None = None) -> Trial:
        """The next trial; several may be in flight."""

    def tell(self, trial: Trial, cost: float, *, censored: bool = False) -> None:
        """What the trial cost; ``censored`` when it was stopped there and costs at least that."""

    def state(self) -> dict[str, Any]:
        """Everything :meth:`restore` needs: the generator's state, the space's hash, a version."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a :meth:`state`."""


class Proposer(Protocol):
    """Proposes candidates and learns from their results, rejections among them."""

    def propose(
        self, kernel: str, case: str, parents: Sequence[Result], lessons: str, n: int, budget: Budget
    ) -> list[Candidate]:
        """At most ``n`` new candidates."""

    def observe(self, results: Sequence[Result]) -> None:
        """The verdicts on what was proposed."""


class Executor(Protocol):
    """Runs tasks somewhere and returns the paths of their journals."""

    def map(self, tasks: Sequence[Task]) -> list[str]:
        """Run all tasks; return one journal path each, in the order of the tasks."""


Event = Callable[[str, Mapping[str, Any]], None]
