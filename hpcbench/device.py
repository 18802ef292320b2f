"""What a CUDA device asks of the harness: the driver through which workers copy and wait, and physical limits.

Facts that need no compiler are in :func:`hpcbench.machine.gpu`.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from hpcbench.build import architecture, compile_object, compiler
from hpcbench.machine import gpu
from hpcbench.spec import HpcbenchError

FMAS = 128  # in double precision, per multiprocessor and cycle: its tensor cores where they are fastest
FOLDER = Path(__file__).parent


@contextmanager
def alone() -> Iterator[None]:
    """Hold the device for one race at a time, whoever else runs one on this machine."""
    path = Path(tempfile.gettempdir()) / "hpcbench-device"
    try:
        lock = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        lock = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def driver() -> Path:
    """The shared object through which a worker copies to and from the device, and waits for it."""
    return _built("worker_device.cu", "-shared")


def limits(working_set: int) -> tuple[float, float]:
    """Bounds of what the device can do, (bytes/s, flop/s), for data of ``working_set`` bytes in its memory.

    Bandwidth is the best measured rate of a copy that touches as many bytes again and again, without starts
    of kernels in between: the level of memory that holds them decides. Arithmetic is the double precision of
    tensor cores at the greatest clock. Both err on the high side.

    Raises
    ------
    HpcbenchError
        Where no device is visible, or the copy fails.
    """
    device = gpu()
    if device is None:
        raise HpcbenchError("no CUDA device is visible: a contract on a device's memory needs one")
    return _bandwidth(max(working_set, 2**16)), 2.0 * FMAS * device.processors * device.clock_khz * 1e3


@lru_cache(maxsize=64)
def _bandwidth(size: int) -> float:
    command = [str(_built("device_limits.cu")), str(min(size, 2**32))]
    with alone():
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise HpcbenchError(f"the device's bandwidth cannot be measured: {done.stderr.strip()}")
    return float(done.stdout)


def _built(name: str, *flags: str) -> Path:
    source = (FOLDER / name).read_bytes()
    return compile_object(
        source, ".cu", ["-O2", "-std=c++17", architecture(), *flags], compiler("cuda"), name
    ).path
