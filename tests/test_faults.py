"""Whatever is killed or hangs: no process is left, nothing acknowledged is lost, the next start says what it found."""

import ctypes
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from judges import judged
from programs import in_python, over_mpi
from races import candidate

from hpcbench import build, cache, launch, measure, processes, store
from hpcbench.ranks import below
from hpcbench.spec import HpcbenchError

ROOT = Path(__file__).parent.parent
HONEST = "return honest(in, out);"
SPINS = "for (volatile unsigned k = 0;; k = k + 1) continue; "
BOMB = "".join(f"#define A{n + 1}(x) " + f"A{n}(x) " * 10 + "\n" for n in range(12)) + "#define A0(x) x + x\n"


def named(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


@pytest.fixture
def orphans():
    """Orphans come to this process; the list of those that still live after two seconds."""
    libc = ctypes.CDLL(None)
    libc.prctl(36, 1)  # PR_SET_CHILD_SUBREAPER

    def left() -> list[str]:
        until = time.monotonic() + 2
        while time.monotonic() < until and below(os.getpid()):
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:  # those that have ended, and nobody waited for
                    continue
            time.sleep(0.02)
        return [named(pid) for pid in below(os.getpid())]

    yield left
    libc.prctl(36, 0)


def killed_judge(folder: Path, words: list[str], after_s: float) -> str:
    """A judgement that is killed after some seconds; what the next start says."""
    command = [sys.executable, "-P", "-m", "hpcbench", "judge", *words, "--case", "amg_rap", "--budget", "4"]
    quiet = {"stdout": subprocess.DEVNULL, "cwd": folder}
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, **quiet)
    time.sleep(after_s)
    process.kill()
    process.wait()
    again = [*command[:5], "absent.cpp"]
    return subprocess.run(again, cwd=folder, capture_output=True, text=True).stderr


@pytest.mark.parametrize(
    ("kills", "ranks"), [(3, 1), *(pytest.param(20, ranks, marks=pytest.mark.slow) for ranks in (1, 2))]
)
def test_a_killed_harness_leaves_no_process_and_the_next_start_says_so(kills, ranks, tmp_path, orphans):
    rng, found = random.Random(kills), []
    for k in range(kills):
        file = tmp_path / f"mine{k}.cpp"
        one = (
            over_mpi(f"{time.time_ns()}", HONEST)
            if ranks > 1
            else candidate(f"/* {time.time_ns()} */ {HONEST}")
        )
        file.write_bytes(one.source)
        words = [file.name, "--ranks", str(ranks), "--model", "mpi" if ranks > 1 else "serial"]
        found.append(killed_judge(tmp_path, words, rng.uniform(0.3, 8)))
        assert orphans() == []
        for journal in (tmp_path / "runs").glob("*.jsonl"):
            store.read(journal)
    said = [text for text in found if "an earlier run" in text]
    assert said
    assert all("scratch folder is removed" in text for text in said)
    assert not list(Path("/tmp").glob(f"hb-{os.getpid()}-*"))


@pytest.mark.parametrize(
    ("victim", "after"),
    [("cc1plus", 0), ("worker", 0), ("rank", 0),
     *(pytest.param(v, s, marks=pytest.mark.slow) for v in ("worker", "rank") for s in (1, 4))],
)  # fmt: skip
def test_a_killed_process_is_a_verdict(victim, after, tmp_path, orphans):
    """The compiler, the worker, and one rank of two, at a random moment of their lives."""
    comm = "cc1plus" if victim == "cc1plus" else ""

    def hunt(stop: threading.Event, hit: list[int]) -> None:
        worker = cache.folder()
        stop.wait(random.uniform(0, after))
        while not stop.is_set() and not hit:
            for pid in below(os.getpid()):
                try:
                    name, path = named(pid), os.readlink(f"/proc/{pid}/exe")
                except OSError:
                    continue
                if (name == comm) if comm else path.startswith(str(worker)) and path != str(launch.enter()):
                    time.sleep(random.uniform(0, 0.05))
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        continue
                    hit.append(pid)
                    return

    body = f"static int k = {time.time_ns() % 1000000007}; {HONEST} usleep(k);"
    slow = b"\n#include <algorithm>\n#include <functional>\n#include <map>\n#include <regex>\n"
    one = (
        over_mpi("mine", f"usleep(20000); {body}")
        if victim == "rank"
        else candidate(f"usleep(20000); {body}")
    )
    one = replace(one, source=slow + one.source)
    if not comm:
        from hpcbench.contender import Entry
        from hpcbench.spec import Setting

        Entry(one, Setting(), "mine", trusted=False).program()  # nobody compiles while workers are hunted
    for _ in range(5):
        stop, hit = threading.Event(), []
        thread = threading.Thread(target=hunt, args=(stop, hit))
        thread.start()
        try:
            result = judged(one, tmp_path, ranks=2 if victim == "rank" else 1)
        finally:
            stop.set()
            thread.join()
        assert hit
        if result.verdict != "correct":  # it may have been killed when all its work was done
            break
    assert result.verdict == ("compile" if comm else "runtime"), result.stages
    assert orphans() == []


