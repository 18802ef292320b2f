import os
import subprocess
import sys
from pathlib import Path

import pytest

from hpcbench import machine

ASK = "from hpcbench import machine; print(machine.memory_available())"


def test_what_the_system_has_left_is_the_most():
    total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
    assert 0 < machine.memory_available() <= total


@pytest.fixture
def cgroup():
    """A memory cgroup of 512 MiB that this process can put others into."""
    row = next((r for r in Path("/proc/self/cgroup").read_text().splitlines() if ":memory:" in r), "")
    group = Path(f"/sys/fs/cgroup/memory{row.split(':')[-1]}/hpcbench-{os.getpid()}")
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(2**29))
    except OSError:
        pytest.skip("no memory cgroup can be made here")
    yield group
    group.rmdir()


def test_the_limit_of_a_batch_job_counts(cgroup):
    enter = f"echo $$ > {cgroup}/cgroup.procs && exec {sys.executable} -c '{ASK}'"
    done = subprocess.run(["sh", "-c", enter], capture_output=True, text=True, check=True)
    assert 2**27 < int(done.stdout) < 2**29


@pytest.mark.parametrize("limits", [("max", "1000"), ("1000", "max"), ("1000", "5000")])
def test_a_limit_anywhere_above_counts_and_cached_files_make_room(tmp_path, limits):
    memberships = tmp_path / "cgroup"
    memberships.write_text("0::/slurm/job_7\n")
    for folder, limit in zip((tmp_path / "slurm", tmp_path / "slurm" / "job_7"), limits, strict=True):
        folder.mkdir()
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text("700\n")
        (folder / "memory.stat").write_text("anon 500\ninactive_file 200\n")
    assert min(machine._left_in_cgroups(str(memberships), tmp_path)) == 500
