"""What a candidate reaches for behind the wall fails, and without the wall it would have succeeded.

Each body tries one thing and sets ``got``; a kernel that got it computes the right answer, one that did not
returns status 77, so that the verdict tells.
"""

import os
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from programs import over_mpi
from races import candidate

from hpcbench import build, launch
from hpcbench.contender import Entry
from hpcbench.spec import Setting

HEAD = b"""
#include <cstdio>
#include <cstdlib>
#include <unistd.h>
#include <fcntl.h>
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <cerrno>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
static bool opens(const char *path, int flags) {
  const int fd = open(path, flags, 0600);
  if (fd >= 0) close(fd);
  return fd >= 0;
}
static bool reads(const char *path) {
  char c;
  const int fd = open(path, O_RDONLY);
  const bool got = fd >= 0 && read(fd, &c, 1) == 1;
  if (fd >= 0) close(fd);
  return got;
}
static char *about(pid_t pid, const char *what) {
  static char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, what);
  return path;
}
static bool connects(int family, const void *address, size_t size, int kind) {
  const int s = socket(family, kind, 0);
  const bool got = s >= 0 && !connect(s, (const sockaddr *)address, size);
  if (s >= 0) close(s);
  return got;
}
"""
# FILE: a secret of the user; FOLDER: a folder of the user; PORT, SOCKET: somebody listens there; VICTIM: a process
REACHES = {
    "reads a file of the user": 'got = reads("FILE");',
    "reads a secret in its environment": 'got = getenv("HPCBENCH_TEST_SECRET");',
    "reads it by another name": 'got = reads("/proc/self/root/FILE");',
    "lists a folder of the user": 'DIR *d = opendir("FOLDER"); got = d; if (d) closedir(d);',
    "reads the list of users": 'got = reads("/etc/passwd");',
    "reads the parent's environment": 'got = reads(about(getppid(), "environ"));',
    "reads the parent's memory map": 'got = reads(about(getppid(), "maps"));',
    "opens the parent's memory": 'got = opens(about(getppid(), "mem"), O_RDWR);',
    "writes a file of the user": 'got = opens("FILE", O_WRONLY);',
    "makes a file in /tmp": 'got = opens("/tmp/hpcbench-test-left", O_CREAT | O_WRONLY); unlink("/tmp/hpcbench-test-left");',
    "makes a file in shared memory": 'got = opens("/dev/shm/hpcbench-test", O_CREAT | O_RDWR); unlink("/dev/shm/hpcbench-test");',
    "makes a file where it stands": 'got = opens("left", O_CREAT | O_WRONLY); unlink("left");',
    "makes an anonymous file": 'const int fd = memfd_create("m", 0); got = fd >= 0; if (fd >= 0) close(fd);',
    "makes a link": 'got = !symlink("FILE", "link"); unlink("link");',
    "removes a file of the user": 'got = !rename("FILE", "FILE.gone"); rename("FILE.gone", "FILE");',
    "changes the mode of a file": 'got = !chmod("FILE", 0600);',
    "changes the times of a file": 'got = !utimes("FILE", nullptr);',
    "connects over TCP": 'sockaddr_in a{}; a.sin_family = AF_INET; a.sin_port = htons(PORT); '
                         'a.sin_addr.s_addr = htonl(INADDR_LOOPBACK); got = connects(AF_INET, &a, sizeof a, SOCK_STREAM);',
    "sends over UDP": 'sockaddr_in a{}; a.sin_family = AF_INET; a.sin_port = htons(9); '
                      'a.sin_addr.s_addr = htonl(INADDR_LOOPBACK); got = connects(AF_INET, &a, sizeof a, SOCK_DGRAM);',
    "connects to a socket by path": 'sockaddr_un a{}; a.sun_family = AF_UNIX; strcpy(a.sun_path, "SOCKET"); '
                                    'got = connects(AF_UNIX, &a, sizeof a, SOCK_STREAM);',
    "starts a process": "const pid_t p = fork(); if (!p) _exit(0); got = p > 0; if (p > 0) waitpid(p, nullptr, 0);",
    "runs a command": 'got = system("true") == 0;',
    "leaves its session": "got = setsid() > 0 || getsid(0) == getpid();",
    "signals the parent": "got = !kill(getppid(), 0);",
    "traces another process": "static bool had; had = had || !ptrace(PTRACE_SEIZE, VICTIM, 0, 0); got = had;",
    "makes System V memory": "const int id = shmget(IPC_PRIVATE, 4096, 0600); got = id >= 0; if (got) shmctl(id, IPC_RMID, nullptr);",
    "asks for a key": 'got = syscall(SYS_add_key, "user", "hpcbench", "x", 1, -2) > 0;',
    "makes a user namespace": "static bool had; had = had || !unshare(CLONE_NEWUSER); got = had;",
    "raises its limits": "rlimit r; getrlimit(RLIMIT_FSIZE, &r); r.rlim_cur /= 2; got = !setrlimit(RLIMIT_FSIZE, &r);",
    "raises the parent's limits": "static rlimit *r = (rlimit *)mmap((void *)0x200000000000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); "
                                  "*r = {512, 512}; got = !syscall(SYS_prlimit64, VICTIM, RLIMIT_CORE, r, nullptr);",  # its low word is 0
    "has a pipe signal another process": "int p[2]; got = !pipe(p) && !fcntl(p[0], F_SETOWN, VICTIM);",
    "maps memory that grows down": "void *m = mmap(nullptr, 1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0); "
                                   "got = m != MAP_FAILED; if (got) munmap(m, 1 << 30);",
    "takes another scheduler": "sched_param p{}; got = !sched_setscheduler(0, SCHED_BATCH, &p);",
    "counts events of the processor": "perf_event_attr e{}; e.size = sizeof e; e.type = PERF_TYPE_SOFTWARE; e.exclude_kernel = e.exclude_hv = 1; "
                                      "got = syscall(SYS_perf_event_open, &e, 0, -1, -1, 0) >= 0;",
    "makes files without end": 'got = true; for (int i = 0; i < 100; i++) { char n[16]; snprintf(n, 16, "f%d", i); '
                               "got &= opens(n, O_CREAT | O_WRONLY); unlink(n); }",
}  # fmt: skip
KILLED = {
    "traces another process",
    "asks for a key",
    "makes a user namespace",
    "counts events of the processor",
    "signals the parent",
}


