"""Who takes part in a race: a candidate under a setting, and its state while the race runs."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hpcbench import build, cache, launch, registry, sandbox, stats
from hpcbench.conduct import Tally
from hpcbench.instrument import Instrument
from hpcbench.spec import (
    Candidate,
    Code,
    Measurement,
    Phase,
    Setting,
    Stage,
)
from hpcbench.wire import Program

ANCHOR, TWIN = "anchor", "twin"
LOOKS = 8  # at an untrusted contender's timed outputs: half of them left out stay unseen once in 256 races


@dataclass(frozen=True)
class Entry:
    """A candidate under a setting; ``name`` is the variant with the parameters that were chosen.

    What is not ``trusted`` is compiled and run behind a wall; with ``watch`` it is built and run under that.
    """

    candidate: Candidate
    setting: Setting
    name: str
    trusted: bool = True
    watch: Instrument | None = None

    def wall(self, program: Program) -> sandbox.Wall | None:
        """What the processes of the candidate can reach; None for a trusted one."""
        if self.trusted:
            return None
        if program.language == "python":
            return sandbox.python(program.path)
        needs = sandbox.TALKS if program.under_mpi else 0
        return sandbox.native(program.path, needs, more=self.watch.readable if self.watch else ())

    def program(self, salt: str = "") -> Program:
        """Build what a worker loads, behind a wall unless the candidate is trusted.

        Raises
        ------
        BuildError, NoCompiler
        """
        one, under_mpi, watch = self.candidate, "mpi" in self.candidate.model, self.watch
        if one.language == "python":
            path = cache.place(one.source, salt)
        else:
            tool = watch.compilers[one.language] if watch else None
            if under_mpi:
                tool = launch.mpi().compiler(one.language)
            inside = None if self.trusted else launch.inside
            path = build.build(
                one,
                tool=tool,
                watch=(*watch.flags, *watch.candidate) if watch else (),
                salt=salt,
                inside=inside,
            ).path
        run = tuple(v for k, v in one.params.items() if not build.is_build_param(one, k))
        words = registry.kernel(one.kernel).status
        return Program(one.kernel, one.language, path, run, one.params, under_mpi, watch, words)

    @property
    def label(self) -> str:
        """Name and setting; unique within a race."""
        return f"{self.name} {self.setting.label}"


@dataclass
class Contender:
    """The state of one entry in a running race.

    ``batch`` calls make one sample; ``timed`` are the seconds per call of the screening; ``phases``
    those of setup and run alone; ``looks`` counts the timed outputs that were verified; ``racing`` ends with a
    failure or when all is settled; ``traffic``, ``told`` and ``history`` are of the first call in fresh processes.
    All that are trusted share one ``tally``.
    """

    entry: Entry
    label: str
    program: Program | None = None
    batch: int = 1
    verdict: Code = "correct"
    racing: bool = True
    screened: bool = False
    unavailable: str = ""
    stages: list[Stage] = field(default_factory=list)
    samples: list[Measurement] = field(default_factory=list)
    screening_s: float | None = None
    looks: int = 0
    phases: dict[Phase, list[float]] = field(default_factory=dict)
    decision: stats.Decision | None = None
    confirmed: bool | None = None
    traffic: tuple[tuple[int, int], ...] = ()
    told: Mapping[str, float] = field(default_factory=dict)
    history: tuple[float, ...] = ()
    tally: Tally = field(default_factory=Tally)

    @property
    def open(self) -> bool:
        """Whether it still takes part in rounds."""
        return self.racing and not self.screened

    def looks_after(self, looks: int) -> int:
        """Least ``looks`` at the end of a generation before which there were so many."""
        return looks + 1 if self.entry.trusted else max(LOOKS, looks + 1)

    def checks(self, rounds: range, rng: random.Random) -> list[int]:
        """Rounds, drawn from those of a generation, in which its outputs are to be looked at."""
        if self.entry.trusted:
            return [rng.choice(rounds)]
        in_one = 1 if self.entry.candidate.language == "python" else min(self.batch, LOOKS)
        wanted = max(2, -(-(self.looks_after(self.looks) - self.looks) // in_one))
        return rng.sample(rounds, min(len(rounds), wanted))

    def passed(self, name: str, seconds: float, tool: str = "") -> None:
        """Record a stage that it passed."""
        self.stages.append(Stage(name, "correct", "", seconds, tool))

    def locate(self, title: str) -> None:
        """Say on which of several inputs it has failed."""
        if title:
            last = self.stages[-1]
            self.stages[-1] = replace(last, message=f"on a hidden input ({title}): {last.message}")

    def fail(self, name: str, code: Code, message: str, seconds: float = 0.0) -> None:
        """Record a failed stage; it is the verdict."""
        self.stages.append(Stage(name, code, message, seconds))
        self.verdict, self.racing = code, False
