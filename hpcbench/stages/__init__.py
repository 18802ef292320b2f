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

from hpcbench.registry import Kernel
from hpcbench.spec import Candidate, Setting, Stage


@dataclass
class Subject:
    """The candidate in judgement: what is asked of it, and what earlier stages found out.

    Attributes
    ----------
    object : the shared object or Python file, once it is built.
    seed : of the hidden inputs.
    """

    candidate: Candidate
    kernel: Kernel
    contract: str
    setting: Setting
    seed: int
    trust: bool = False
    object: Path | None = None
    stages: list[Stage] = field(default_factory=list)


def stages() -> list[tuple[str, Callable[[Subject], Stage]]]:
    """Name and check of every stage, in order."""
    found = [
        (info.name, importlib.import_module(f"{__name__}.{info.name}"))
        for info in pkgutil.iter_modules(__path__)
    ]
    return [(name, module.check) for name, module in sorted(found, key=lambda pair: pair[1].ORDER)]


def examine(subject: Subject) -> Iterator[Stage]:
    """Run the stages; ends behind the first one that does not pass."""
    for _, check in stages():
        stage = check(subject)
        subject.stages.append(stage)
        yield stage
        if stage.code not in ("correct", "not_checked"):
            return
