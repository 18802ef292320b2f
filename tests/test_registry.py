"""Headers are read as data, and what is wrong with one is said with its file; other packages plug in."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from hpcbench import registry
from hpcbench.spec import Candidate
from hpcbench.variant import RegistryError, outside, read_variant

EVERY = [v for k in registry.kernels().values() for v in k.variants()]


@pytest.mark.parametrize("variant", EVERY, ids=lambda v: f"{v.kernel}/{v.name}")
def test_every_variant_is_whole(variant):
    assert variant.summary
    assert variant.source
    one = variant.candidate()
    assert isinstance(one, Candidate)
    assert b'#include "rows.hpp"' not in one.source
    assert one.origin == variant.name


@pytest.mark.parametrize("kernel", registry.kernels().values(), ids=lambda k: k.name)
def test_every_kernel_has_its_baseline_cases_of_each_size_and_an_abi(kernel):
    module = kernel.module()
    assert module.BASELINE in {kernel.baseline(contract) for contract in kernel.contracts}
    assert all(kernel.variant(kernel.baseline(contract)) for contract in kernel.contracts)
    assert {"small", "large"} <= {c["size"] for c in kernel.cases.values()}
    assert (kernel.folder / "abi.h").is_file()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("int x;", "no header"),
        ('// /// hpcbench\n// model = "serial\n// ///\n', "not TOML"),
        ('// /// hpcbench\n// model = "gpu"\n// summary = "s"\n// ///\n', "one of serial, openmp"),
        ('// /// hpcbench\n// model = "serial"\n// ///\n', "needs a summary"),
        ('// /// hpcbench\n// model = "serial"\n// summary = "s"\n// colour = 1\n// ///\n', "'colour'"),
    ],
)
def test_a_wrong_header_is_refused_with_its_file(tmp_path, text, said):
    (tmp_path / "bad.cpp").write_text(text)
    with pytest.raises(RegistryError, match=said) as caught:
        read_variant("spgemm", tmp_path / "bad.cpp")
    assert "bad.cpp" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# /// hpcbench\n" * 200_000, "no header"),
        ("# /// hpcbench\n# model = " + "[" * 3000 + "\n# ///\n", "not TOML"),
        ("x" * (4 * 2**20 + 1), "more than 4 MiB"),
        ("\u00e4" * (3 * 2**20), "more than 4 MiB"),
        ("# /// hpcbench\n" + "# a = 1\n" * 20_000 + "# ///\n", "more than 64 KiB"),
        ("# /// hpcbench\n# model = " + "1" * 5000 + "\n# ///\n", "not TOML"),
    ],
)
def test_a_text_made_to_cost_is_read_in_one_pass(tmp_path, text, said):
    (tmp_path / "bad.c").write_text(text)
    began = time.process_time()
    if said == "no header":
        assert outside("spgemm", tmp_path / "bad.c").params == {}
    else:
        with pytest.raises(RegistryError, match=said):
            outside("spgemm", tmp_path / "bad.c")
    assert time.process_time() - began < 5  # it took a minute for every megabyte


def test_python_has_a_limit_of_its_own(tmp_path):
    (tmp_path / "long.py").write_text("#" * 2**17)
    assert len(outside("spgemm", tmp_path / "long.py").source) == 2**17
    (tmp_path / "long.py").write_text("#" * 2**17 + "\n")
    with pytest.raises(RegistryError, match="more than 128 KiB of Python are no kernel"):
        outside("spgemm", tmp_path / "long.py")


def test_line_ends_of_another_system_hide_no_header(tmp_path):
    (tmp_path / "mine.c").write_bytes(
        b'// /// hpcbench\r\n// model = "openmp"\r\n// summary = "s"\r\n// ///\r\nint x;\r\n'
    )
    assert outside("spgemm", tmp_path / "mine.c").model == "openmp"


def test_reading_a_python_variant_does_not_run_it(tmp_path):
    mark = tmp_path / "ran"
    (tmp_path / "v.py").write_text(
        f'# /// hpcbench\n# model = "serial"\n# summary = "s"\n# ///\nopen({str(mark)!r}, "w")\n'
    )
    assert read_variant("spgemm", tmp_path / "v.py").summary == "s"
    assert not mark.exists()


def test_a_parameter_out_of_its_list_is_refused():
    variant = registry.kernel("spgemm").variant("gustavson")
    assert variant.candidate({"ACCUMULATOR": "hash"}).params["ACCUMULATOR"] == "hash"
    with pytest.raises(RegistryError, match="one of auto, dense, hash, merge"):
        variant.candidate({"ACCUMULATOR": "magic"})
    with pytest.raises(RegistryError, match="variant gustavson has"):
        variant.candidate({"TILE": 3})


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(RegistryError, match="known kernels are solve, spgemm"):
        registry.kernel("nope")
    with pytest.raises(RegistryError, match="scipy_csr"):
        registry.kernel("spgemm").variant("nope")


def test_another_package_brings_a_kernel_and_a_command_of_its_own(tmp_path):
    (tmp_path / "third-1.0.dist-info").mkdir()
    (tmp_path / "third-1.0.dist-info" / "entry_points.txt").write_text(
        "[console_scripts]\nx = y:z\n\n[hpcbench.kernels]\n# ours\nk = third.kernels\n\n[hpcbench.commands]\nc = third.commands\n"
    )
    mine = tmp_path / "third" / "kernels" / "mine"
    shutil.copytree(registry.kernel("spgemm").folder, mine)
    (mine / "kernel.toml").write_text(
        (mine / "kernel.toml").read_text().replace('name = "spgemm"', 'name = "mine"')
    )
    (tmp_path / "third" / "commands").mkdir()
    (tmp_path / "third" / "commands" / "greet.py").write_text(
        '"""Greet."""\nEXAMPLE = "hpcbench greet"\ndef configure(parser): ...\ndef run(options): print("hello"); return 0\n'
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for words, said in ((["list"], "mine\n  sparse matrix product"), (["greet"], "hello")):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "hpcbench", *words],
            env=env,
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert said in done.stdout, done.stderr


def test_cuda_is_in_files_of_its_own_ending(tmp_path):
    for name, model in (("mine.cu", "serial"), ("mine.cpp", "cuda")):
        (tmp_path / name).write_text(f'// /// hpcbench\n// model = "{model}"\n// summary = "s"\n// ///\n')
        for read in (read_variant, outside):
            with pytest.raises(RegistryError, match=f"{name}: model {model}; what is written in .cu"):
                read("spgemm", tmp_path / name)
    (tmp_path / "plain.cu").write_text("")
    assert outside("spgemm", tmp_path / "plain.cu").model == "cuda"
