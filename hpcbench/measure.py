"""Arms and their samples: worker processes that are parked, released and timed by the parent's clock.

It knows no kernels: an arm is a program, memory to run it on, and a setting. A crash, a hang or an
exhausted memory of a candidate becomes an :class:`ArmFailure`, never an exception of the harness.
"""

from __future__ import annotations

import os
import random
import select
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from hpcbench import launch, processes, ranks, sandbox, wire
from hpcbench.arena import Arena, SealedInputs
from hpcbench.census import Census, foreign, libraries
from hpcbench.conduct import Conduct, Tally, returned
from hpcbench.processes import WATCH_S, ArmFailure, LaunchError, Processes
from hpcbench.spec import Measurement, Phase, Setting
from hpcbench.stream import SLACK
from hpcbench.wire import Program

NATIVE_LIMIT_S = 20.0  # of an untrusted kernel's first calls, which take milliseconds
CROWDED = 4  # times that, where ranks or threads share processors and wait for each other
LEAST_LIMIT_S = 2.0
LEAD_NS = 150_000  # between the release of several threads and their start


@dataclass(frozen=True)
class Memory:
    """Sealed inputs and output arena of every rank; ``resident`` where a device works on copies in its memory."""

    inputs: Sequence[SealedInputs]
    arenas: Sequence[Arena]
    resident: bool = False

    def poison(self) -> None:
        """Make every slot of every rank hold no answer."""
        for arena in self.arenas:
            arena.poison()


