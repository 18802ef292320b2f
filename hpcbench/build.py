"""C and C++ sources to shared objects, in a content-addressed cache.

The key hashes source, flags, parameters, the kernel's ``abi.h``, the compiler's version and, with
``-march=native``, the processor; a cached object is therefore never stale. Objects appear by an atomic rename.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from hpcbench import cache, expanded
from hpcbench.codec import digest
from hpcbench.machine import first_line, gpu
from hpcbench.registry import kernel
from hpcbench.spec import Candidate, Code, HpcbenchError

ALLOWED_FLAGS = re.compile(
    r"-O[0-3]|-march=native|-mtune=native|-funroll-loops|-falign-loops=\d+|-fno-(?!sanitize)[a-z-]+|-std=[a-z0-9+]+|-g"
    r"|-W[a-z][a-z0-9=+-]*|-pthread|-DNDEBUG|-fopenmp-simd|-ffp-contract=\w+|-mprefer-vector-width=\d+"
)
FLAGS = (
    "-O0 to -O3, -march=native, -mtune=native, -std=…, -W…, -g, -funroll-loops, -falign-loops=…, -fno-…, "
    "-ffp-contract=…, -fopenmp-simd, -mprefer-vector-width=…, -pthread, -DNDEBUG"
)
COMPILERS = {
    "c": ("CC", ("gcc", "clang", "cc"), "C", "g++"),
    "cpp": ("CXX", ("g++", "clang++", "c++"), "C++", "g++"),
    "cuda": ("NVCC", ("nvcc", "/usr/local/cuda/bin/nvcc"), "CUDA", "the CUDA toolkit"),
}
STANDARDS = {"c": ("-std=gnu11",), "cpp": ("-std=gnu++17",), "cuda": ("-std=c++17",)}
TIME_LIMIT_S = 120
# MPI-3 has removed them; where they still are, every object asks for MPI_Comm_spawn
NO_CXX_BINDINGS = ("-DOMPI_SKIP_MPICXX=1", "-DMPICH_SKIP_MPICXX=1")
LEAST_SPACE = 2**26  # bytes that a compiler may need for its work
KEPT = {"PATH", "HOME", "LD_LIBRARY_PATH", "CPATH", "LIBRARY_PATH"}  # what a compiler sees of the environment


Inside = Callable[[str, "Path | None", str], list[str]]


class BuildError(HpcbenchError):
    """The compiler refused the source; the message is its own, cut to what helps the author."""

    exit_code = 1
    code: Code = "compile"


class Unwatched(BuildError):
    """The source would switch off the instrument with which it is built."""

    code: Code = "forbidden"


class NoCompiler(HpcbenchError):
    """There is no compiler for the language on this machine."""

    exit_code = 3


@dataclass(frozen=True)
class Built:
    """A shared object and what making it took."""

    path: Path
    seconds: float
    cached: bool
    tool: str


def compiler(language: str) -> str:
    """Path of the C, C++ or CUDA compiler: ``CC``, ``CXX``, ``NVCC`` if set, else the first usual name.

    Raises
    ------
    NoCompiler
        With the names that were tried.
    """
    variable, names, words, package = COMPILERS[language]
    tried = (os.environ[variable],) if os.environ.get(variable) else names
    for name in tried:
        if path := shutil.which(name):
            return path
    raise NoCompiler(f"no {words} compiler: tried {', '.join(tried)}; install {package} or set {variable}")


def architecture() -> str:
    """The flag of nvcc for the device that is visible, or for one of compute capability 8.0 where none is."""
    device = gpu()
    return f"-arch=sm_{device.capability if device else 80}"


@lru_cache(maxsize=8)
def version(tool: str) -> str:
    """First line of ``tool --version``."""
    return first_line(tool, "--version")


@lru_cache(maxsize=8)
def has_header(name: str, tool: str = "") -> bool:
    """Whether ``tool``, or else the C++ compiler, finds the header ``name``, in angle brackets.

    Raises
    ------
    NoCompiler
    """
    text = f"#if !__has_include({name})\n#error\n#endif\n"
    command = [tool or compiler("cpp"), "-x", "c++", "-E", "-o", os.devnull, "-"]
    return subprocess.run(command, input=text.encode(), capture_output=True).returncode == 0


@lru_cache(maxsize=1)
def _cpu_flags() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def build(
    candidate: Candidate, *, tool: str | None = None, watch: Sequence[str] = (), salt: str = "",
    inside: Inside | None = None,
) -> Built:  # fmt: skip
    """Compile ``candidate``; with ``inside``, behind a wall.

    Parameters
    ----------
    tool : another compiler than the usual one: the MPI's wrapper, or an instrument's.
    watch : flags of an instrument, which replace the candidate's level of optimisation.
    salt : anything; a different salt gives a second object from the same source, as the A/A twin needs.

    Raises
    ------
    BuildError, NoCompiler
    """
    for flag in candidate.flags:
        if not ALLOWED_FLAGS.fullmatch(flag):
            raise BuildError(f"flag {flag} is not on the list of allowed flags: {FLAGS}; OpenMP by its model")
    params = [f"-D{k}={v}" for k, v in sorted(candidate.params.items()) if is_build_param(candidate, k)]
    openmp = ["-fopenmp"] if "openmp" in candidate.model else []
    no_bindings = NO_CXX_BINDINGS if "mpi" in candidate.model else ()
    standard = (*STANDARDS[candidate.language], *([architecture()] if candidate.language == "cuda" else []))
    own = [f for f in candidate.flags if not (watch and f.startswith(("-O", "-Werror")))]
    watched = ("-Og", "-g1", *watch) if watch else ()
    flags = [*standard, *own, *openmp, *no_bindings, *params, "-shared", *watched]
    suffix = {"c": ".c", "cpp": ".cpp", "cuda": ".cu"}[candidate.language]
    folder = kernel(candidate.kernel).folder
    looked_at = bool(watch) and suffix in expanded.SUFFIXES
    key = (candidate.id, salt, (folder / "abi.h").read_text(), expanded.UNWATCHED.pattern * looked_at)
    tool = tool or compiler(candidate.language)
    libraries = ["-lm"] if candidate.language == "c" else []  # as g++ does by itself
    return compile_object(candidate.source, suffix, flags, tool, key, folder, libraries, inside, looked_at)


def is_build_param(candidate: Candidate, name: str) -> bool:
    """Whether parameter ``name`` is compiled in (``-DNAME=value``) or passed at run time."""
    from hpcbench.variant import header_of

    return bool(header_of(candidate).get("params", {}).get(name, {}).get("when", "build") == "build")


def compile_object(
    source: bytes, suffix: str, flags: list[str], tool: str, key: object, include: Path | None = None,
    libraries: Sequence[str] = (), inside: Inside | None = None, watched: bool = False,
) -> Built:  # fmt: skip
    """Compile ``source`` with ``tool`` unless the cache holds the object, or program, already.

    ``inside`` gives the words before the command that let the compiler of an untrusted source run behind
    a wall, with nothing but the scratch folder to write to; of ``include`` it sees ``abi.h`` alone.
    ``watched`` is for what an instrument may be switched off in.
    """
    start = time.perf_counter()
    name = digest([str(key), source, flags, libraries, tool, version(tool), _cpu_flags()])
    name += ".so" * ("-shared" in flags)
    if found := cache.find(name):
        return Built(found, time.perf_counter() - start, True, version(tool))
    with cache.scratch() as scratch:
        text, made = scratch / f"candidate{suffix}", scratch / "made"
        text.write_bytes(source)
        host = ["-fPIC", "-fdiagnostics-color=never"]
        if suffix == ".cu":
            host = [f"-Xcompiler={','.join(host)}"]
        command = [*(inside(str(scratch), None, tool) if inside else ()), tool, *flags, *host]
        if include is not None:
            command += ["-I", "." if inside else str(include)]
        if include is not None and inside:
            shutil.copy(include / "abi.h", scratch)
        if watched:
            text = _expanded(command, text)
            command.append("-undef")
        _run([*command, text.name, "-o", made.name, *libraries], scratch)
        kept = cache.keep(made, name)
    return Built(kept, time.perf_counter() - start, False, version(tool))


def _expanded(command: list[str], text: Path) -> Path:
    """What the preprocessor makes of ``text``, to be built in its place: so nothing is built but what was seen.

    Raises
    ------
    BuildError, Unwatched
    """
    whole = text.with_suffix(expanded.SUFFIXES[text.suffix])
    _run([*command, "-E", text.name, "-o", whole.name], text.parent)
    body = expanded.LOOPS.sub(b"", whole.read_bytes())
    if word := expanded.unwatched(body):
        raise Unwatched(f"it asks not to be watched: {word}")
    whole.write_bytes(body)
    return whole


def _run(command: list[str], folder: Path) -> None:
    log = open(f"{folder}/log", "w+b")  # noqa: SIM115 (a file: there the wall's limit holds)
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        env={**{k: v for k, v in os.environ.items() if k in KEPT}, "LC_ALL": "C", "TMPDIR": str(folder)},
    )  # fmt: skip
    try:
        process.wait(timeout=TIME_LIMIT_S)
    except BaseException as error:
        with suppress(ProcessLookupError):  # it may have ended just now
            os.killpg(process.pid, 9)
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise BuildError(f"the compiler took longer than {TIME_LIMIT_S} s") from None
        raise
    with log:
        log.seek(0)
        output = log.read(2**18).decode("utf-8", "replace")
    if process.returncode:
        with open(f"{folder}/room", "wb") as room:  # without space, the source is not to blame
            os.posix_fallocate(room.fileno(), 0, LEAST_SPACE)
        raise BuildError(cut(output) or f"the compiler ended with status {process.returncode}")


def cut(output: str, lines: int = 6, width: int = 300) -> str:
    """The lines of a compiler's output that name an error, at most ``lines``; else its last ones."""
    rows = [row[:width] for row in output.strip().splitlines()]
    errors = [r for r in rows if re.search(r"\berror\b|undefined reference|fatal", r)]
    return "\n".join((errors or rows[-lines:])[:lines])
