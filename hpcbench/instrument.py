"""Builds and runs that watch a kernel: address and undefined-behaviour checks, and race detectors.

``address`` is the compiler's own -fsanitize=address,undefined; ``thread`` is clang's -fsanitize=thread with Archer,
which knows the synchronisation of LLVM's OpenMP (without it correct kernels are flagged; gcc's libgomp has no such
witness). Worker and candidate are both built with the instrument, so that the measured protocol runs unchanged.
``bounds`` has numba check indices; ``device`` is NVIDIA's compute-sanitizer: under both the usual worker runs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from hpcbench import build
from hpcbench.machine import first_line
from hpcbench.spec import Code, HpcbenchError

REPORTED = 66  # exit status of a process that reported something
COMMON = f"exitcode={REPORTED}:color=never:print_summary=0"
ADDRESS = ("-fsanitize=address,undefined", "-fno-sanitize=alignment,nonnull-attribute,vptr",
           "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")  # fmt: skip
# what is in a log the candidate may have written: these take a time in proportion to its length, whatever it is
FRAME = re.compile(r"^ *#\d+ .*\(([^\s()]+\.so)\+(0x[0-9a-f]+)\)", re.MULTILINE)
# LLVM's OpenMP uses the memory of a task again for the next one, which the detector takes for a race
RECYCLED = re.compile(r"^ *Location is heap block.*\n *#0 .*\n *#1 .*\(libi?omp", re.MULTILINE)
# the first line of a report of compute-sanitizer
REPORT = re.compile(
    rb"^========= (?:Error: Race|Invalid|Uninitialized|Barrier|Divergent|Warning: Race)", re.MULTILINE
)
ERROR = re.compile(rb"(?:ERROR|WARNING): \w{1,40}Sanitizer: |:\d{1,9}:\d{1,9}: runtime error: ")
RULE = re.compile(rb"^={18,}$", re.MULTILINE)  # between two reports
LONGEST, WIDEST = 2**16, 300  # characters of a report, of what it says first


class Absent(HpcbenchError):
    """The instrument is not to be had here."""

    exit_code = 3


@dataclass(frozen=True)
class Instrument:
    """How to build and run under it.

    Attributes
    ----------
    code : verdict of a kernel about which something is reported.
    compilers : by language. prefix : the words before the worker's command. readable : beyond the system's paths.
    tool : its version. worker, candidate : more flags for one of the two alone. outlives : the command in
    ``prefix`` stays, as the worker's parent.
    """

    name: str
    code: Code
    compilers: Mapping[str, str]
    flags: tuple[str, ...]
    environment: Mapping[str, str]
    tool: str
    prefix: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    worker: tuple[str, ...] = ()
    candidate: tuple[str, ...] = ()
    outlives: bool = False


# a fence, which the detector does not know, is an atomic addition of nothing to what `worker_races.h` has
_ORDER = (
    '((void)({extern int hpcbench_order __asm__("hpcbench_order");__atomic_fetch_add(&hpcbench_order,0,5);}))'
)
FENCES = tuple(
    f"-D{name}={_ORDER}"
    for name in ("__atomic_thread_fence(_)", "__c11_atomic_thread_fence(_)", "__sync_synchronize()")
)


@lru_cache(maxsize=1)
def address() -> Instrument:
    """The compiler's address and undefined-behaviour checks."""
    tools = {language: build.compiler(language) for language in ("c", "cpp")}
    options = f"{COMMON}:halt_on_error=1:detect_leaks=0:allocator_may_return_null=1:handle_abort=1"
    undefined = f"{COMMON}:halt_on_error=1:print_stacktrace=1"
    environment = {"ASAN_OPTIONS": options, "UBSAN_OPTIONS": undefined}
    return Instrument(
        "address", "runtime", tools, ADDRESS, environment, build.version(tools["cpp"]),
        candidate=("-U__SANITIZE_ADDRESS__",),
    )  # fmt: skip


@lru_cache(maxsize=1)
def thread() -> Instrument:
    """clang's race detector with Archer, of the newest LLVM on the path that has both.

    Raises
    ------
    Absent
        With what would install them.
    """
    for clang in _clangs():
        resources = Path(first_line(clang, "-print-resource-dir"))
        runtime = list(resources.glob("lib/**/libclang_rt.tsan*.a"))
        archers = sorted(resources.parent.parent.glob("**/libarcher.so"))
        if runtime and archers:
            folder = str(archers[0].parent)
            paths = [folder, *filter(None, [os.environ.get("LD_LIBRARY_PATH", "")])]
            environment = {
                "OMP_TOOL_LIBRARIES": str(archers[0]), "LD_LIBRARY_PATH": ":".join(paths),
                "TSAN_OPTIONS": f"{COMMON}:ignore_noninstrumented_modules=1:symbolize=0:detect_deadlocks=0"
                                ":report_signal_unsafe=0:report_thread_leaks=0:report_destroy_locked=0",
            }  # fmt: skip
            fixed = shutil.which("setarch")  # the detector's shadow memory wants fixed addresses
            return Instrument(
                "thread", "race", {"c": clang, "cpp": _cxx(clang)}, ("-fsanitize=thread",), environment,
                f"{build.version(clang)}, Archer", prefix=(fixed, "-R") if fixed else (),
                readable=(folder, str(resources)), worker=("-fopenmp", "-rdynamic"), candidate=FENCES,
            )  # fmt: skip
    raise Absent("no clang with ThreadSanitizer and Archer; on Debian: clang, libomp-dev and libclang-rt-dev")


