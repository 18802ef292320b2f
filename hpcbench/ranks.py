"""What the system and the ranks themselves tell about them: who stands beside, how one ended, where all stand."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

STACK_LIMIT_S, ZOMBIE_LIMIT_S = 0.5, 2.0
STACK = re.compile(r"\((\w+)\+0x|File \"[^\"]*\", line \d+ in (\w+)")


def _stat(pid: int) -> list[str]:
    """Fields of a process from its state on: state, parent, …, exit status (proc_pid_stat(5))."""
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()


def below(top: int) -> list[int]:
    """The processes that stand below ``top``, the highest first, as far as the system tells."""
    found = []
    with suppress(OSError):
        for tasks in Path(f"/proc/{top}/task").glob("*/children"):
            found += [int(word) for word in tasks.read_text().split()]
    return found + [pid for child in found for pid in below(child)]


def stop_others(top: int, ranks: Collection[int], deadline: float) -> None:
    """Stop all that stands below ``top`` but for the ranks, which must stand there, until it all does.

    Raises
    ------
    LookupError
        When a rank does not stand there.
    OSError
        When one of them ends, or goes on beyond ``deadline`` (monotonic seconds).
    """
    while others := [pid for pid in below(top) if pid not in ranks and _stat(pid)[0] != "T"]:
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        if time.monotonic() > deadline:
            raise TimeoutError("the launcher does not stop")
        time.sleep(0.001)
    if missing := set(ranks) - set(below(top)):
        raise LookupError(missing)


def cause(code: int) -> str:
    """How a process ended, in words, by its exit code; negative for a signal."""
    if code >= 0:
        return f"exit status {code}"
    return signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"


def ended(pids: Sequence[int]) -> str:
    """Which of the ranks has ended, and how: told by what is left of it, which nobody has collected."""
    until = time.monotonic() + ZOMBIE_LIMIT_S
    with suppress(OSError):
        while time.monotonic() < until:
            for rank, pid in enumerate(pids):
                if (stat := _stat(pid))[0] == "Z":
                    return f"rank {rank} ended by {cause(os.waitstatus_to_exitcode(int(stat[-1])))}"
            time.sleep(0.005)
    return ""


def stacks(ranks: Sequence[tuple[socket.socket, int]]) -> str:
    """Where every rank stands now: functions, innermost first; one line each, for a message.

    ``ranks`` are socket and process id; a worker answers to SIGUSR2 with its stack.
    """
    told = []
    for rank, (sock, pid) in enumerate(ranks):
        text = ""
        with suppress(OSError):
            os.kill(pid, signal.SIGUSR2)
            sock.settimeout(STACK_LIMIT_S)
            while len(text) < 4096 and (part := sock.recv(4096)):  # until it pauses
                text += part.decode("utf-8", "replace")
                sock.settimeout(0.05)
        found = (a or b for a, b in STACK.findall(text))
        names = list(dict.fromkeys(name for name in found if not name.startswith("__")))
        told.append(f"\n  rank {rank} in {' < '.join(names[:6]) or 'a place that it did not tell'}")
    return "".join(told)
