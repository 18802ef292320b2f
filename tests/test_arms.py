"""Arms park for free, ranks are timed together, and the world's size is checked."""

import os
import random
import stat
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from races import candidate, small, threaded

from hpcbench import build, launch, machine, registry
from hpcbench.case import Case, Prepared
from hpcbench.contender import Entry
from hpcbench.measure import WorkerArm
from hpcbench.processes import ArmFailure
from hpcbench.spec import Candidate, Setting
from hpcbench.wire import Limits, Program

SETTINGS = {
    "serial": ("gustavson", Setting()),
    "threads": ("gustavson_omp", Setting(threads=2)),
    "ranks": ("gustavson_mpi", Setting(ranks=2)),
    "python": ("scipy_csr", Setting()),
}


@pytest.fixture
def arm(tmp_path, request):
    name, setting = SETTINGS[request.param]
    kernel = registry.kernel("spgemm")
    one = threaded(kernel.variant(name))
    a = small(200, 2000)
    ready = Prepared(
        Case("small", kernel, "sorted", lambda rng: kernel.module().product(a, a, "sorted", rng)),
        np.random.default_rng(1),
    )
    under_mpi = "mpi" in one.model
    if one.language == "python":
        path = tmp_path / "v.py"
        path.write_bytes(one.source)
    else:
        path = build.build(one, tool=launch.mpi().cxx if under_mpi else None).path
    program = Program("spgemm", one.language, path, (), one.params, under_mpi)
    made = WorkerArm("a", program, ready.memory(setting), setting,
                     Limits(sorted(os.sched_getaffinity(0)), 2**30), tmp_path / "x", random.Random(1), 0)  # fmt: skip
    made.connect()
    yield made
    made.close()
    ready.close()


@pytest.mark.parametrize("arm", SETTINGS, indirect=True)
def test_a_parked_arm_uses_under_one_percent_of_a_core(arm):
    arm.sample(0, 20)
    time.sleep(0.1)
    before = [arm._system.spent(rank) for rank in range(len(arm.ranks))]
    time.sleep(1.0)
    spent = sum(arm._system.spent(rank) - then for rank, then in enumerate(before))
    assert spent < 0.01e9


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor only")
@pytest.mark.parametrize("arm", ["serial", "threads"], indirect=True)
def test_nobody_else_chooses_the_processors_of_a_trusted_arm(arm):
    arm.sample(0, 20)
    pid = arm.ranks[0][1]
    last = max(map(int, os.listdir(f"/proc/{pid}/task")))  # its first thread, or the second
    where = os.sched_getaffinity(last)
    os.sched_setaffinity(last, {max(where)} if len(where) > 1 else set(os.sched_getaffinity(0)) - where)
    with pytest.raises(ArmFailure, match="somebody else changed its processors"):
        arm.sample(0, 20)


@pytest.mark.parametrize("arm", ["serial", "ranks"], indirect=True)
def test_a_sample_is_timed_by_the_last_rank(arm):
    sample = arm.sample(0, 50)
    assert len(sample.rank_s) == arm._setting.ranks
    assert sample.wall_s == pytest.approx(max(sample.rank_s))
    assert 0 < sample.cpu_s < 2 * arm._setting.ranks * sample.wall_s + 0.01


@pytest.mark.parametrize("arm", ["ranks"], indirect=True)
def test_closing_leaves_neither_processes_nor_shared_memory(arm):
    pids = [pid for _, pid in arm.ranks]
    segments = set(arm._processes._segments)
    assert segments
    arm.close()
    deadline = time.monotonic() + 5
    while any(os.path.exists(f"/proc/{p}") for p in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [p for p in pids if os.path.exists(f"/proc/{p}")]
    assert not [s for s in segments if os.path.exists(s)]


@pytest.mark.parametrize("language", ["cpp", "python"])
def test_a_worker_ends_with_its_parent(tmp_path, language):
    code = (
        "import sys, os, subprocess, socket\n"
        "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()\n"
        "p = subprocess.Popen([*sys.argv[2:], str(os.getpid())])\n"
        "s.accept(); print(p.pid, flush=True); os.kill(os.getpid(), 9)\n"
    )
    *worker, _ = launch.command(Setting(), language, False, str(tmp_path / "s"))
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(tmp_path / "s"), *worker], capture_output=True, text=True
    )
    pid = int(done.stdout)
    deadline = time.monotonic() + 5
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not os.path.exists(f"/proc/{pid}")


