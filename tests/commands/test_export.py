"""An exported variant builds and runs with CMake alone."""

import os
import shlex
import shutil
import subprocess
import sys

import pytest

from hpcbench import registry
from hpcbench.__main__ import main
from hpcbench.machine import gpu

KERNEL = registry.kernel("spgemm")
NATIVE = [v for k in registry.kernels().values() for v in k.variants() if v.language in ("c", "cpp")]


def _built(printed):
    """Do what `export` says, as its user would: the exit status and the lines of the example."""
    own = f"{sys.prefix}/bin"  # behind an MPI of the system's, if any
    path = [p for p in os.environ["PATH"].split(os.pathsep) if p != own]
    env = {**os.environ, "PATH": os.pathsep.join([*path, own])}
    folder, *commands = (shlex.split(c) for c in printed.split("build and try it: cd ")[1].split(" && "))
    for command in commands:
        done = subprocess.run(command, cwd=folder[0], capture_output=True, text=True, env=env)
        assert command is commands[-1] or done.returncode == 0, done.stdout + done.stderr
    return done.returncode, done.stdout.splitlines()


CUDA = [v for k in registry.kernels().values() for v in k.variants() if v.language == "cuda"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc")
@pytest.mark.parametrize("variant", CUDA, ids=lambda v: f"{v.kernel}-{v.name}")
def test_an_exported_cuda_variant_builds_and_its_example_is_right_where_a_device_is(
    variant, tmp_path, capsys
):
    assert main(["export", variant.name, str(tmp_path), "--kernel", variant.kernel]) == 0
    code, lines = _built(capsys.readouterr().out)
    assert (tmp_path / "build" / "example").is_file()
    assert code == (1 if gpu() is None else 0)
    assert gpu() is None or lines[0].endswith("right")


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(v, id=f"{v.kernel}-{v.name}", marks=[pytest.mark.slow] if k else [])
        for k, v in enumerate(NATIVE)
    ],
)
def test_an_exported_variant_builds_and_its_example_is_right(variant, tmp_path, capsys):
    words = [
        word
        for p in variant.params[:1]
        for word in ("--param", f"{p.name}={p.values[-1] if p.values else 0.9 * p.default}")
    ]
    assert main(["export", variant.name, str(tmp_path), "--kernel", variant.kernel, *words]) == 0
    code, lines = _built(capsys.readouterr().out)
    assert code == 0
    assert len(lines) == (2 if "mpi" in variant.model else 1)
    assert all(line.endswith("right") for line in lines)


def test_the_example_sees_a_wrong_product(tmp_path, capsys):
    variant = KERNEL.variant("gustavson")
    assert main(["export", "gustavson", str(tmp_path)]) == 0
    source = tmp_path / variant.path.name
    source.write_text(source.read_text().replace("out->indptr[0] = 0", "out->indptr[0] = 1"))
    code, lines = _built(capsys.readouterr().out)
    assert code == 1
    assert lines[0].endswith("WRONG")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["scipy_csr", "DIR"], "copy "),
        (["gustavsom", "DIR"], "has cusparse, eigen"),
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
