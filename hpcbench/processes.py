"""The worker processes of one arm: started, counted, spoken to, ended with all they left behind."""

from __future__ import annotations

import ctypes
import json
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hpcbench import launch, ranks, wire
from hpcbench.instrument import LONGEST, explain
from hpcbench.sandbox import Wall
from hpcbench.scratch import note_segments
from hpcbench.spec import Code, HpcbenchError, Setting
from hpcbench.wire import Program

START_LIMIT_S = 60.0
END_LIMIT_S = 5.0
MOST_BYTES = 2**18
WATCH_S = 0.25  # between two looks at one that takes its time


class ArmFailure(Exception):
    """A candidate's own failure: the verdict and one line of cause."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code: Code = code


class LaunchError(HpcbenchError):
    """The launcher, not the candidate, is at fault."""

    exit_code = 3


def die_with_parent() -> None:
    """Have the system kill this process when the one that started it ends, however it ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Processes:
    """One worker process per rank, each with a socket of its own.

    Attributes
    ----------
    ranks : socket and process id of every rank, in the order of ranks, once :meth:`connect` has returned.
    """

    def __init__(
        self, program: Program, setting: Setting, scratch: Path, rng: random.Random, wall: Wall | None = None
    ) -> None:
        self.ranks: list[tuple[socket.socket, int]] = []
        self._program, self._under_mpi, self._wanted = program, program.under_mpi, setting.ranks
        self._walled = wall is not None
        self._watched = self._walled and program.under_mpi  # its launcher runs below `enter`
        self._segments: set[str] = set()
        scratch.mkdir(parents=True, exist_ok=True)
        self._log, self._read = scratch / "log", 0
        address = scratch / "s"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(address))
        self._listener.listen(setting.ranks)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                launch.command(setting, program.language, program.under_mpi, str(address), program.watch, wall),
                cwd=scratch, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                env=launch.environment(setting, rng, wall is not None, program.watch),
                preexec_fn=die_with_parent if program.under_mpi else None,
            )  # fmt: skip

    def connect(self, deadline: float) -> None:
        """Wait for every rank until ``deadline`` (monotonic seconds), and check the size of their world.

        Raises
        ------
        LaunchError
            When the ranks are not one MPI world of the wanted size.
        """
        waiting = []
        for _ in range(self._wanted):
            sock = self._accept(deadline)
            waiting.append((sock, int(self.receive(sock, deadline)["pid"])))
        self.ranks = self._world(waiting, deadline) if self._under_mpi else waiting
        for _, pid in waiting if self._walled else ():
            launch.bound_stack(pid)
        if self._watched:
            self._stop_launcher(deadline)
        # LLVM's and Intel's OpenMP leave their name there when they are killed
        self._segments.update(f"/dev/shm/__KMP_REGISTERED_LIB_{pid}_{os.getuid()}" for _, pid in waiting)

    def _accept(self, deadline: float) -> socket.socket:
        while True:
            self._listener.settimeout(0.2)
            try:
                sock, _ = self._listener.accept()
            except TimeoutError:
                if self._process.poll() is not None:
                    raise LaunchError(f"{self._what()} ended at start: {self._tail()}") from None
                if time.monotonic() > deadline:
                    raise LaunchError(
                        f"{self._what()}: no rank answered within {START_LIMIT_S:.0f} s: {self._tail()}"
                    ) from None
                continue
            sock.settimeout(START_LIMIT_S)
            return sock

    def _what(self) -> str:
        args = self._process.args
        return str(args[0] if isinstance(args, list) else args)

    def _world(
        self, waiting: list[tuple[socket.socket, int]], deadline: float
    ) -> list[tuple[socket.socket, int]]:
        start = wire.request("M", payload=bytes(launch.mpi_driver()) + b"\0")
        for sock, _ in waiting:
            self.send(sock, start)
        found = {}
        for sock, pid in waiting:
            answer = self.receive(sock, deadline)
            if answer["size"] != self._wanted:
                raise LaunchError(
                    f"{self._what()} started {self._wanted} processes that each see a world of "
                    f"{answer['size']}: launcher and MPI library do not belong together; put the MPI's own "
                    f"mpirun first on the path, or set HPCBENCH_MPIRUN"
                )
            found[answer["rank"]] = (sock, pid)
            maps = Path(f"/proc/{pid}/maps").read_text().split()
            self._segments.update(word for word in maps if word.startswith("/dev/shm/"))
        note_segments(self._log.parent, self._segments)
        return [found[rank] for rank in sorted(found)]

    def _stop_launcher(self, deadline: float) -> None:
        """It would obey whatever a candidate writes to the sockets of its MPI: start a program, for one."""
        try:
            ranks.stop_others(self._process.pid, {pid for _, pid in self.ranks}, deadline)
        except OSError as error:
            raise LaunchError(f"{self._what()}: a process ended at start: {error}: {self._tail()}") from None
        except LookupError:
            raise LaunchError(f"{self._what()} has another process start its ranks") from None

    def send(self, sock: socket.socket, request: bytes, fds: Sequence[int] = ()) -> None:
        """A request, with file descriptors, to a rank.

        Raises
        ------
        ArmFailure
            When the rank has ended.
        """
        try:
            sent = socket.send_fds(sock, [request], list(fds)) if fds else 0
            sock.sendall(request[sent:])
        except OSError:
            raise self.failure() from None

    def receive(
        self, sock: socket.socket, deadline: float, meanwhile: Callable[[], None] = lambda: None
    ) -> dict[str, Any]:
        """One line of JSON from a rank; ``meanwhile`` is called four times a second until there is one.

        Raises
        ------
        ArmFailure
            When the rank says that something failed, does not answer in time, or has ended.
        """
        data = b""
        while not data.endswith(b"\n"):
            if len(data) > MOST_BYTES or (data and time.monotonic() > deadline):
                raise ArmFailure("runtime", "it answers without end")
            sock.settimeout(WATCH_S)
            try:
                part = sock.recv(65536)
            except TimeoutError:
                if time.monotonic() > deadline:
                    raise ArmFailure("timeout", "no answer while loading") from None
                meanwhile()
                continue
            except OSError:
                part = b""
            if not part:
                raise self.failure()
            data += part
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise ArmFailure("runtime", "it answered out of turn")
        if "error" in answer:
            raise ArmFailure("runtime", str(answer["error"]))
        return answer

    def failure(self) -> ArmFailure:
        """How the process ended, and the last line it wrote, or what an instrument reported about it."""
        how = self._obituary()
        return self.reported() or ArmFailure("runtime", how)

    def reported(self) -> ArmFailure | None:
        """What the instrument, if it runs under one, has found since the last look."""
        watch = self._program.watch
        if watch is None or self._log.stat().st_size == self._read:
            return None
        with self._log.open("rb") as log:
            log.seek(max(0, self._read - LONGEST))  # a report may have been on its way
            text = log.read()  # as long as the wall lets it grow
            self._read = log.tell()
        found = explain(text, str(self._program.path), launch.inside)
        return ArmFailure(watch.code, found) if found else None

    def _obituary(self) -> str:
        how = ""
        if self._watched and self.ranks:
            how = ranks.ended([pid for _, pid in self.ranks])
        else:
            with suppress(subprocess.TimeoutExpired):
                how = f"the process ended by {ranks.cause(self._process.wait(timeout=2))}"
        return ": ".join(filter(None, (how or "a rank ended or answered out of turn", self._tail())))

    def _tail(self) -> str:
        with self._log.open("rb") as log:
            log.seek(max(0, self._log.stat().st_size - 2000))
            lines = [ln for ln in log.read().decode("utf-8", "replace").splitlines() if ln.strip(" =|")]
        return lines[-1].strip()[:200] if lines else ""

    def close(self) -> None:
        """End every process; workers keep no state that is worth a farewell."""
        while self.ranks:
            sock, pid = self.ranks.pop()
            sock.close()
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._watched:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=END_LIMIT_S)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._listener.close()
        self._log.unlink(missing_ok=True)  # it may be large
        for segment in self._segments:  # a killed rank leaves its MPI's shared memory behind
            Path(segment).unlink(missing_ok=True)