# what a rank reaches for; the first writes to its launcher what MPI_Comm_spawn would
MPI_REACHES = {
    "orders its launcher to start a program": r"""
        static bool ordered = false;
        if (!ordered && in->rank == 0 && getenv("PMI_FD")) {
          const char order[] = "mcmd=spawn\nnprocs=1\nexecname=/usr/bin/touch\ntotspawns=1\nspawnssofar=1\nargcnt=1\n"
                               "arg1=FOLDER/made\npreput_num=0\ninfo_num=0\nendcmd\n";
          ordered = write(atoi(getenv("PMI_FD")), order, strlen(order)) > 0;
        }
        usleep(300000);
        got = !access("FOLDER/made", F_OK);""",
    "connects to a socket by path": REACHES["connects to a socket by path"],
    "sends over UDP": REACHES["sends over UDP"],
    "connects over TCP": REACHES["connects over TCP"],
    "starts a process": REACHES["starts a process"],
    "reads a file of the user": REACHES["reads a file of the user"],
}


def reaching(body: str, places: dict[str, str], make=candidate):
    for name, value in places.items():
        body = body.replace(name, value)
    text = f"bool got = false; {body} if (!got) return 77; return honest(in, out);"
    one = make(text, "reaches") if make is candidate else make("reaches", text)
    return replace(one, source=HEAD + one.source)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "secret").write_text("secret")
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix,
        subprocess.Popen(["sleep", "600"]) as victim,
    ):  # fmt: skip
        unix.bind(str(home / "s"))
        unix.listen(8)
        yield {"FILE": f"{home}/secret", "FOLDER": str(home), "SOCKET": f"{home}/s",
               "PORT": str(tcp.getsockname()[1]), "VICTIM": str(victim.pid)}  # fmt: skip
        victim.kill()


@pytest.mark.parametrize("name", REACHES)
def test_what_a_candidate_reaches_for_is_out_of_reach(race, name, places, monkeypatch):
    monkeypatch.setenv("HPCBENCH_TEST_SECRET", "secret")
    one = reaching(REACHES[name], places)
    entries = [Entry(one, Setting(), "open"), Entry(one, Setting(), "walled", trusted=False)]
    found = race(entries, upto="verify").results
    assert found["open"].verdict == "correct", found["open"].stages[-1].message
    assert found["walled"].verdict in ("runtime", "forbidden")
    why = found["walled"].stages[-1].message
    assert ("SIGSYS" in why) if name in KILLED else ("status 77" in why), why
    assert os.path.exists(places["FILE"])


@pytest.mark.parametrize("name", MPI_REACHES)
def test_what_a_rank_reaches_for_is_out_of_reach(race, name, places, monkeypatch):
    here = launch.mpi()
    if "MPICH" in here.version:  # 5.0 ends itself when it binds a process that was spawned: leave binding out
        plain = {words: (getattr(here, words)[0], "-n") for words in ("launcher", "local")}
        monkeypatch.setattr(launch, "mpi", lambda: replace(here, **plain))
    elif name.startswith("orders"):
        pytest.skip("the order is written in MPICH's language")
    one, made = reaching(MPI_REACHES[name], places, over_mpi), Path(places["FOLDER"], "made")
    found = race([Entry(one, Setting(ranks=2), "open")], upto="verify").results["open"]
    if name.startswith("orders"):
        assert made.exists(), found.stages
    else:
        assert found.verdict == "correct", found.stages[-1].message
    made.unlink(missing_ok=True)
    found = race([Entry(one, Setting(ranks=2), "walled", trusted=False)], upto="verify").results["walled"]
    assert found.verdict in ("runtime", "forbidden"), found.stages
    assert "status 77" in found.stages[-1].message
    time.sleep(0.2)  # an order may lie in the launcher's socket until it ends
    assert not made.exists()


