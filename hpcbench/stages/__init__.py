"""What a candidate from outside goes through before it may race: one file per stage.

A stage is a module with ``ORDER``, an integer, and ``check(subject) -> Stage``; its name is the file's. Stages run
in ascending order until one does not pass. What cannot be checked here (a tool is absent) is ``not_checked``, never
passed. A new stage is one new file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hpcbench.case import Case
from hpcbench.contender import Entry
from hpcbench.protocols import Event
from hpcbench.registry import Kernel
from hpcbench.spec import Candidate, Setting, Stage
from hpcbench.store import Journal

PASSED = ("correct", "not_checked")


@dataclass(frozen=True)
class Bench:
    """What a candidate is judged on: the case of the race, the baseline, the setting, where to write."""

    case: Case
    anchor: Entry
    setting: Setting
    journal: Journal
    machine_id: str
    on_event: Event
    trust: bool = False


@dataclass
class Subject:
    """The candidate in judgement: what is asked of it, and what earlier stages found out.

    Attributes
    ----------
    object : the shared object or Python file, once it is built.
    seed : of the hidden inputs.
    """

    candidate: Candidate
    bench: Bench
    seed: int
    object: Path | None = None
    stages: list[Stage] = field(default_factory=list)

    @property
    def kernel(self) -> Kernel:
        """The kernel that it claims to be."""
        return self.bench.case.kernel

    @property
    def passed(self) -> bool:
        """Whether nothing has been found against it."""
        return all(stage.code in PASSED for stage in self.stages)


def stages() -> list[tuple[str, Callable[[Subject], Stage]]]:
    """Name and check of every stage, in order."""
    found = [
        (info.name, importlib.import_module(f"{__name__}.{info.name}"))
        for info in pkgutil.iter_modules(__path__)
        if not info.name.startswith("_")
    ]
    return [(name, module.check) for name, module in sorted(found, key=lambda pair: pair[1].ORDER)]


def examine(subject: Subject) -> Iterator[Stage]:
    """Run the stages; ends behind the first one that does not pass."""
    for _, check in stages():
        stage = check(subject)
        subject.stages.append(stage)
        yield stage
        if not subject.passed:
            return