MPI4PY = b"""
import numpy as np
from mpi4py import MPI
from scipy.sparse import csr_array

def run(handle, inputs, params):
    names = ("indptr", "indices", "data")
    blocks = MPI.COMM_WORLD.allgather([inputs[f"b_{n}"] for n in names])
    b = csr_array((inputs["a_ncols"], inputs["b_ncols"]))
    b.data, b.indices = (np.concatenate([block[k] for block in blocks]) for k in (2, 1))
    b.indptr = np.concatenate([[0], *(np.diff(block[0]) for block in blocks)]).cumsum()
    a = csr_array((inputs["a_data"], inputs["a_indices"], inputs["a_indptr"]), (inputs["a_nrows"], inputs["a_ncols"]))
    c = (a @ b).sorted_indices()
    return c.indptr.astype(np.int64), c.indices.astype(np.int32), c.data
"""


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_may_be_written_in_python(race, ranks):
    one = Candidate("spgemm", "python", "mpi", MPI4PY, origin="mpi4py")
    found = race([Entry(one, Setting(ranks=ranks), "mpi4py")], upto="verify")
    assert found.results["mpi4py"].verdict == "correct", found.results["mpi4py"].stages
    broken = replace(one, source=MPI4PY.replace(b"MPI.COMM_WORLD", b"MPI.COMM_SELF"))
    assert (
        race([Entry(broken, Setting(ranks=ranks), "self")], upto="verify").results["self"].verdict
        != "correct"
    )


def fake_mpirun(folder, monkeypatch) -> None:
    """A launcher that starts as many processes as asked, none of which knows of the others."""
    real = launch.mpi()
    script = folder / "mpirun"
    script.write_text(
        '#!/bin/sh\nif [ "$1" = --version ]; then echo "Version: 0"; exit; fi\nshift 2; n=$2; shift 2\n'
        'while [ "$n" -gt 0 ]; do "$@" & n=$((n - 1)); done; wait\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    for name, path in (("mpicc", real.cc), ("mpicxx", real.cxx)):
        (folder / name).write_text(f'#!/bin/sh\nexec {path} "$@"\n')
        (folder / name).chmod(0o755)
    monkeypatch.setenv("HPCBENCH_MPIRUN", str(script))
    launch.mpi.cache_clear()


def test_a_launcher_with_the_wrong_world_size_skips_the_arm_and_says_why(race, tmp_path, monkeypatch):
    one = registry.kernel("spgemm").variant("gustavson_mpi").candidate()
    fake_mpirun(tmp_path, monkeypatch)
    try:
        found = race(
            [
                Entry(one, Setting(ranks=2), "mpi"),
                Entry(candidate("return honest(in, out);"), Setting(), "ok"),
            ]
        )
    finally:
        monkeypatch.delenv("HPCBENCH_MPIRUN")
        launch.mpi.cache_clear()
    assert "mpi" not in found.results
    assert "each see a world of 1" in found.skips[0].reason
    assert found.results["ok"].verdict == "correct"


def test_a_launcher_that_is_not_there_says_what_would_help(monkeypatch):
    monkeypatch.setenv("HPCBENCH_MPIRUN", "/nowhere/mpirun")
    launch.mpi.cache_clear()
    try:
        with pytest.raises(launch.NoMpi, match="HPCBENCH_MPIRUN=/nowhere/mpirun"):
            launch.mpi()
    finally:
        monkeypatch.undo()
        launch.mpi.cache_clear()


def test_an_mpi_without_its_header_is_passed_over(tmp_path, monkeypatch):
    """What a distribution's run-time package installs: a launcher and wrappers, but no mpi.h."""
    usable = launch.mpi()
    for name, line in (("mpirun", "echo Version: 0"), ("mpicc", 'exec cc "$@"'), ("mpicxx", 'exec c++ "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    launch.mpi.cache_clear()
    try:
        assert launch.mpi() == usable
    finally:
        launch.mpi.cache_clear()


def test_ranks_that_have_no_cpu_each_sleep_while_they_wait(monkeypatch):
    monkeypatch.delenv("MPIR_CVAR_CH4_PROGRESS_THROTTLE", raising=False)
    cores = len(os.sched_getaffinity(0))
    fit, crowded = (
        launch.environment(Setting(ranks=ranks), random.Random(0)).get("MPIR_CVAR_CH4_PROGRESS_THROTTLE")
        for ranks in (cores, cores + 1)
    )
    assert (fit, crowded) == (None, "1")


def test_threads_are_bound_where_their_cpus_are_idle_and_free_beside_other_work():
    cores = len(os.sched_getaffinity(0))
    bound = launch.environment(Setting(threads=cores), random.Random(0))
    free = launch.environment(Setting(threads=cores, binding="free"), random.Random(0))
    serial = launch.environment(Setting(), random.Random(0))
    crowded = launch.environment(Setting(threads=cores + 1), random.Random(0))
    assert bound["OMP_PROC_BIND"] == "CLOSE" or cores == 1
    assert not any("OMP_PROC_BIND" in env for env in (free, serial, crowded))
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            time.sleep(0.2)
            cpus, idle = machine.idlest_cpus(cores)
        finally:
            busy.kill()
    assert sorted(cpus) == sorted(os.sched_getaffinity(0))
    assert not idle