# where it hangs: (source in front, body, verdict)
HANGS = {
    "compile": (BOMB, f"int x = A12(1); {HONEST}", "compile"),
    "load": ("static int at_start = [] { " + SPINS + "return 0; }();", HONEST, "timeout"),
    "hidden": ("", f"if (in->a_nrows == 1009) {{ {SPINS} }} {HONEST}", "timeout"),
    "sanitize": (
        "",
        f"void *p = malloc(8); if ((uintptr_t)p >> 40 == 0x60) {{ {SPINS} }} {HONEST}",
        "timeout",
    ),
    "races": ("", f"\n#ifdef __clang__\n {SPINS}\n#endif\n {HONEST}", "timeout"),
    "measure": ("", f"if (in->a_nrows == 400 && calls > 40) {{ {SPINS} }} {HONEST}", "timeout"),
}


@pytest.mark.parametrize("stage", HANGS)
def test_a_hang_in_any_stage_ends(stage, tmp_path, monkeypatch, orphans):
    front, body, verdict = HANGS[stage]
    monkeypatch.setattr(build, "TIME_LIMIT_S", 5)
    monkeypatch.setattr(processes, "START_LIMIT_S", 6.0)
    monkeypatch.setattr(measure, "NATIVE_LIMIT_S", 3.0)
    monkeypatch.setattr("hpcbench.generation.MORE_TIME_S", 2.0)
    one = candidate(body, stage, "openmp" if stage == "races" else "serial")
    one = replace(
        one, source=one.source.replace(b"static int calls;", b"static int calls;\n" + front.encode(), 1)
    )
    result = judged(one, tmp_path)
    assert result.verdict == verdict, result.stages
    where = {"load": ("hidden",), "measure": ("verify", "measure")}.get(stage, (stage,))
    assert result.stages[-1].name in where
    assert orphans() == []


DEAF = """
#include <cstdint>
static void deaf() { /* blocks all signals, and ignores those that may be, by the system's numbers */
  const uint64_t all = ~0ull;
  const uint64_t ignore[4] = {1, 0x4000000, 0, 0};
  register long size __asm__("r10") = 8;
  long r;
  for (long s = 1; s < 65; s++)
    __asm__ volatile("syscall" : "=a"(r) : "a"(13l), "D"(s), "S"(ignore), "d"(0l), "r"(size) : "rcx", "r11", "memory");
  __asm__ volatile("syscall" : "=a"(r) : "a"(14l), "D"(2l), "S"(&all), "d"(0l), "r"(size) : "rcx", "r11", "memory");
}
"""