def test_a_rank_s_shared_memory_is_its_own(race, request):
    """It has some, as MPI's windows of shared memory need, where no other process sees it."""
    if request.config.getoption("--without") & 32:
        pytest.skip("shared memory of their own takes namespaces")
    mark = Path("/dev/shm/hpcbench-test-rank")
    makes = f'const int f = open("{mark}", O_CREAT | O_RDWR, 0600); if (f < 0) return 77; close(f); return honest(in, out);'
    one = over_mpi("makes a file", makes)
    one = replace(one, source=HEAD + one.source)
    for trusted in (True, False):
        entry = Entry(one, Setting(ranks=2), "one", trusted=trusted)
        assert race([entry], upto="verify").results["one"].verdict == "correct"
        assert mark.exists() == trusted
        mark.unlink(missing_ok=True)


# what a whole program reaches for that runs as compilers do; it may start processes, which end with it
PROGRAM_REACHES = [
    "reads a file of the user", "reads it by another name", "lists a folder of the user", "reads the list of users",
    "writes a file of the user", "makes a file in /tmp", "makes a file in shared memory", "makes an anonymous file",
    "removes a file of the user", "changes the mode of a file", "connects over TCP", "sends over UDP",
    "connects to a socket by path", "makes System V memory", "traces another process", "asks for a key", "makes a user namespace",
    "raises the parent's limits", "has a pipe signal another process", "takes another scheduler", "makes files without end",
]  # fmt: skip


def program(body: str, places: dict[str, str]) -> Path:
    """Ends with 0 where it got what it reaches for."""
    for word, value in places.items():
        body = body.replace(word, value)
    text = HEAD.decode() + f"int main() {{ bool got = false; {body} return got ? 0 : 77; }}\n"
    return build.compile_object(text.encode(), ".cpp", ["-O1", "-w"], build.compiler("cpp"), "").path


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if k % 3 else ()) for k, n in enumerate(PROGRAM_REACHES)]
)
def test_what_a_program_reaches_for_is_out_of_reach(name, places, tmp_path):
    path = program(REACHES[name], places)
    assert subprocess.run([path], cwd=tmp_path).returncode == 0
    words = launch.inside("/dev/null", path)
    assert subprocess.run([*words, path], cwd=tmp_path).returncode != 0
    assert os.path.exists(places["FILE"])


# what layers stop when all others are left out; Landlock's are one
LANDLOCK = 1 | 2 | 4
ALONE = [
    (LANDLOCK, "reads a file of the user"), (LANDLOCK, "makes a file in /tmp"), (LANDLOCK, "connects over TCP"),
    (LANDLOCK, "signals another process"), (8, "makes System V memory"), (8, "traces another process"), (8, "changes the mode of a file"),
    (16, "gives a file away"), (32, "sends over UDP"),
]  # fmt: skip
MORE = {
    "signals another process": "got = !kill(VICTIM, 0);",
    "gives a file away": 'got = !chown("FILE", 1, 1) && !chown("FILE", 0, 0);',
}


@pytest.mark.parametrize(("layers", "name"), ALONE)
def test_each_layer_of_the_wall_holds_by_itself(layers, name, places, tmp_path, request):
    if request.config.getoption("--without") & layers:
        pytest.skip("this layer is left out")
    if name == "gives a file away" and os.geteuid():
        pytest.skip("these are rights that only root has")
    path = program({**REACHES, **MORE}[name], places)
    for without, got in ((63, True), (63 & ~layers, False)):
        words = launch.inside("/dev/null", path, without=without)
        assert (subprocess.run([*words, path], cwd=tmp_path).returncode == 0) == got


def test_what_a_program_leaves_behind_ends_with_it(tmp_path):
    """It forks twice and leaves its session, whether there are namespaces or not."""
    text = (
        HEAD.decode()
        + "int main() { if (!fork()) { setsid(); if (!fork()) for (;;) pause(); _exit(0); } usleep(300000); }\n"
    )
    path = build.compile_object(text.encode(), ".cpp", ["-O1", "-w"], build.compiler("cpp"), "").path
    for without in (0, 32):
        done = subprocess.run([*launch.inside("/dev/null", path, without=without), path], cwd=tmp_path)
        assert done.returncode == 0
        assert subprocess.run(["pgrep", "-f", str(path)], capture_output=True, text=True).stdout == ""
