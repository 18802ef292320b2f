"""Arms and their samples: worker processes that are parked, released and timed by the parent's clock.

It knows no kernels: an arm is a program, memory to run it on, and a setting. A crash, a hang or an
exhausted memory of a candidate becomes an :class:`ArmFailure`, never an exception of the harness.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import select
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpcbench import launch, wire
from hpcbench.arena import Arena, SealedInputs
from hpcbench.spec import Code, HpcbenchError, Measurement, Phase, Setting
from hpcbench.wire import Program

START_LIMIT_S = 60.0
STATUS_WORDS = {1: "it reported that memory ran out", 2: "it reported that the input is too large for it"}


class ArmFailure(Exception):
    """A candidate's own failure: the verdict and one line of cause."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code: Code = code


class LaunchError(HpcbenchError):
    """The launcher, not the candidate, is at fault."""

    exit_code = 3


@dataclass(frozen=True)
class Memory:
    """Sealed inputs and output arena of every rank."""

    inputs: Sequence[SealedInputs]
    arenas: Sequence[Arena]

    def poison(self) -> None:
        """Make every slot of every rank hold no answer."""
        for arena in self.arenas:
            arena.poison()


def die_with_parent() -> None:
    """Have the system kill this process when the one that started it ends, however it ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class WorkerArm:
    """One candidate in fresh processes, one per rank, parked between samples."""

    def __init__(
        self, id: str, program: Program, memory: Memory, setting: Setting, cpus: Sequence[int],
        scratch: Path, rng: random.Random, generation: int, memory_limit: int,
    ) -> None:  # fmt: skip
        self.id, self.program, self.memory, self.setting = id, program, memory, setting
        self.cpus, self.generation, self.limit_s = tuple(cpus), generation, START_LIMIT_S
        self.memory_limit = memory_limit
        self.has_setup = False
        self.ranks: list[tuple[socket.socket, int]] = []
        self._segments: set[str] = set()
        self._status: list[int] = []
        scratch.mkdir(parents=True, exist_ok=True)
        self.log = scratch / "log"
        address = scratch / "s"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(address))
        self.listener.listen(setting.ranks)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                launch.command(setting, program.language, program.under_mpi, str(address)),
                cwd=scratch, env=launch.environment(setting, rng), stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=die_with_parent if program.under_mpi else None,
            )  # fmt: skip

    def connect(self) -> None:
        """Wait for every rank, check the size of their world, hand each its memory and the candidate.

        Raises
        ------
        LaunchError
            When the ranks are not one MPI world of the wanted size.
        ArmFailure
            When the candidate cannot be loaded.
        """
        deadline = time.monotonic() + START_LIMIT_S
        waiting = []
        for _ in range(self.setting.ranks):
            sock = self._accept(deadline)
            waiting.append((sock, int(self._receive(sock, deadline)["pid"])))
        if not self.program.under_mpi:
            self.ranks = waiting
        else:
            self.ranks = self._world(waiting, deadline)
        self._poll = select.poll()
        for rank, (sock, _) in enumerate(self.ranks):
            self._poll.register(sock, select.POLLIN)
            inputs, arena = self.memory.inputs[rank], self.memory.arenas[rank]
            limits = wire.Limits(launch.rank_cpus(self.cpus, self.setting, rank), self.memory_limit)
            load = wire.request("L", payload=wire.plan(self.program, inputs, arena, limits))
            sent = socket.send_fds(sock, [load], [inputs.fd, arena.fd])
            sock.sendall(load[sent:])
        for sock, _ in self.ranks:
            self.has_setup = bool(self._receive(sock, deadline)["setup"])
        self._rank_of = {sock.fileno(): rank for rank, (sock, _) in enumerate(self.ranks)}
        self._status = [os.open(f"/proc/{pid}/status", os.O_RDONLY) for _, pid in self.ranks]
        self._clocks = [(~pid << 3) | 2 for _, pid in self.ranks]  # CPUCLOCK_SCHED of the process

    def _accept(self, deadline: float) -> socket.socket:
        while True:
            self.listener.settimeout(0.2)
            try:
                sock, _ = self.listener.accept()
            except TimeoutError:
                if self.process.poll() is not None:
                    raise LaunchError(f"{self._what()} ended at start: {self._tail()}") from None
                if time.monotonic() > deadline:
                    raise LaunchError(
                        f"{self._what()}: no rank answered within {START_LIMIT_S:.0f} s: {self._tail()}"
                    ) from None
                continue
            sock.settimeout(START_LIMIT_S)
            return sock

    def _what(self) -> str:
        args = self.process.args
        return str(args[0] if isinstance(args, list) else args)

    def _world(
        self, waiting: list[tuple[socket.socket, int]], deadline: float
    ) -> list[tuple[socket.socket, int]]:
        start = wire.request("M", payload=bytes(launch.mpi_driver()) + b"\0")
        for sock, _ in waiting:
            sock.sendall(start)
        found = {}
        for sock, pid in waiting:
            answer = self._receive(sock, deadline)
            if answer["size"] != self.setting.ranks:
                raise LaunchError(
                    f"{self._what()} started {self.setting.ranks} processes that each see a world of "
                    f"{answer['size']}: launcher and MPI library do not belong together; put the MPI's own "
                    f"mpirun first on the path, or set HPCBENCH_MPIRUN"
                )
            found[answer["rank"]] = (sock, pid)
            maps = Path(f"/proc/{pid}/maps").read_text().split()
            self._segments.update(word for word in maps if word.startswith("/dev/shm/"))
        return [found[rank] for rank in sorted(found)]

    def _receive(self, sock: socket.socket, deadline: float) -> dict[str, Any]:
        data = b""
        while not data.endswith(b"\n"):
            sock.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                part = sock.recv(65536)
            except TimeoutError:
                raise ArmFailure("timeout", "no answer while loading") from None
            except OSError:
                part = b""
            if not part:
                raise ArmFailure("runtime", self._obituary())
            data += part
        answer: dict[str, Any] = json.loads(data)
        if "error" in answer:
            raise ArmFailure("runtime", answer["error"])
        return answer

    def _request(self, sock: socket.socket, letter: str, *numbers: int) -> dict[str, Any]:
        sock.sendall(wire.request(letter, *numbers))
        return self._receive(sock, time.monotonic() + self.limit_s)

    def sample(self, input_set: int, batch: int, phase: Phase = "total", round: int = -1) -> Measurement:
        """Release all ranks together and wait for the last; times by the parent's monotonic clock.

        Raises
        ------
        ArmFailure
            When a rank ends, fails or does not answer within ``limit_s`` seconds.
        """
        request = wire.request("S", input_set, batch, wire.PHASES[phase])
        socks = [sock for sock, _ in self.ranks]
        try:
            for sock in socks:
                sock.sendall(request)
            self._answers(wire.READY, 1)
            switches = self._switches()
            cpu = [time.clock_gettime_ns(clock) for clock in self._clocks]
            start = time.perf_counter_ns()
            for sock in socks:
                sock.send(wire.RELEASE)
            arrived, replies = self._answers(wire.DONE, wire.DONE_BYTES)
            spent = [time.clock_gettime_ns(c) - before for c, before in zip(self._clocks, cpu, strict=True)]
        except OSError:
            raise ArmFailure("runtime", self._obituary()) from None
        for rank, reply in enumerate(replies):
            self._judge_status(rank, wire.status(reply))
        return Measurement(
            self.id, self.generation, round, batch, (max(arrived) - start) * 1e-9, sum(spent) * 1e-9,
            self._switches() - switches, tuple((t - start) * 1e-9 for t in arrived), phase,
        )  # fmt: skip

    def _answers(self, mark: bytes, length: int) -> tuple[list[int], list[bytes]]:
        deadline = time.monotonic() + self.limit_s
        arrived, replies = [0] * len(self.ranks), [b""] * len(self.ranks)
        missing = len(self.ranks)
        while missing:
            events = self._poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            now = time.perf_counter_ns()
            if not events:
                late = [r for r, reply in enumerate(replies) if not reply]
                who = f"rank {late[0]} of {len(replies)}" if len(replies) > 1 else "it"
                raise ArmFailure("timeout", f"{who} did not finish within {self.limit_s:.0f} s")
            for fd, _ in events:
                rank = self._rank_of[fd]
                reply = self.ranks[rank][0].recv(length)
                if reply[:1] != mark or len(reply) != length:
                    raise ArmFailure("runtime", self._obituary())
                arrived[rank], replies[rank] = now, reply
                missing -= 1
        return arrived, replies

    def _judge_status(self, rank: int, status: int) -> None:
        if status == 0:
            return
        if status == wire.RAISED and self.program.language == "python":
            text = self._request(self.ranks[rank][0], "T")["text"]
            raise ArmFailure("runtime", text.strip().splitlines()[-1])
        raise ArmFailure("runtime", STATUS_WORDS.get(status, f"it returned status {status}"))

    def fetch(self, slot: int) -> None:
        """Have library results copied into output slot ``slot``; native arms wrote there themselves."""
        if self.program.language == "python":
            for sock, _ in self.ranks:
                self._request(sock, "F", slot)

    def _switches(self) -> int:
        """Involuntary context switches of all ranks so far: the last line of their /proc status."""
        try:
            return sum(int(os.pread(fd, 8192, 0).rsplit(b":", 1)[1]) for fd in self._status)
        except OSError:  # the process has ended; the sample itself will say so
            return 0

    def _obituary(self) -> str:
        try:
            code = self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return f"a rank ended or answered out of turn: {self._tail()}"
        how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return f"the process ended by {how}" + (f": {self._tail()}" if self._tail() else "")

    def _tail(self) -> str:
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 2000))
            lines = [ln for ln in log.read().decode("utf-8", "replace").splitlines() if ln.strip(" =|")]
        return lines[-1].strip()[:200] if lines else ""

    def close(self) -> None:
        """End every process of the arm; workers keep no state that is worth a farewell."""
        while self._status:
            os.close(self._status.pop())
        while self.ranks:
            sock, pid = self.ranks.pop()
            sock.close()
            _kill(pid)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            self.process.poll()
        self.process.wait()
        self.listener.close()
        for segment in self._segments:  # a killed rank leaves its MPI's shared memory behind
            Path(segment).unlink(missing_ok=True)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