@pytest.mark.parametrize("ranks", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_who_ignores_all_signals_ends_all_the_same(ranks, tmp_path, monkeypatch, orphans):
    monkeypatch.setattr(measure, "NATIVE_LIMIT_S", 3.0)
    monkeypatch.setattr("hpcbench.generation.MORE_TIME_S", 2.0)
    body = f"deaf(); if (in->b_ncols == 1009) {{ {SPINS} }} {HONEST}"
    one = over_mpi("deaf", body) if ranks > 1 else candidate(body, "deaf")
    result = judged(replace(one, source=DEAF.encode() + one.source), tmp_path, ranks=ranks)
    assert (result.verdict, result.stages[-1].name) == ("timeout", "hidden"), result.stages
    assert orphans() == []


@pytest.mark.slow
def test_python_that_hangs_ends(tmp_path, monkeypatch, orphans):
    monkeypatch.setattr(processes, "START_LIMIT_S", 6.0)
    monkeypatch.setattr("hpcbench.generation.MORE_TIME_S", 2.0)
    result = judged(
        in_python("", "while inputs['a_nrows'] == 1009: pass\nreturn honest(inputs)", "hangs"), tmp_path
    )
    assert (result.verdict, result.stages[-1].name) == ("timeout", "hidden"), result.stages
    assert orphans() == []


def test_a_daemon_does_not_stay(tmp_path, orphans):
    """It forks twice, by the system's numbers, and leaves its session; there it would wait for good."""
    daemon = "if (!by_number(57, 0, 0, 0)) { by_number(112, 0, 0, 0); if (!by_number(57, 0, 0, 0)) for (;;) usleep(100000); } "
    one = candidate(f"static bool tried; if (!tried) {{ tried = true; {daemon} }} {HONEST}")
    one = replace(one, source=b"#include <cstring>\n" + CALLS.encode() + one.source)
    assert judged(one, tmp_path).verdict == "correct"  # the system refused, and it went on
    assert orphans() == []


CALLS = """
static long by_number(long number, long a, long b, long c) {
  long r;
  __asm__ volatile("syscall" : "=a"(r) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return r;
}
static void tell(const char *text) { for (int f = 3; f < 64; f++) by_number(1, f, (long)text, (long)strlen(text)); }
"""
AT_START = 'static int at_start = [] {{ if (!getenv("NEVER")) {{ {} }} return 0; }}();'
# what it does to those who listen: (in front, body)
HOSTILE = {
    "says that no wall stands": (AT_START.format(r'tell("{\"setup\": false, \"layers\": 0}\n");'), HONEST),
    "answers nothing in particular": (AT_START.format(r'tell("{}\n");'), HONEST),
    "answers in another form": (AT_START.format(r'tell("{\"setup\": [1], \"layers\": \"x\"}\n");'), HONEST),
    "answers very deeply": (AT_START.format(r'char t[9000]; memset(t, 91, 9000); t[8998] = 10, t[8999] = 0; tell(t);'), HONEST),
    "cuts all files short": ("", "for (int f = 3; f < 64; f++) by_number(77, f, 0, 0); " + HONEST),
    "takes an odd name and leaves": ("", "by_number(157, 15, (long)\"\\xff\\xfe\\n) Z\", 0); by_number(231, 1, 0, 0); " + HONEST),
    "ends by an odd signal": ("", "by_number(62, by_number(39, 0, 0, 0), 40, 0); " + HONEST),
    "prints without end": ("", "for (int i = 0; i < 20000000; i++) printf(\"%064d\\n\", i); " + HONEST),
}  # fmt: skip


@pytest.mark.parametrize("ranks", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=() if name in ("cuts all files short", "prints without end") else pytest.mark.slow
        )
        for name in HOSTILE
    ],
)
def test_what_a_candidate_does_to_its_judge_is_a_verdict(name, ranks, tmp_path, orphans):
    front, body = HOSTILE[name]
    one = over_mpi(name, body) if ranks > 1 else candidate(body, name)
    marker = b"static int calls;"
    one = replace(
        one, source=b"#include <cstring>\n" + one.source.replace(marker, marker + (CALLS + front).encode(), 1)
    )
    result = judged(one, tmp_path, ranks=ranks)
    harmless = name.startswith("cuts") and ranks == 1  # of MPI's own memory there is something left to cut
    assert (result.verdict == "correct") == harmless, result.stages
    assert all(stage.code != "not_checked" or stage.name in ("imports", "races") for stage in result.stages)
    assert orphans() == []
    assert (
        judged(over_mpi("after", HONEST) if ranks > 1 else candidate(HONEST), tmp_path, ranks=ranks).verdict
        == "correct"
    )