@lru_cache(maxsize=1)
def bounds() -> Instrument:
    """Numba's own check of every index."""
    return Instrument(
        "bounds", "runtime", {}, (), {"NUMBA_BOUNDSCHECK": "1"}, f"numba {metadata.version('numba')}"
    )


@lru_cache(maxsize=4)
def device(check: str) -> Instrument:
    """A tool of compute-sanitizer: ``memcheck``, ``initcheck``, ``racecheck`` or ``synccheck``.

    Raises
    ------
    Absent
        With what brings it.
    """
    tools = {language: build.compiler(language) for language in ("c", "cpp", "cuda")}
    beside = str(Path(tools["cuda"]).resolve().parent / "compute-sanitizer")
    found = shutil.which("compute-sanitizer") or shutil.which(beside)
    if found is None:
        raise Absent("no compute-sanitizer; it comes with the CUDA toolkit")
    lines = subprocess.run([found, "--version"], capture_output=True, text=True).stdout.split("\n")
    number = next((ln for ln in lines if ln.startswith("Version")), "")
    return Instrument(
        check, "race" if check == "racecheck" else "runtime", tools, (), {}, f"compute-sanitizer {check} {number}",
        prefix=(found, "--tool", check, "--print-limit", "4", "--show-backtrace", "device"),
        candidate=("-lineinfo",), outlives=True,
    )  # fmt: skip


def _clangs() -> list[str]:
    """Every clang on the path, the newest first."""
    names = [*(f"clang-{version}" for version in range(40, 9, -1)), "clang"]
    return [path for path in map(shutil.which, names) if path]


def _cxx(clang: str) -> str:
    path = Path(clang)
    return str(path.with_name(path.name.replace("clang", "clang++")))


def explain(log: bytes, program: str, inside: build.Inside, lines: int = 3) -> str:
    """What the instrument reported, cut to the kind of error and the places in the candidate's own code.

    ``program`` is the candidate's object, whose debugging information ``addr2line`` reads behind the wall that
    ``inside`` builds.
    """
    if watched := REPORT.search(log):
        report = _report(log, watched.start()).split("\n========= \n")[0]
        places = dict.fromkeys(re.findall(r"in candidate\.cu:(\d+)", report))
        first = report.partition("\n")[0].removeprefix("========= ")[:WIDEST]
        what = re.sub(r"^Error: | at \S.*? in candidate\.cu:\d+", "", first).strip()
        return what + "".join(f"\n  at line {place}" for place in list(places)[:lines])
    at = 0
    while found := ERROR.search(log, at):
        report = _report(log, found.start())
        if not RECYCLED.search(report):
            break
        at = found.start() + len(report)
    else:
        return ""
    first = report.partition("\n")[0][:WIDEST]
    line, _, said = first.partition(": runtime error: ")
    what = f"{said} (line {line.split(':')[1]})" if said else first.partition("Sanitizer: ")[2]
    what = re.sub(r" on (unknown )?address .*| \(pid=\d+\)", "", what).strip()
    what = what.replace("use-after-poison", "access outside the arrays that it was handed")
    if access := re.search(r"^((?:READ|WRITE) of size \d{1,9})", report, re.MULTILINE):
        what += f", {access[1].lower()}"
    offsets = [m[2] for m in FRAME.finditer(report) if Path(m[1]).name == Path(program).name]
    places = dict.fromkeys(_places(program, offsets[:12], inside))
    return what + "".join(f"\n  at {place}" for place in list(places)[:lines])


def _report(log: bytes, start: int) -> str:
    end = RULE.search(log, start, start + LONGEST)
    return log[start : end.start() if end else start + LONGEST].decode("ascii", "replace")


def _places(program: str, offsets: list[str], inside: build.Inside) -> list[str]:
    """``function, line N`` of each offset that lies in the candidate's own source."""
    if not offsets or not shutil.which("addr2line"):
        return []
    # a return address: the call lies before it
    addresses = [hex(int(offset, 16) - 1) for offset in offsets]
    command = [
        *inside("/dev/null", Path(program), ""),
        "addr2line",
        "-C",
        "-f",
        "-i",
        "-e",
        program,
        *addresses,
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60)
    except subprocess.TimeoutExpired:
        return []
    rows = done.stdout.splitlines()
    return [
        f"line {where.rpartition(':')[2].split()[0]}" + ("" if name.startswith(".omp") else f", {name[:60]}")
        for name, where in zip(rows[::2], rows[1::2], strict=False)
        if "candidate.c" in where and not where.endswith(":?")
    ]
