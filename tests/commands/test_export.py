"""An exported variant builds and runs with CMake alone."""

import os
import shutil
import subprocess
import sys

import pytest

from hpcbench import launch, registry
from hpcbench.__main__ import main

KERNEL = registry.kernel("spgemm")
NATIVE = [v for v in KERNEL.variants() if v.language in ("c", "cpp")]


@pytest.mark.parametrize("variant", NATIVE, ids=lambda v: v.name)
def test_an_exported_variant_builds_and_its_example_is_right(variant, tmp_path, capsys):
    folder = tmp_path / "project"
    words = ["--param", "ACCUMULATOR=dense"] if variant.params else []
    assert main(["export", variant.name, str(folder), *words]) == 0
    assert "cmake -B build" in capsys.readouterr().out
    words, env = [], {**os.environ, "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"}
    if "mpi" in variant.model:
        mpi = launch.mpi()
        words = [*mpi.launcher, "2"]
        env.update(
            MPI_HOME=os.path.dirname(os.path.dirname(mpi.cxx)),
            PATH=f"{os.path.dirname(mpi.cxx)}:{env['PATH']}",
        )
    for command in (["cmake", "-B", "build"], ["cmake", "--build", "build"], [*words, "build/example"]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == (2 if words else 1)
    assert all(line.endswith("right") for line in lines)
    shutil.rmtree(folder / "build")
    source = folder / variant.path.name
    source.write_text(source.read_text().replace("out->indptr[0] = 0", "out->indptr[0] = 1"))
    for command in (["cmake", "-B", "build"], ["cmake", "--build", "build"], [*words, "build/example"]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=env)
    assert "WRONG" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["scipy_csr", "DIR"], "copy "),
        (["gustavsom", "DIR"], "has eigen"),
        (["gustavson", "DIR", "--param", "ACCUMULATOR=dense,hash"], "one value"),
        (["gustavson", "DIR", "--param", "ACCUMULATOR=none"], "is expected"),
        (["gustavson", "THERE"], "is there already"),
    ],
)
def test_what_cannot_be_exported_is_told(words, said, tmp_path, capsys):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "abi.h").write_text("mine")
    places = {"DIR": str(tmp_path / "project"), "THERE": str(tmp_path / "there")}
    assert main(["export", *(places.get(w, w) for w in words)]) == 2
    assert said in capsys.readouterr().err
    assert (tmp_path / "there" / "abi.h").read_text() == "mine"