STORM = """
#include <pthread.h>
#include <unistd.h>
static int storm(int wait) {
  pthread_attr_t a;
  pthread_attr_init(&a), pthread_attr_setstacksize(&a, 65536);
  pthread_t t;
  for (int i = 0; i < 3000; i++)
    if (pthread_create(&t, &a, [](void *p) -> void * { usleep(9000000); return p; }, nullptr)) return 9;
  usleep(wait);
  return 0;
}
"""


@pytest.mark.parametrize(
    ("front", "body"),
    [pytest.param("", "return storm(9000000);", id="in a long call"),
     pytest.param("static int at_start = storm(0);", HONEST, id="when it is loaded", marks=pytest.mark.slow),
     pytest.param("static int at_start = storm(9000000);", HONEST, id="when it is loaded, for long", marks=pytest.mark.slow),
     pytest.param("", "static int s = storm(0); return s + honest(in, out);", id="in a short call", marks=pytest.mark.slow)],
)  # fmt: skip
def test_a_storm_of_threads_is_ended(front, body, tmp_path, orphans):
    one = candidate(body)
    result = judged(replace(one, source=(STORM + front).encode() + one.source), tmp_path)
    assert result.verdict == "forbidden", result.stages
    assert "threads" in result.stages[-1].message
    assert orphans() == []


@pytest.mark.parametrize("model", ["serial", "mpi"])
def test_a_stack_without_a_limit_is_no_way_to_more_memory(model, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_STACK)
    if limits[1] != resource.RLIM_INFINITY:
        pytest.skip("the limit cannot be lifted here")
    fills = "char *deep = (char *)__builtin_alloca(SIZE << 20); for (int i = 0; i < SIZE << 20; i += 4096) deep[i] = 1; "
    results = []
    for size in ("4", "256"):
        body = fills.replace("SIZE", size) + HONEST
        one = over_mpi(size, body) if model == "mpi" else candidate(body, size)
        resource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY, limits[1]))
        try:
            results.append(judged(one, tmp_path, ranks=2 if model == "mpi" else 1))
        finally:
            resource.setrlimit(resource.RLIMIT_STACK, limits)
    assert [r.verdict for r in results] == ["correct", "runtime"], [r.stages for r in results]
    assert "SIGSEGV" in results[1].stages[-1].message


@pytest.mark.slow
def test_page_tables_are_bounded(tmp_path):
    """A page in every 2 MiB of a mapping costs a page of tables each, which no limit of data counts."""
    reads = """
static long touch(size_t gib) {
  char *all = (char *)mmap(nullptr, gib << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all == MAP_FAILED) return -1;
  madvise(all, gib << 30, MADV_NOHUGEPAGE);
  long sum = 0;
  for (size_t k = 0; k < gib << 9; k++) sum += ((volatile char *)all)[k << 21];
  munmap(all, gib << 30);
  return sum;
}
"""
    verdicts = {}
    for gib in (32, 512):
        one = candidate(f"static long s = touch({gib}); if (s) return 77; {HONEST}", str(gib))
        one = replace(one, source=b"#include <sys/mman.h>\n" + reads.encode() + one.source)
        last = judged(one, tmp_path).stages[-1]
        verdicts[gib] = last.code, last.message.partition(": ")[2]
    assert verdicts[32][0] == "correct", verdicts
    assert verdicts[512][0] == "runtime", verdicts
    assert "status 77" in verdicts[512][1]


def test_a_compiler_has_a_stack_of_64_mib(tmp_path):
    asks = subprocess.run(
        [*launch.inside(str(tmp_path), None), "sh", "-c", "ulimit -s"], capture_output=True, text=True
    )
    assert asks.stdout.strip() == "65536", asks


@pytest.mark.slow
def test_a_compiler_that_takes_all_memory_is_a_verdict(tmp_path, orphans):
    one = candidate(f"int x = A12(1); {HONEST}")
    result = judged(replace(one, source=BOMB.encode() + one.source), tmp_path)
    assert result.verdict == "compile", result.stages
    assert "memory" in result.stages[-1].message
    assert orphans() == []


