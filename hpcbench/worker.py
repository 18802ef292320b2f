"""The measured process: loads one candidate and runs it on inputs it is handed; it knows no answers.

Started as ``python -P -m hpcbench.worker SOCKET [PARENT_PID]``, one per rank. Between requests it blocks in
``recv`` on its own socket, with no MPI call pending. Requests are JSON lines; a sample is released by
one byte and answered by nine, so that no JSON falls into the timed window. Standard library only, and
NumPy for candidates in Python.
"""

from __future__ import annotations

import array
import ctypes
import gc
import importlib.util
import json
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

PHASES = {"total": 0, "setup": 1, "run": 2}
LOG_LIMIT = 64 * 2**20
RAISED = -1

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class Channel:
    """JSON lines and file descriptors over the socket that the parent owns."""

    def __init__(self, path: str) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.fds: list[int] = []

    def receive(self) -> dict[str, Any] | None:
        """The next request, or None when the parent is gone."""
        data = b""
        while not data.endswith(b"\n"):
            part, ancillary, _, _ = self.sock.recvmsg(65536, socket.CMSG_SPACE(8 * 4))
            for _, _, raw in ancillary:
                self.fds += array.array("i", raw[: len(raw) - len(raw) % 4])
            if not part:
                return None
            data += part
        message: dict[str, Any] = json.loads(data)
        return message

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


def words(fields: list[list[Any]], base: int) -> bytes:
    """A C struct of 8-byte fields: numbers, and pointers into the mapping at ``base``."""
    packed = b""
    for _, kind, value, *_ in fields:
        packed += struct.pack("<d", value) if kind == "float" else struct.pack(
            "<q", base + value if kind == "array" else value
        )  # fmt: skip
    return packed


def addresses(buffers: list[Any]) -> Any:
    """A C array of pointers to ``buffers``."""
    return (ctypes.c_void_p * len(buffers))(*map(ctypes.addressof, buffers))


class Native:
    """A candidate in a shared object, called by the driver's loop."""

    def __init__(self, plan: dict[str, Any], base_in: int, base_out: int) -> None:
        driver = ctypes.CDLL(plan["driver"])
        code = ctypes.CDLL(plan["object"])
        name = plan["kernel"]
        self.batch = driver.hpcbench_batch
        self.batch.restype = ctypes.c_int64
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        self.batch.argtypes = [*[pointer] * 5, number, pointer, number, pointer, *[number] * 3]
        self.run = ctypes.cast(getattr(code, f"{name}_run"), ctypes.c_void_p)
        prepare = getattr(code, f"{name}_setup", None)
        self.setup = ctypes.cast(prepare, ctypes.c_void_p) if prepare else None
        self.free = ctypes.cast(getattr(code, f"{name}_free"), ctypes.c_void_p) if prepare else None
        self.structs = [ctypes.create_string_buffer(words(f, base_in)) for f in plan["inputs"]]
        self.slots = [ctypes.create_string_buffer(words(f, base_out)) for f in plan["outputs"]]
        self.params = ctypes.create_string_buffer(words(plan["params"], 0) or b"\0" * 8)
        self.ins, self.outs = addresses(self.structs), addresses(self.slots)
        self.handles = (ctypes.c_void_p * len(self.structs))()
        self.prepare = prepare
        if prepare:
            prepare.restype, prepare.argtypes = ctypes.c_void_p, [ctypes.c_void_p] * 2

    def call(self, first: int, batch: int, phase: str) -> int:
        """Run a batch; the status of the first call that failed, else 0."""
        if phase == "run" and self.prepare:
            for i in range(len(self.structs)):
                self.handles[i] = self.handles[i] or self.prepare(self.ins[i], self.params)
        return int(
            self.batch(
                self.setup, self.run, self.free, self.handles, self.ins, len(self.structs), self.outs,
                len(self.slots), self.params, first, batch, PHASES[phase],
            )
        )  # fmt: skip

    def fetch(self, _slot: int) -> list[int]:
        """Nothing to copy: native candidates write where the parent looks."""
        return []