class WorkerArm:
    """One candidate in fresh processes, one per rank, parked between samples.

    Attributes
    ----------
    limit_s : seconds that a sample may take.
    has_setup : whether the candidate has a setup of its own, once :meth:`connect` has returned.
    layers : of the wall that stand, as bits of ``sandbox.LAYERS``; -1 without a wall.
    """

    def __init__(
        self, id: str, program: Program, memory: Memory, setting: Setting, limits: wire.Limits,
        scratch: Path, rng: random.Random, generation: int, tallies: tuple[Tally, Tally] | None = None,
    ) -> None:  # fmt: skip
        self.id, self.limit_s = id, processes.START_LIMIT_S
        if limits.wall and program.language != "python" and not program.watch:
            crowded = setting.ranks * setting.threads > len(os.sched_getaffinity(0))
            self.limit_s = NATIVE_LIMIT_S * (CROWDED if crowded else 1)
        self.has_setup, self.layers = False, -1
        self._program, self._memory, self._setting, self._limits = program, memory, setting, limits
        self._generation, self._tallies = generation, tallies
        self._lead_ns = LEAD_NS if setting.threads > 1 else 0
        self._seen: Census | None = None
        self._processes = Processes(program, setting, scratch, rng, limits.wall)

    @property
    def ranks(self) -> list[tuple[socket.socket, int]]:
        """Socket and process id of every rank."""
        return self._processes.ranks

    def connect(self) -> None:
        """Wait for every rank, and hand each its memory and the candidate.

        Raises
        ------
        LaunchError
            When the ranks are not one MPI world of the wanted size.
        ArmFailure
            When the candidate cannot be loaded.
        """
        deadline = time.monotonic() + processes.START_LIMIT_S
        self._processes.connect(deadline)
        self._poll = select.poll()
        for rank, (sock, _) in enumerate(self.ranks):
            self._poll.register(sock, select.POLLIN)
            inputs, arena = self._memory.inputs[rank], self._memory.arenas[rank]
            cpus = launch.rank_cpus(self._limits.cpus, self._setting, rank)
            plan = wire.plan(
                self._program, inputs, arena, replace(self._limits, cpus=cpus), self._memory.resident
            )
            self._processes.send(sock, wire.request("P", payload=plan), (inputs.fd, arena.fd))
        for sock, _ in self.ranks:
            self.layers = int(self._processes.receive(sock, deadline)["layers"])
            wall = self._limits.wall
            if wall and (gone := sandbox.REQUIRED & ~(self.layers | wall.without)):
                raise LaunchError(f"the wall does not stand: no {' and no '.join(sandbox.names(gone))}")
        try:
            self._before = [libraries(pid) for _, pid in self.ranks] if self._watched else []
            self._seen = Census([pid for _, pid in self.ranks], self._setting.threads)
        except OSError:
            raise self._processes.failure() from None
        width = self._setting.ranks * self._setting.threads
        self._conduct = Conduct(self._seen, width, self._limits.wall is None, self._tallies)
        for sock, _ in self.ranks:
            self._processes.send(sock, wire.request("L"))
        for sock, _ in self.ranks:
            self.has_setup = self._processes.receive(sock, deadline, self._count).get("setup") is True
        self._count()
        self._rank_of = {sock.fileno(): rank for rank, (sock, _) in enumerate(self.ranks)}
        self._told = [0] * len(self.ranks)  # CPU time when an answer came; a tick old, if it ran on

    @property
    def _watched(self) -> bool:
        """Whether what it loads is looked at: of an untrusted object, by itself."""
        kind = self._program.language in ("c", "cpp") and not self._program.under_mpi
        return kind and self._limits.wall is not None and not self._program.watch

    def _count(self) -> None:
        self._conduct.threads([pid for _, pid in self.ranks])

    def _request(self, sock: socket.socket, letter: str, *numbers: int) -> dict[str, Any]:
        self._processes.send(sock, wire.request(letter, *numbers))
        answer = self._processes.receive(sock, time.monotonic() + self.limit_s)
        with suppress(OSError):  # a process has ended; the next sample will say so
            self._system.settle()
        return answer

    @property
    def _system(self) -> Census:
        assert self._seen is not None, "connect() comes first"
        return self._seen

    def sample(
        self, input_set: int, batch: int, phase: Phase = "total", round: int = -1, seed: int = 0
    ) -> Measurement:
        """Release all ranks together and wait for the last; times by the parent's monotonic clock.

        Raises
        ------
        ArmFailure
            When a rank ends, fails or does not answer within ``limit_s`` seconds.
        """
        request = wire.request("S", input_set, batch, wire.PHASES[phase] | seed << 8)
        socks = [sock for sock, _ in self.ranks]
        try:
            for sock in socks:
                sock.sendall(request)
            self._answers(wire.READY, 1)
            switches = self._system.switches()
            cpu = [self._system.spent(rank) for rank in range(len(socks))]
            parked = self._conduct.parked(cpu)
            start = time.perf_counter_ns() + self._lead_ns
            for sock in socks:
                sock.send(wire.release(start))
            arrived, replies = self._answers(wire.DONE, wire.DONE_BYTES)
            self._system.settle()
            if self._limits.wall is None:
                self._system.place()
            spent = [now - before for now, before in zip(self._system.cpu, cpu, strict=True)]
        except OSError:
            raise self._processes.failure() from None
        if found := self._processes.reported():
            raise found
        self._count()
        late = self._conduct.late(max(arrived), self._told)
        for rank, reply in enumerate(replies):
            ask = partial(self._request, self.ranks[rank][0], "T")
            returned(wire.status(reply), self._program, ask)
        self._conduct.share(sum(spent), min(arrived) - start, max(arrived) - start)
        if self._limits.wall:  # all first calls get the time of one
            self.limit_s = max(LEAST_LIMIT_S, self.limit_s - (max(arrived) - start) * 1e-9)
        return Measurement(
            self.id, self._generation, round, batch, (max(arrived) - start + parked + late) * 1e-9,
            (sum(spent) + parked) * 1e-9,
            self._system.switches() - switches, tuple((t - start) * 1e-9 for t in arrived), phase,
        )  # fmt: skip

    def _answers(self, mark: bytes, length: int) -> tuple[list[int], list[bytes]]:
        deadline = time.monotonic() + self.limit_s
        arrived, replies = [0] * len(self.ranks), [b""] * len(self.ranks)
        missing = len(self.ranks)
        while missing:
            left = deadline - time.monotonic()
            events = self._poll.poll(1000 * min(max(0.0, left), WATCH_S))
            now = time.perf_counter_ns()
            if not events and left > WATCH_S:
                self._count()
            elif not events:
                late = [r for r, reply in enumerate(replies) if not reply]
                who = f"rank {late[0]} of {len(replies)}" if len(replies) > 1 else "it"
                where = ranks.stacks(self.ranks)
                raise ArmFailure("timeout", f"{who} did not finish within {self.limit_s:.0f} s{where}")
            for fd, _ in events:
                rank = self._rank_of[fd]
                reply = self.ranks[rank][0].recv(length)
                if reply[:1] != mark or len(reply) != length:
                    raise self._processes.failure()
                arrived[rank], replies[rank] = now, reply
                self._told[rank] = self._system.spent(rank)
                missing -= 1
        return arrived, replies

    def fetch(self, slot: int) -> list[int]:
        """Have results of a library, or on a device, copied into output slot ``slot``; others are there already.

        Returns where the last call's vectors began, of ranks that tell it.
        """
        told = []
        if self._program.language == "python" or self._memory.resident:
            told = [self._request(sock, "F", slot).get("start", 0) for sock, _ in self.ranks]
        if not all(type(at) is int and 0 <= at < SLACK for at in told):
            raise ArmFailure("forbidden", "it answered in place of the process that runs it")
        for (_, pid), before in zip(self.ranks, self._before, strict=bool(self._before)):
            with suppress(OSError):  # it has ended; the next sample will say so
                if name := foreign(pid, before, str(self._program.path)):
                    raise ArmFailure("forbidden", f"it loaded {name}, which its object does not ask for")
        return told

    def poison(self) -> None:
        """Make every slot in a device's memory hold no answer; the host's are the parent's, a library's are new."""
        if self._memory.resident and self._program.language == "cuda":
            for sock, _ in self.ranks:
                self._request(sock, "W")

    def traffic(self) -> tuple[tuple[int, int], ...]:
        """Messages and bytes that each rank has handed to MPI for others so far; nothing without MPI."""
        if not self._program.under_mpi:
            return ()
        counts: list[Any] = []
        for sock, _ in self.ranks:
            told = self._request(sock, "C")
            counts.append((told.get("messages"), told.get("bytes")))
        if not all(isinstance(n, int) and 0 <= n < 2**63 for pair in counts for n in pair):
            raise ArmFailure("forbidden", "it answered in place of the process that runs it")
        return tuple(counts)

    def close(self) -> None:
        """End every process of the arm."""
        if self._seen:
            self._seen.close()
        self._processes.close()
