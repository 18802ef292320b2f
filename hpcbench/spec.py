"""The records that travel between the stages of hpcbench.

Every record is a frozen dataclass; :mod:`hpcbench.codec` gives each its one JSON form. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Union

from hpcbench.codec import digest, encode

SCHEMA = 1
ABI = 1

Value = Union[bool, int, float, str]
Code = Literal["correct", "compile", "constraints", "runtime", "timeout", "correctness", "race", "forbidden"]
Language = Literal["c", "cpp", "cuda", "python"]
Model = Literal["serial", "openmp", "mpi", "cuda", "mpi+openmp"]
Relation = Literal["faster", "slower", "tie", "undecided", "none"]
Phase = Literal["total", "setup", "run"]
Pages = Literal["prefaulted", "cold"]


class HpcbenchError(Exception):
    """An error a user can mend: one line with the cause, the file or option, and the way out.

    ``exit_code`` is what a command ends with: 1 a check failed, 2 usage, 3 nothing could run.
    """

    exit_code = 2


@dataclass(frozen=True)
class Param:
    """One tunable parameter of a variant.

    ``when="build"`` becomes ``-DNAME=value``; ``when="run"`` becomes one 8-byte field (``int64_t``
    or ``double``) of the variant's ``struct params``, in the order of declaration.
    """

    name: str
    when: Literal["build", "run"]
    default: Value
    values: tuple[Value, ...] = ()
    low: float | None = None
    high: float | None = None
    log: bool = False


@dataclass(frozen=True)
class Candidate:
    """A kernel implementation to be judged: source, language, model, parameter values and flags."""

    kernel: str
    language: Language
    model: Model
    source: bytes
    params: Mapping[str, Value] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    origin: str = ""
    parents: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Sixteen hex digits of the SHA-256 of everything but ``origin`` and ``parents``."""
        body = encode(self)
        del body["origin"], body["parents"]
        return digest({**body, "abi": ABI})


@dataclass(frozen=True)
class Setting:
    """Where and how a candidate runs: ranks, threads per rank, device, binding, state of its pages."""

    ranks: int = 1
    threads: int = 1
    device: str = "cpu"
    binding: str = "compact"
    pages: Pages = "prefaulted"

    @property
    def label(self) -> str:
        """Short form for tables: ``1r x 2t``, or the device."""
        if self.device != "cpu":
            return self.device
        return f"{self.ranks}r x {self.threads}t"


@dataclass(frozen=True)
class Budget:
    """What a command may still spend: seconds of wall time and rounds per race."""

    deadline: float = 60.0
    evaluations: int = 0
    rounds: int = 128
    tokens: int = 0
    usd: float = 0.0


COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class Stage:
    """One stage that a candidate went through; ``not_checked`` is never to be read as passed.

    A message may be the candidate's own words: what could not be printed, or would move a terminal, is a `?` there.
    """

    name: str
    code: str
    message: str = ""
    seconds: float = 0.0
    tool: str = ""

    def __post_init__(self) -> None:
        plain = COLOURS.sub("", self.message).replace("\t", " ")
        if not plain.replace("\n", "").isprintable():
            plain = "".join(c if c == "\n" or c.isprintable() else "?" for c in plain)
        object.__setattr__(self, "message", plain)


@dataclass(frozen=True)
class Measurement:
    """One raw sample: ``batch`` calls took ``wall_s`` seconds by the parent's clock.

    ``cpu_s`` is the CPU time of the arm's processes by the kernel's clock, ``switches`` their
    involuntary context switches, ``rank_s`` the seconds each rank took to answer after the release.
    """

    arm: str
    process: int
    round: int
    batch: int
    wall_s: float
    cpu_s: float
    switches: int = 0
    rank_s: tuple[float, ...] = ()
    phase: Phase = "total"


@dataclass(frozen=True)
class Result:
    """The verdict on one candidate under one setting on one case.

    ``speedup`` is (median, low, high) of the anchor's time over the candidate's; ``aa`` the same for
    the anchor's own twin; ``call_s``, ``setup_s`` and ``run_s`` are median seconds per call;
    ``detectable`` the smallest speedup this race could have told from none; ``floor_share`` the
    physical floor over the measured time; ``traffic`` for each rank the messages and bytes that one call,
    setup and run, hands to MPI for other ranks; ``told`` numbers that the kernel has to show of the
    first output, by name (of a solver its iterations, residual and error), and ``history`` the norms on the
    way there by the candidate's own account; ``samples`` the journal key of the raw rows.
    """

    candidate: str
    variant: str
    kernel: str
    contract: str
    case: str
    input_hash: str
    setting: Setting
    machine: str
    verdict: Code
    stages: tuple[Stage, ...] = ()
    trusted: bool = True
    anchor: str = ""
    speedup: tuple[float, float, float] | None = None
    relation: Relation = "none"
    aa: tuple[float, float, float] | None = None
    rounds: int = 0
    clock: Literal["wall", "cpu"] = "wall"
    call_s: float | None = None
    setup_s: float | None = None
    run_s: float | None = None
    detectable: float | None = None
    floor_share: float | None = None
    traffic: tuple[tuple[int, int], ...] = ()
    told: Mapping[str, float] = field(default_factory=dict)
    history: tuple[float, ...] = ()
    samples: str = ""
    schema: int = SCHEMA


@dataclass(frozen=True)
class Skip:
    """A variant that could not take part here, and why."""

    variant: str
    kernel: str
    setting: Setting
    reason: str


@dataclass(frozen=True)
class Ranking:
    """Groups of arm labels of one case, fastest first; the members of a group tie."""

    case: str
    groups: tuple[tuple[str, ...], ...]
    kind: str = "ranking"


@dataclass(frozen=True)
class Task:
    """One unit of work for an Executor: a command line that writes a journal."""

    id: str
    argv: tuple[str, ...]
    seed: int


@dataclass(frozen=True)
class Trial:
    """What a policy proposes: an arm's values, the probability it was drawn with, and its context."""

    id: str
    arm: Mapping[str, Value]
    probability: float | None = None
    context: tuple[float, ...] = ()