def test_a_killed_judge_takes_its_compiler_along(tmp_path, orphans):
    """Also where no namespace does."""
    one = tmp_path / "bomb.cpp"
    one.write_text(BOMB + "int x = A12(1);\n")
    words = launch.inside(str(tmp_path), None, without=32)
    text = f"import subprocess; subprocess.run({[*words, build.compiler('cpp'), '-c', str(one)]!r})"
    judge = subprocess.Popen([sys.executable, "-c", text], env={**os.environ, "TMPDIR": str(tmp_path)})
    until = time.monotonic() + 20
    while "cc1plus" not in map(named, below(judge.pid)) and time.monotonic() < until:
        time.sleep(0.02)
    assert "cc1plus" in map(named, below(judge.pid))
    judge.kill()
    judge.wait()
    assert orphans() == []


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to mount a small file system")
def test_a_full_disk_for_scratch_folders_is_no_verdict(tmp_path, monkeypatch, orphans):
    disk = tmp_path / "disk"
    small_disk(disk, 64)
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    with suppress(OSError):
        (disk / "fill").write_bytes(bytes(2**16))
    try:
        with pytest.raises(HpcbenchError, match="No space left"):
            judged(candidate(HONEST), tmp_path)
        (disk / "fill").unlink()
        assert judged(candidate(HONEST), tmp_path).verdict == "correct"
    finally:
        subprocess.run(["umount", disk], check=True)
    assert orphans() == []


def small_disk(folder: Path, kilobytes: int) -> None:
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", folder]).returncode:
        pytest.skip("needs root to mount a small file system")


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to mount a small file system")
@pytest.mark.parametrize("left", [40, *(pytest.param(kb, marks=pytest.mark.slow) for kb in (0, 400))])
def test_a_full_disk_is_no_verdict(left, tmp_path, monkeypatch, orphans):
    """With space for what is built once, and ``left`` kilobytes for a candidate that takes more."""
    disk = tmp_path / "disk"
    small_disk(disk, 16 << 10)
    monkeypatch.setenv("XDG_CACHE_HOME", str(disk))
    try:
        result = judged(candidate(HONEST), tmp_path)
        assert result.verdict == "correct", result.stages[-1].message
        rest = os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize
        (disk / "fill").write_bytes(b"x" * max(0, rest - left * 1024))
        large = candidate(f"static char big[500000] = {{1}}; {HONEST} (void)big;")
        with pytest.raises(HpcbenchError, match="No space left"):
            judged(large, tmp_path)
        (disk / "fill").unlink()
        result = judged(large, tmp_path)
        assert result.verdict == "correct", result.stages[-1].message
    finally:
        subprocess.run(["umount", disk], check=True)
    assert orphans() == []


@pytest.fixture
def small_memory():
    """This process and its children share 1 GiB, by a control group of either version."""
    top = Path("/sys/fs/cgroup/memory") if Path("/sys/fs/cgroup/memory").exists() else Path("/sys/fs/cgroup")
    own = Path("/proc/self/cgroup").read_text().splitlines()
    home = next(row.split(":", 2)[2] for row in own if ":memory:" in row or row.startswith("0::"))
    group = top / f"hpcbench-test-{os.getpid()}"
    try:
        group.mkdir()
        limits = (group / "memory.limit_in_bytes", group / "memory.max")
        next(file for file in limits if file.exists()).write_text(str(2**30))
        (group / "cgroup.procs").write_text(str(os.getpid()))
    except (OSError, StopIteration):
        if group.exists():
            group.rmdir()
        pytest.skip("needs a memory control group to write to")
    yield
    (top / home.strip("/") / "cgroup.procs").write_text(str(os.getpid()))
    group.rmdir()


def test_the_kernel_s_oom_killer_takes_the_candidate(tmp_path, monkeypatch, small_memory, orphans):
    """Others take the memory that was free when the candidate's limit was set: here, it never was."""
    monkeypatch.setattr("hpcbench.machine.memory_available", lambda: 2**36)
    takes = "for (;;) { volatile char *p = (char *)malloc(1 << 24); if (!p) return 1; for (int i = 0; i < 1 << 24; i += 4096) p[i] = 1; } "
    result = judged(candidate(f"if (in->a_nrows == 1009) {takes} {HONEST}"), tmp_path)
    assert result.verdict == "runtime"
    assert "SIGKILL" in result.stages[-1].message
    assert orphans() == []
    assert judged(candidate(HONEST), tmp_path).verdict == "correct"
