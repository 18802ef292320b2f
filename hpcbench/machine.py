"""What the numbers depend on: processor, memory, system, compiler, libraries, and the physical limits."""

from __future__ import annotations

import ctypes
import glob
import os
import platform
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from hpcbench.codec import digest

CGROUPS = Path("/sys/fs/cgroup")
CGROUP_FILES = {  # limit, usage and the row of memory.stat that can be given back, by whether it is version 1
    False: ("memory.max", "memory.current", "inactive_file"),
    True: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}
LIBRARIES = ("numpy", "scipy", "pyamg", "mkl", "numba", "mpich", "openmpi")


ATTRIBUTES = {"clock_khz": 13, "processors": 16, "major": 75, "minor": 76}  # CUdevice_attribute of cuda.h


@dataclass(frozen=True)
class Gpu:
    """The first CUDA device that this process sees: name, driver, compute capability, size, greatest clock."""

    name: str
    driver: str
    capability: str
    processors: int
    clock_khz: int
    memory: int


@lru_cache(maxsize=1)
def gpu() -> Gpu | None:
    """The CUDA device to use, as the driver tells; None where there is none."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    count, device, version, memory = ctypes.c_int(), ctypes.c_int(), ctypes.c_int(), ctypes.c_size_t()
    if cuda.cuInit(0) or cuda.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return None
    name, found = ctypes.create_string_buffer(128), {}
    cuda.cuDeviceGet(ctypes.byref(device), 0)
    cuda.cuDeviceGetName(name, len(name), device)
    cuda.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    cuda.cuDriverGetVersion(ctypes.byref(version))
    for key, number in ATTRIBUTES.items():
        value = ctypes.c_int()
        cuda.cuDeviceGetAttribute(ctypes.byref(value), number, device)
        found[key] = value.value
    driver = f"CUDA {version.value // 1000}.{version.value % 1000 // 10}"
    kernel = re.search(r" (\d+\.\d+[.\d]*) ", _read("/proc/driver/nvidia/version"))
    return Gpu(
        name.value.decode(), f"{driver}, driver {kernel[1]}" if kernel else driver,
        f"{found['major']}{found['minor']}", found["processors"], found["clock_khz"], memory.value,
    )  # fmt: skip


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def first_line(*command: str) -> str:
    """First output line of ``command``, or the empty string when it cannot be run."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout or done.stderr).strip().split("\n")[0]


def _bytes(text: str) -> int:
    units = {"K": 2**10, "M": 2**20, "G": 2**30}
    return int(text[:-1]) * units[text[-1]] if text and text[-1] in units else int(text or 0)


def caches() -> dict[str, int]:
    """Bytes of each cache level that CPU 0 sees, by name ("L1d", "L2", "L3")."""
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        kind, level = _read(f"{index}/type"), _read(f"{index}/level")
        if kind != "Instruction":
            found[f"L{level}" + ("d" if level == "1" else "")] = _bytes(_read(f"{index}/size"))
    return found


def memory_available() -> int:
    """Bytes that can be allocated without swapping: the least of what the system and the cgroups have left.

    A job of a batch system sees the whole node in ``/proc/meminfo``; what ends it is the limit of its cgroup.
    """
    info = dict(line.split(":") for line in _read("/proc/meminfo").splitlines())
    return min([int(info["MemAvailable"].split()[0]) * 1024, *_left_in_cgroups("/proc/self/cgroup", CGROUPS)])


def _left_in_cgroups(memberships: str, root: Path) -> list[int]:
    """Bytes that each memory cgroup above a process, its own first, has left; version 1 and version 2."""
    left = []
    for line in _read(memberships).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        mount = root / "memory" if controllers else root
        limit, usage, cache = CGROUP_FILES[bool(controllers)]
        folder = mount / path.lstrip("/")
        for group in (folder, *folder.parents):
            most, used = _read(f"{group}/{limit}"), _read(f"{group}/{usage}")
            if most.isdigit() and used.isdigit():
                stat = dict(row.split(" ", 1) for row in _read(f"{group}/memory.stat").splitlines())
                left.append(int(most) - int(used) + int(stat.get(cache, 0)))  # cached files make room
            if group == mount:
                break
    return left


