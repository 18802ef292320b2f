"""Who takes part in a race: a candidate under a setting, and its state while the race runs."""

from __future__ import annotations

import importlib.util
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version

from hpcbench import build, launch, machine, registry, sandbox, stats
from hpcbench.instrument import Instrument
from hpcbench.spec import (
    Candidate,
    Code,
    HpcbenchError,
    Measurement,
    Pages,
    Phase,
    Setting,
    Skip,
    Stage,
    Value,
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
            path = build.place(one.source, salt)
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


def settings(model: str, ranks: Sequence[int], threads: Sequence[int], pages: Pages) -> list[Setting]:
    """The settings that a model can use: OpenMP every number of threads, MPI every number of ranks.

    Of threads in ranks those that have a processor each, or all where none have.
    """
    if model == "cuda":
        return [Setting(device="cuda", pages=pages)]
    found = [
        Setting(ranks=r, threads=t, pages=pages)
        for r in (ranks if "mpi" in model else [1])
        for t in (threads if "openmp" in model else [1])
    ]
    fitting = [s for s in found if s.ranks * s.threads <= len(os.sched_getaffinity(0))]
    return (fitting or found) if model == "mpi+openmp" else found


def entries(
    variants: Sequence[registry.Variant],
    ranks: Sequence[int],
    threads: Sequence[int],
    pages: Pages = "prefaulted",
    params: Sequence[Mapping[str, Value]] = ({},),
    resident: bool = False,
) -> tuple[list[Entry], list[Skip]]:
    """Every variant under every setting its model can use; what cannot run here is skipped, with why.

    Parameters a variant does not have are left out for that variant. Where data are ``resident`` in a device's
    memory only what runs there takes part.
    """
    found: dict[str, Entry] = {}
    skips = []
    for variant in (v for v in variants if v.model == "cuda" or not resident):
        usable = settings(variant.model, ranks, threads, pages)
        if reason := unavailable(variant):
            skips.append(Skip(variant.name, variant.kernel, usable[0], reason))
            continue
        known = {p.name for p in variant.params}
        for setting in usable:
            for row in params:
                chosen = {k: v for k, v in row.items() if k in known}
                words = ",".join(f"{k}={v}" for k, v in chosen.items())
                name = f"{variant.name}[{words}]" if words else variant.name
                entry = Entry(variant.candidate(chosen), setting, name)
                found[entry.label] = entry
    return list(found.values()), skips


def baseline(
    kernel: registry.Kernel, contract: str, name: str | None = None, pages: Pages = "prefaulted"
) -> Entry:
    """What a race under ``contract`` compares with: the variant of that name, or else the kernel's own choice.

    Raises
    ------
    HpcbenchError
        When the data lie in a device's memory and it runs on none, or when it needs a device and there is none.
    """
    name = name or kernel.baseline(contract)
    variant = kernel.variant(name)
    on_device = variant.model == "cuda"
    if reason := unavailable(variant) if on_device else "runs on no device" * kernel.resident(contract):
        error = HpcbenchError(f"--contract {contract}: {name}: {reason}")
        error.exit_code = 3
        raise error
    return Entry(variant.candidate(), settings(variant.model, [1], [1], pages)[0], name)


def unavailable(variant: registry.Variant) -> str:
    """Why ``variant`` cannot run here, with what would help; empty when it can."""
    if variant.model == "cuda" and machine.gpu() is None:
        return "no CUDA device is visible"
    try:
        for name in variant.requires:
            if name.startswith("<"):
                if not build.has_header(name):
                    return f"the header {name} is not installed (a folder that holds it may stand in CPATH)"
            elif name.endswith(".so"):
                if not machine.library(name):
                    return f"{name} is not installed (a folder that holds it may stand in LD_LIBRARY_PATH)"
            elif importlib.util.find_spec(name) is None and not _distribution(name):
                return f"{name} is not installed (pip install {name})"
        if variant.language != "python":
            build.compiler(variant.language)
        if "mpi" in variant.model:
            launch.mpi()
    except HpcbenchError as error:
        return str(error)
    return ""


def tools() -> dict[str, str]:
    """Version lines of the C++ compiler and the MPI in use here; empty where there is none."""
    found = {"cxx": "", "mpi": ""}
    try:
        found["cxx"] = build.version(build.compiler("cpp"))
        found["mpi"] = launch.mpi().version
    except HpcbenchError:
        return found
    return found


def _distribution(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False
