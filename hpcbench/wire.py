"""What the harness and a measured process say to each other over a socket that the harness owns.

``worker.c`` (native candidates) and ``worker.py`` (Python candidates) speak the other half. A request is
32 bytes, a letter and three int64:

| letter | meaning | numbers |
|---|---|---|
| M | start MPI; the path of :func:`hpcbench.launch.mpi_driver` follows | its length |
| P | map memory, build the wall; descriptors of inputs and outputs come along, a plan follows | its length |
| L | load the candidate | |
| C | count the messages and bytes that this rank has handed to MPI for others | |
| S | sample: answer R, read the start (int64), wait, run, answer D, status (int64) | first, calls, phase, seed |
| F | copy the last result (Python), or that in a device's memory, into an output slot | slot |
| W | leave no answer in the slots of a device's memory | |
| T | tell what the last exception, or error of a device, was | |

The start lies a little ahead for arms of several threads, which spin until then: by that time the
parent sleeps, and its CPU is free for a thread that is woken.

The seed of :mod:`hpcbench.stream` stands above the phase's 8 bits. Every other answer is one line of JSON, with
``error`` when something failed. The layers of the wall are told before there is a candidate in the process that
could tell others.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from hpcbench import device, launch
from hpcbench.arena import Arena, SealedInputs
from hpcbench.instrument import Instrument
from hpcbench.sandbox import Wall
from hpcbench.spec import Phase, Value
from hpcbench.stream import SLACK

PHASES: dict[Phase, int] = {"total": 0, "setup": 1, "run": 2}
READY, DONE = b"R", b"D"
DONE_BYTES = 9
RAISED = -1  # status of a Python candidate that raised
DEVICE = 1 << 41  # of a candidate after which the device reports an error
ARITHMETIC = 1 << 40  # status of a native candidate that left the floating-point environment changed


@dataclass(frozen=True)
class Program:
    """What a worker loads: a shared object or Python file, with its run-time parameters in order.

    ``words`` say what the kernel's own return values mean. With ``watch`` the object was built under an
    instrument, and runs under it.
    """

    kernel: str
    language: str
    path: Path
    run_params: tuple[Value, ...]
    named_params: Mapping[str, Value]
    under_mpi: bool
    watch: Instrument | None = None
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """Where a worker may run, how many bytes of private memory it may use, and what it can reach.

    Without a wall the candidate is trusted.
    """

    cpus: Sequence[int]
    memory: int
    wall: Wall | None = None


def request(letter: str, *numbers: int, payload: bytes = b"") -> bytes:
    """The bytes of one request; a payload's length is its first number."""
    words = (len(payload),) if payload else numbers
    return struct.pack("<4q", ord(letter), *words, *(0,) * (3 - len(words))) + payload


def release(start_ns: int) -> bytes:
    """What a ready worker waits for: when to start, in nanoseconds of the monotonic clock."""
    return struct.pack("<q", start_ns)


def status(reply: bytes) -> int:
    """The status in the answer to a sample: 0, what the candidate returned, or ``RAISED``."""
    return int(struct.unpack("<q", reply[1:])[0])


def plan(
    program: Program, inputs: SealedInputs, arena: Arena, limits: Limits, resident: bool = False
) -> bytes:
    """The payload of a request P for the worker that runs ``program``, on a device's memory where ``resident``."""
    if program.language == "python":
        return _python_plan(program, inputs, arena, limits)
    return _native_plan(program, inputs, arena, limits, resident)


def _python_plan(program: Program, inputs: SealedInputs, arena: Arena, limits: Limits) -> bytes:
    body = {
        "object": str(program.path), "params": dict(program.named_params), "cpus": list(limits.cpus),
        "memory": limits.memory, "inputs": inputs.layout, "input_bytes": inputs.size, "handles": inputs.handles,
        "outputs": arena.layout, "output_bytes": arena.size, "guards": arena.guards,
        "stream": inputs.stream, "slack": SLACK * (inputs.stream >= 0),
        "wall": limits.wall and {**asdict(limits.wall), "library": str(launch.lockdown())},
    }  # fmt: skip
    return json.dumps(body).encode()


def _native_plan(
    program: Program, inputs: SealedInputs, arena: Arena, limits: Limits, resident: bool
) -> bytes:
    """Int64 throughout: 19 sizes, (kind, value) of fields, parameters, guards, fences, CPUs, copies; five strings.

    Fences, which only an address checker looks at, are what lies between the arrays; copies, for each slot in turn,
    the places and bytes that a right answer in a device's memory fills.
    """
    wall = limits.wall or Wall(())
    fences = (
        [(0, *gap) for gap in _gaps(inputs)] + [(1, *gap) for gap in _gaps(arena)] if program.watch else []
    )
    copies = _copies(arena) if resident else []
    sizes = (
        inputs.size, arena.size, limits.memory, len(inputs.layout), len(inputs.layout[0]), len(arena.layout),
        len(arena.layout[0]), len(program.run_params), len(arena.guards), len(fences), len(limits.cpus),
        limits.wall is not None, wall.needs, wall.without, inputs.handles,
        (program.language == "cuda") * (1 + resident), len(copies),
        inputs.stream, arena.fills[0][0] if inputs.stream >= 0 else 0,
    )  # fmt: skip
    fields = [
        struct.pack("<q", kind == "array") + _word(value)
        for rows in (*inputs.layout, *arena.layout)
        for _, kind, value, *_ in rows
    ]
    fields += [struct.pack("<q", 0) + _word(value) for value in program.run_params]
    numbers = [*arena.guards, *(word for fence in fences for word in fence), *limits.cpus]
    numbers += [word for copy in copies for word in copy]
    tail = struct.pack(f"<{len(numbers)}q", *numbers)
    driver = str(device.driver()) if program.language == "cuda" else ""
    texts = (program.kernel, str(program.path), ":".join(wall.readable), ":".join(wall.writable), driver)
    strings = b"".join(text.encode() + b"\0" for text in texts)
    return struct.pack("<19q", *sizes) + b"".join(fields) + tail + strings


def _copies(arena: Arena) -> list[tuple[int, int]]:
    """Where each buffer of each slot starts, and the bytes that a right answer fills."""
    rows = [[f for f in fields if f[1] == "array"] for fields in arena.layout]
    return [
        (f[2], entries * np.dtype(f[3]).itemsize)
        for slot, fields in enumerate(rows)
        for f, entries in zip(fields, arena.fills[slot % arena.sets], strict=True)
    ]


def _gaps(memory: SealedInputs | Arena) -> list[tuple[int, int]]:
    """Where no array lies, from the end of each to the start of the next one: offset and bytes."""
    fields = [f for rows in memory.layout for f in rows if f[1] == "array"]
    arrays = sorted({(f[2], f[2] + f[4] * np.dtype(f[3]).itemsize) for f in fields})
    starts = [start for start, _ in arrays[1:]] + [memory.size]
    return [(end, start - end) for (_, end), start in zip(arrays, starts, strict=True) if start > end]


def _word(value: Value) -> bytes:
    assert not isinstance(value, str)
    return struct.pack("<d" if isinstance(value, float) else "<q", value)