class Interpreted:
    """A candidate in Python: ``run(handle, inputs, params)`` returns arrays, copied out on request.

    ``inputs`` maps the field names of ``abi.h`` to arrays and numbers, or is what the module's ``bind``
    made of that: a library's own types around the same memory, made untimed.
    """

    def __init__(self, plan: dict[str, Any], base_in: int, base_out: int) -> None:
        import numpy as np

        def view(field: list[Any], base: int, writable: bool) -> Any:
            _, kind, value, dtype, length = [*field, None, None][:5]
            if kind != "array":
                return value
            raw = (ctypes.c_char * (length * np.dtype(dtype).itemsize)).from_address(base + value)
            found = np.frombuffer(raw, dtype)
            found.flags.writeable = writable
            return found

        self.inputs = [{f[0]: view(f, base_in, False) for f in fields} for fields in plan["inputs"]]
        self.buffers = [
            [view(f, base_out, True) for f in fields if f[1] == "array"] for fields in plan["outputs"]
        ]
        self.params = plan["named"]
        spec = importlib.util.spec_from_file_location("candidate", plan["object"])
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        if hasattr(module, "bind"):  # wraps the arrays in a library's own types, untimed
            self.inputs = [module.bind(fields, self.params) for fields in self.inputs]
        self.setup: Callable[..., Any] | None = getattr(module, "setup", None)
        self.run = module.run
        self.handles: dict[int, Any] = {}
        self.result: tuple[Any, ...] = ()

    def call(self, first: int, batch: int, phase: str) -> int:
        """Run a batch over the rotating inputs; results of all but the last call are dropped."""
        for i in range(first, first + batch):
            k = i % len(self.inputs)
            handle = self.handles.get(k)
            if self.setup and (phase != "run" or handle is None):
                handle = self.handles[k] = self.setup(self.inputs[k], self.params)
            if phase != "setup":
                self.result = self.run(handle, self.inputs[k], self.params)
        return 0

    def fetch(self, slot: int) -> list[int]:
        """Copy the last result into output slot ``slot``; the entries of each array."""
        for target, source in zip(self.buffers[slot], self.result, strict=True):
            target[: min(len(target), len(source))] = source[: len(target)]
        return [len(source) for source in self.result]


def limit_memory(limit: int) -> None:
    """Bound private memory to ``limit`` bytes above what the process holds now; core files off."""
    with open("/proc/self/status") as status:
        held = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))
    resource.setrlimit(resource.RLIMIT_DATA, (held + limit, held + limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")


def load(plan: dict[str, Any], channel: Channel) -> Native | Interpreted:
    """Map the inputs read-only and the outputs with guard pages, then load the candidate."""
    fd_in, fd_out = channel.fds
    base_in = map_memory(fd_in, plan["input_bytes"], writable=False)
    base_out = map_memory(fd_out, plan["output_bytes"], writable=True)
    for offset in plan["guards"]:
        libc.mprotect(base_out + offset, 4096, 0)
    if plan["cpus"]:
        os.sched_setaffinity(0, plan["cpus"])
    limit_memory(plan["memory"])
    kind = Interpreted if plan["language"] == "python" else Native
    return kind(plan, base_in, base_out)


def start_mpi(driver: str) -> tuple[int, int]:
    """Initialise MPI; the rank and the size of the world as MPI tells them."""
    code = ctypes.CDLL(driver, mode=ctypes.RTLD_GLOBAL)
    rank, size = ctypes.c_int(), ctypes.c_int()
    if code.hpcbench_mpi_start(ctypes.byref(rank), ctypes.byref(size)):
        raise RuntimeError("MPI_Init failed")
    return rank.value, size.value


def serve(channel: Channel) -> None:
    """Answer requests until the parent closes the socket."""
    arm: Native | Interpreted | None = None
    trouble = ""
    while (request := channel.receive()) is not None:
        op = request["op"]
        try:
            if op == "mpi":
                rank, size = start_mpi(request["driver"])
                channel.send(rank=rank, size=size)
            elif op == "load":
                arm = load(request, channel)
                gc.collect()
                gc.freeze()
                channel.send(setup=arm.setup is not None)
            elif op == "fetch":
                assert arm is not None
                channel.send(lengths=arm.fetch(request["slot"]))
            elif op == "trouble":
                channel.send(text=trouble)
            elif op == "sample":
                assert arm is not None
                gc.collect()  # cheap: what stood after loading is frozen, and native arms make nothing
                channel.sock.sendall(b"R")
                if channel.sock.recv(1) != b"G":
                    return
                try:
                    status = arm.call(request["first"], request["batch"], request["phase"])
                except Exception:
                    import traceback

                    status, trouble = RAISED, traceback.format_exc(limit=-2)
                channel.sock.sendall(b"D" + struct.pack("<q", status))
        except Exception as error:
            channel.send(error=f"{type(error).__name__}: {error}")


def main() -> None:
    """Connect, say who we are, serve; leave without running exit handlers of the candidate."""
    libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: do not outlive the one who started us
    if len(sys.argv) > 2 and os.getppid() != int(sys.argv[2]):
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LOG_LIMIT, LOG_LIMIT))
    gc.disable()
    channel = Channel(sys.argv[1])
    channel.send(pid=os.getpid())
    serve(channel)
    os._exit(0)


if __name__ == "__main__":
    main()
