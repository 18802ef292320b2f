"""How workers start here: plain processes, or ranks under the site's MPI, the mpich wheel or srun.

A worker's environment fixes the thread counts, binds OpenMP's threads to a CPU each, makes them wait
passively so that a parked arm costs nothing, and states the page policy of library allocators.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from hpcbench import sandbox
from hpcbench.build import compile_object, compiler, has_header
from hpcbench.instrument import Instrument
from hpcbench.machine import first_line, memory_available
from hpcbench.spec import HpcbenchError, Setting
from hpcbench.variant import inline

STACK_LIMIT = 2**26
THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "BLIS_NUM_THREADS"
)  # fmt: skip
# What an untrusted candidate sees of the environment: nothing that might hold a secret.
SEEN = (
    "PATH", "HOME", "LANG", "LC_", "LD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV", "OMP_", "KMP_", "MKL_NUM",
    "PYTHONPATH", "MPIR_", "OMPI_", "FI_", "UCX_",
)  # fmt: skip
# Library allocators: keep freed memory (pre-faulted) or return it at once (cold); 4 KiB pages in both.
ALLOCATOR = {
    "prefaulted": {
        "MALLOC_MMAP_MAX_": "0",
        "MALLOC_TRIM_THRESHOLD_": str(2**40),
        "MALLOC_TOP_PAD_": str(2**26),
    },
    "cold": {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"},
}


class NoMpi(HpcbenchError):
    """There is no usable MPI here."""

    exit_code = 3


@dataclass(frozen=True)
class Mpi:
    """An MPI: its launcher, its C and C++ compiler wrappers, its version line.

    ``local`` is the launcher that starts ranks as processes of its own, on this machine, whatever the site uses.
    """

    launcher: tuple[str, ...]
    local: tuple[str, ...]
    cc: str
    cxx: str
    version: str

    def compiler(self, language: str) -> str:
        """The wrapper for C or C++."""
        return self.cc if language == "c" else self.cxx


@lru_cache(maxsize=1)
def mpi() -> Mpi:
    """The MPI to use: ``HPCBENCH_MPIRUN`` if set, else the site's, else the mpich wheel's.

    Launcher and compiler wrappers are taken from the same folder, so that they agree; where the wrappers find
    no ``mpi.h`` (a distribution's run-time package), the next one counts. Inside a SLURM allocation whose
    ``srun`` lists pmi2 or pmix the ranks start with it.

    Raises
    ------
    NoMpi
        When there is none, with what would install one.
    """
    own = Path(sys.prefix) / "bin"
    named = os.environ.get("HPCBENCH_MPIRUN", "")
    site = [Path(p) for p in os.environ.get("PATH", "").split(os.pathsep) if p and Path(p) != own]
    for folder in [Path(named).parent] if named else [*site, own]:
        launcher = Path(named) if named else folder / "mpirun"
        wrappers = str(folder / "mpicc"), str(folder / "mpicxx")
        if os.access(launcher, os.X_OK) and all(map(_compiles, wrappers)):
            version = _version(launcher)
            words = _launcher(launcher, version)
            # hydra's parts find each other by the host's name, which ranks with a loopback only cannot reach
            loopback = ("-localhost", "127.0.0.1") if version.startswith("MPICH") else ()
            return Mpi(_srun() or (*words, "-n"), (*words, *loopback, "-n"), *wrappers, version)
    if named:
        raise NoMpi(f"HPCBENCH_MPIRUN={named}: no such launcher with mpicc and mpicxx that find mpi.h")
    raise NoMpi(
        "no mpirun with mpicc and mpicxx beside it that find mpi.h; load an MPI module, or pip install mpich"
    )


def _compiles(wrapper: str) -> bool:
    return os.access(wrapper, os.X_OK) and has_header("<mpi.h>", wrapper)


def _version(launcher: Path) -> str:
    lines = subprocess.run(
        [launcher, "--version"], capture_output=True, text=True, timeout=20
    ).stdout.splitlines()
    number = next((ln.split()[-1] for ln in lines if "Version:" in ln), "")
    return f"MPICH {number}" if number else (lines[0].strip() if lines else str(launcher))


def _srun() -> tuple[str, ...]:
    if os.environ.get("SLURM_JOB_ID") and shutil.which("srun"):
        for kind in ("pmix", "pmi2"):
            if kind in first_line("srun", "--mpi=list"):
                return ("srun", f"--mpi={kind}", "--overlap", "-n")
    return ()


def _launcher(path: Path, version: str) -> tuple[str, ...]:
    if "Open MPI" in version:
        root = ("--allow-run-as-root",) if os.getuid() == 0 else ()
        return (str(path), *root, "--oversubscribe", "--bind-to", "none")
    return (str(path), "-bind-to", "none")


def mpi_driver() -> Path:
    """The shared object through which a rank starts MPI, built by the wrapper of :func:`mpi`."""
    source = (Path(__file__).parent / "worker_mpi.c").read_bytes()
    return compile_object(source, ".c", ["-O2", "-shared"], mpi().cc, "worker_mpi").path


def native_worker(watch: Instrument | None = None) -> Path:
    """The program that runs native candidates, itself built under the instrument that watches them.

    Raises
    ------
    BuildError
        When the compiler lacks the instrument's run-time library.
    """
    folder = Path(__file__).parent
    source = inline((folder / "worker.c").read_text(), folder).encode()
    if watch is None:
        return _with_lockdown(source, ["-O2"], "worker")
    return _with_lockdown(source, ["-O1", *watch.flags, *watch.worker], "worker", watch.compilers["c"])


def lockdown() -> Path:
    """The shared object with which a Python worker builds its wall."""
    return _with_lockdown(b"", ["-O2", "-shared"], "lockdown")


def enter() -> Path:
    """The program that runs a command behind the wall."""
    return _with_lockdown((sandbox.FOLDER / "enter.c").read_bytes(), ["-O2"], "enter")


@lru_cache(maxsize=1)
def layers() -> int:
    """The layers of the wall that stand here, as bits of ``sandbox.LAYERS``, found by building one."""
    return int(subprocess.run([enter(), "probe"], capture_output=True, text=True, timeout=20).stdout or 0)


def inside(scratch: str, readable: Path | None, tool: str = "", without: int = 0) -> list[str]:
    """The words before a command that let it write to ``scratch`` alone, and read the system and ``readable``.

    It may read where ``tool`` is installed, and the compilers that an MPI's wrapper calls; of those in the
    user's own ``bin`` themselves only.
    """
    tools = [Path(path) for path in (tool, compiler("c"), compiler("cpp")) if path]
    places = [place for path in tools for place in (path, path.resolve())]
    home = (Path.home(), *Path.home().parents)
    around = [place if place.parent.parent in home else place.parent.parent for place in places]
    paths = dict.fromkeys([*sandbox.SYSTEM, *map(str, around), *([str(readable)] if readable else [])])
    limits = [str(4 * 2**30), "120"]  # bytes of data, seconds of CPU
    needs = sandbox.WRITES | sandbox.SPAWNS
    return [str(enter()), ":".join(paths), f"{scratch}:/dev/null", str(needs), str(without), *limits]


def _with_lockdown(source: bytes, flags: list[str], name: str, tool: str | None = None) -> Path:
    """``source`` and ``sandbox/lockdown.c`` as one object."""
    whole = (sandbox.FOLDER / "lockdown.c").read_bytes() + source
    key = name, (sandbox.FOLDER / "lockdown.h").read_text()
    tool = tool or compiler("c")
    return compile_object(whole, ".c", flags, tool, key, sandbox.FOLDER, libraries=["-ldl"]).path


def command(
    setting: Setting, language: str, under_mpi: bool, socket: str, watch: Instrument | None = None,
    wall: sandbox.Wall | None = None,
) -> list[str]:  # fmt: skip
    """The command line that starts the worker processes of one arm.

    Ranks that will build a wall are processes of ours, in namespaces that they share.
    """
    python = [sys.executable, "-P", "-m", "hpcbench.worker"]
    native = [] if language == "python" else [*(watch.prefix if watch else ()), str(native_worker(watch))]
    worker = [*(native or python), socket]
    if under_mpi and wall:
        shared = str(memory_available() // 4)  # bytes of their /dev/shm
        return [str(enter()), "launch", str(wall.without), shared, *mpi().local, str(setting.ranks), *worker]
    if under_mpi:
        return [*mpi().launcher, str(setting.ranks), *worker]
    if watch and watch.outlives:  # whose child the worker is
        return worker
    return [*worker, str(os.getpid())]


def environment(
    setting: Setting, rng: random.Random, walled: bool = False, watch: Instrument | None = None
) -> dict[str, str]:
    """The environment of a worker: threads, passive waiting, page policy, and padding of random size.

    With ``binding="compact"`` OpenMP's threads are bound where there is a CPU for each. Left free, the kernel
    may wake a thread behind another one on the same CPU and leave it there for 4 to 8 ms. An untrusted
    candidate sees of our environment only what launchers and libraries need.
    The padding moves the stack, so that its alignment is not the same in every process generation
    (Mytkowicz et al., Producing Wrong Data Without Doing Anything Obviously Wrong, ASPLOS 2009).
    """
    env = {k: v for k, v in os.environ.items() if k.startswith(SEEN)} if walled else dict(os.environ)
    if walled:  # ranks may not read each other's memory through the kernel; MPICH, Open MPI 4 and 5
        env.update(MPIR_CVAR_CH4_CMA_ENABLE="0", OMPI_MCA_btl_vader_single_copy_mechanism="none",
                   OMPI_MCA_smsc="^cma,knem,xpmem")  # fmt: skip
    env.update(dict.fromkeys(THREAD_VARIABLES, str(setting.threads)))
    env.update(OMP_WAIT_POLICY="PASSIVE", OMP_DYNAMIC="FALSE", KMP_BLOCKTIME="0", MKL_DYNAMIC="FALSE")
    fits = setting.ranks * setting.threads <= len(os.sched_getaffinity(0))
    if setting.ranks > 1 and not fits:  # MPICH: who waits long sleeps, or others that have no CPU wait for it
        env.setdefault("MPIR_CVAR_CH4_PROGRESS_THROTTLE", "1")
    if setting.binding == "compact" and setting.threads > 1 and fits:
        env.update(OMP_PROC_BIND="CLOSE", OMP_PLACES="threads")
    env.update(NUMPY_MADVISE_HUGEPAGE="0", PYTHONDONTWRITEBYTECODE="1")
    env.update(ALLOCATOR[setting.pages], HPCBENCH_PAD="x" * rng.randrange(4096))
    env.update(watch.environment if watch else {})
    return env


def bound_stack(pid: int) -> None:
    """Of an untrusted process: a stack without a limit would be memory that ``RLIMIT_DATA`` does not count."""
    if not 0 <= resource.getrlimit(resource.RLIMIT_STACK)[0] <= STACK_LIMIT:
        resource.prlimit(pid, resource.RLIMIT_STACK, (STACK_LIMIT, STACK_LIMIT))


def rank_cpus(cpus: Sequence[int], setting: Setting, rank: int) -> list[int]:
    """The CPUs of one rank: its own ``threads`` of ``cpus`` (compact), or all when there are too few."""
    if setting.ranks * setting.threads > len(cpus):
        return list(cpus)
    return list(cpus[rank * setting.threads : (rank + 1) * setting.threads])
