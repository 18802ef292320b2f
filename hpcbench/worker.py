"""The measured process of a Python candidate: runs it on inputs it is handed; it knows no answers.

Started as ``python -P -m hpcbench.worker SOCKET [PARENT_PID]``, one per rank. Between requests it blocks in
``recv`` on its own socket, with no MPI call pending. :mod:`hpcbench.wire` documents the protocol, whose
other speaker is ``worker.c``; no JSON falls into the timed window. Imports the standard library and NumPy.
"""

from __future__ import annotations

import array
import ctypes
import faulthandler
import gc
import json
import os
import resource
import signal
import socket
import struct
import sys
import time
from typing import Any

from hpcbench.interpreted import Interpreted

NAMESPACES = 32
RESERVED = 64 * 2**30  # bytes of addresses without memory behind them
FILE_LIMIT, RANK_FILE_LIMIT = 2**26, 2**28  # the log; MPI's windows of shared memory
TEXT_LIMIT = 4000
RAISED, ARITHMETIC = -1, 1 << 40

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class Channel:
    """Requests and file descriptors over the socket that the parent owns."""

    def __init__(self, path: str) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.fds: list[int] = []

    def take(self, size: int) -> bytes:
        """Exactly ``size`` bytes; fewer only when the parent is gone."""
        data = b""
        while len(data) < size:
            part, ancillary, _, _ = self.sock.recvmsg(size - len(data), socket.CMSG_SPACE(4 * 2))
            for _, _, raw in ancillary:
                self.fds += array.array("i", raw[: len(raw) - len(raw) % 4])
            if not part:
                break
            data += part
        return data

    def send(self, **body: Any) -> None:
        """Answer with one JSON line."""
        self.sock.sendall(json.dumps(body).encode() + b"\n")


def map_memory(fd: int, size: int, writable: bool) -> int:
    """Address of a shared mapping of ``size`` bytes; read-only mappings of sealed memory stay so."""
    # PROT_READ | PROT_WRITE, MAP_SHARED; populate what is small or read anyway
    address = libc.mmap(None, max(size, 1), 3 if writable else 1, 1 | (0 if writable else 0x8000), fd, 0)
    if address in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), f"mmap of {size} bytes failed")
    return int(address)


def limit_memory(limit: int, strict: bool) -> None:
    """Bound private memory to ``limit`` bytes above what the process holds now; core files off.

    Of one that nobody vouches for, addresses too: their page tables are memory that no limit counts.
    """
    with open("/proc/self/status") as status:
        held = {line.split(":")[0]: line.split()[1] for line in status if line.startswith("Vm")}
    data, everything = int(held["VmData"]) * 1024 + limit, int(held["VmSize"]) * 1024 + limit + RESERVED
    resource.setrlimit(resource.RLIMIT_DATA, (data, data))
    if strict:
        resource.setrlimit(resource.RLIMIT_AS, (everything, everything))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")


def prepare(plan: dict[str, Any], channel: Channel) -> tuple[int, int]:
    """Map the inputs read-only and the outputs with guard pages, limit memory, build the wall.

    Tells the layers of the wall that stand, -1 when none was asked for; returns where the memory lies.
    """
    import numpy  # noqa: F401  (before the wall, which candidates find it behind)

    fd_in, fd_out = channel.fds
    base_in = map_memory(fd_in, plan["input_bytes"], writable=False)
    base_out = map_memory(fd_out, plan["output_bytes"], writable=True)
    for fd in channel.fds:
        os.close(fd)
    for offset in plan["guards"]:
        libc.mprotect(base_out + offset, 4096, 0)
    if plan["cpus"]:
        os.sched_setaffinity(0, plan["cpus"])
    limit_memory(plan["memory"], strict=bool(plan["wall"]))
    channel.send(layers=lock_down(plan["wall"]) if plan["wall"] else -1)
    return base_in, base_out