def fingerprint(cxx: str = "", mpi: str = "") -> dict[str, Any]:
    """Facts of this machine for the report; ``id`` hashes those that change a measurement.

    Parameters
    ----------
    cxx, mpi : version lines of the compiler and the MPI in use, as the build and launch layers found
        them; empty when there is none.
    """
    cpu = next(
        (ln.split(":")[1].strip() for ln in _read("/proc/cpuinfo").splitlines() if "model name" in ln), ""
    )
    cpufreq = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
    libraries = {}
    for name in LIBRARIES:
        try:
            libraries[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    facts: dict[str, Any] = {
        "cpu": cpu or platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "caches": caches(),
        "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "kernel": platform.release(),
        "compiler": cxx,
        "mpi": mpi,
        "python": platform.python_version(),
        "libraries": libraries,
        "thp": next(iter(_read("/sys/kernel/mm/transparent_hugepage/enabled").split("[")[1:]), "").split("]")[
            0
        ],
        "governor": _read(cpufreq),
    }
    if device := gpu():
        facts["gpu"] = f"{device.name}, {device.driver}"
    scheduler = {k: v for k, v in os.environ.items() if k.startswith(("SLURM_JOB", "OMP_"))}
    return {"id": digest(facts)[:12], "host": platform.node(), **facts, "load": os.getloadavg()[0],
            "environment": scheduler}  # fmt: skip


def idlest_cpus(count: int) -> tuple[tuple[int, ...], bool]:
    """The ``count`` allowed CPUs that were least busy just now, and whether all of them were idle.

    All allowed CPUs when there are no more. The kernel counts in hundredths of a second; idle means busy
    for less than half of the time.
    """

    def busy() -> dict[int, int]:
        rows = [ln.split() for ln in _read("/proc/stat").splitlines() if ln[:3] == "cpu" and ln[3] != " "]
        return {int(row[0][3:]): sum(map(int, row[1:4])) for row in rows}

    allowed = sorted(os.sched_getaffinity(0))
    seconds = 0.02 if count == 1 else 0.05  # the second answer matters to threads only
    before = busy()
    time.sleep(seconds)
    after = busy()
    spent = {cpu: after.get(cpu, 0) - before.get(cpu, 0) for cpu in allowed}
    chosen = sorted(sorted(allowed, key=lambda cpu: spent[cpu])[:count])
    ticks = os.sysconf("SC_CLK_TCK") * seconds
    return tuple(chosen), all(spent[cpu] < ticks / 2 for cpu in chosen)


def limits(working_set: int) -> tuple[float, float]:
    """Bounds of what this machine can do, (bytes/s, flop/s), for data of ``working_set`` bytes.

    Bandwidth is the best measured rate of a copy that touches as many bytes in all, times the cores:
    the level of memory that holds the working set decides it. Arithmetic is two 512-bit fused
    multiply-adds per core and cycle at the clock /proc/cpuinfo shows. Both err on the high side, as a
    bound for calling a measurement impossible must.
    """
    import numpy as np

    half = max(512, min(working_set, 2**28) // 16)
    x, y = np.ones(half), np.zeros(half)
    repeat = max(1, int(2e5 / half))
    best, quiet = 0.0, time.perf_counter()
    while time.perf_counter() - quiet < 0.03:
        start = time.perf_counter()
        for _ in range(repeat):
            np.copyto(y, x)
        rate = repeat * 16 * half / (time.perf_counter() - start)
        if rate > 1.02 * best:
            best, quiet = rate, time.perf_counter()
    rows = [float(ln.split(":")[1]) for ln in _read("/proc/cpuinfo").splitlines() if ln.startswith("cpu MHz")]
    cores = len(os.sched_getaffinity(0))
    return cores * best, cores * 32 * 1e6 * max(rows, default=5000.0)


def packaged(package: str, name: str) -> str:
    """Path of the shared library ``name`` or ``name.VERSION`` that an installed Python package brings.

    Raises
    ------
    ImportError
        Where the package is missing or holds none.
    """
    for file in metadata.files(package) or ():
        if Path(str(file)).name.startswith(name):
            return str(Path(str(file.locate())).resolve())
    raise ImportError(f"the {package} package holds no {name}")


@lru_cache(maxsize=16)
def library(name: str) -> str:
    """Path of the shared library whose file is called ``name`` or ``name.VERSION``; empty where there is none."""
    for folder in filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":")):
        if found := sorted(Path(folder).glob(f"{glob.escape(name)}*")):
            return str(found[0])
    tool = shutil.which("ldconfig", path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin")
    known = subprocess.run([tool, "-p"], capture_output=True, text=True).stdout if tool else ""
    return next(iter(re.findall(rf"^\s{re.escape(name)}[.\d]* .* => (.+)$", known, re.MULTILINE)), "")