def lock_down(wall: dict[str, Any]) -> int:
    """Build the wall of ``sandbox/lockdown.c`` around this process; the bits of the layers that stand."""
    code = ctypes.CDLL(wall["library"])
    layers = 0 if wall["without"] & NAMESPACES else code.hpcbench_namespaces()
    paths = [":".join(wall[k]).encode() for k in ("readable", "writable")]
    return int(layers | code.hpcbench_lockdown(*paths, wall["needs"], wall["without"]))


def start_mpi(driver: str) -> tuple[int, int, ctypes.CDLL]:
    """Initialise MPI; the rank and the size of the world as MPI tells them, and the library that counts."""
    code = ctypes.CDLL(driver, mode=ctypes.RTLD_GLOBAL)
    rank, size = ctypes.c_int(), ctypes.c_int()
    if code.hpcbench_mpi_start(ctypes.byref(rank), ctypes.byref(size)):
        raise RuntimeError("MPI_Init failed")
    return rank.value, size.value, code


def usual_arithmetic(one: float = 1.0, step: float = 2.0**-54, least: float = 2.0**-1022) -> bool:
    """Whether it rounds to the nearest number and knows subnormal ones, as operands and as results."""
    nearest = one + step == one and -one - step == -one and one + 3 * step != one
    return nearest and least * 0.5 > 0 and least * 0.5 * one > 0


def serve(channel: Channel) -> None:
    """Answer requests until the parent closes the socket."""
    arm: Interpreted
    trouble = ""
    while len(head := channel.take(32)) == 32:
        op, *numbers = struct.unpack("<4q", head)
        try:
            if op == ord("M"):
                rank, size, driver = start_mpi(channel.take(numbers[0]).rstrip(b"\0").decode())
                channel.send(rank=rank, size=size)
            elif op == ord("P"):
                plan = json.loads(channel.take(numbers[0]))
                places = prepare(plan, channel)
            elif op == ord("L"):
                arm = Interpreted(plan, *places)
                gc.collect()
                gc.freeze()
                if plan["wall"]:
                    gc.enable()  # what an untrusted candidate leaves to the collector is collected in its own time
                channel.send(setup=arm.setup is not None)
            elif op == ord("C"):
                driver.hpcbench_mpi_traffic(sent := (ctypes.c_int64 * 2)())
                channel.send(messages=sent[0], bytes=sent[1])
            elif op == ord("F"):
                channel.send(lengths=arm.fetch(numbers[0]), start=arm.start)
            elif op == ord("T"):
                channel.send(text=trouble)
            elif op == ord("S"):
                if not gc.isenabled():
                    gc.collect()  # cheap: what stood after loading is frozen
                channel.sock.sendall(b"R")
                if len(start := channel.take(8)) != 8:
                    return
                while time.perf_counter_ns() < struct.unpack("<q", start)[0]:
                    continue
                status = 0
                try:
                    arm.call(numbers[0], numbers[1], numbers[2] & 255, numbers[2] >> 8)
                except Exception:
                    import traceback

                    status, trouble = RAISED, traceback.format_exc(limit=-2)[-TEXT_LIMIT:]
                if not (status or usual_arithmetic()):
                    status = ARITHMETIC
                channel.sock.sendall(b"D" + struct.pack("<q", status))
        except Exception as error:
            channel.send(error=f"{type(error).__name__}: {error}"[:TEXT_LIMIT])


def main() -> None:
    """Connect, say who we are, serve; leave without running exit handlers of the candidate."""
    libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: do not outlive the one who started us
    if len(sys.argv) > 2 and os.getppid() != int(sys.argv[2]):
        os._exit(1)
    if len(sys.argv) == 2:  # a rank: not through its launcher
        log = os.open("log", os.O_WRONLY | os.O_APPEND)
        os.dup2(log, 1), os.dup2(log, 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit = RANK_FILE_LIMIT if len(sys.argv) == 2 else FILE_LIMIT
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    gc.disable()
    channel = Channel(sys.argv[1])
    faulthandler.register(signal.SIGUSR2, channel.sock, all_threads=False)  # asked for after a time-out
    channel.send(pid=os.getpid())
    serve(channel)
    os._exit(0)


if __name__ == "__main__":
    main()
