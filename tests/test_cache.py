"""The build cache keeps what is used, and neither what killed compilers left nor more than its share."""

import os
import time

import pytest
from races import candidate

from hpcbench import build, cache, launch, scratch


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def aged(path, seconds):
    os.utime(path, (time.time() - seconds,) * 2)


def test_what_a_killed_compiler_left_is_removed_and_a_working_one_left_alone():
    with cache.scratch() as working:
        for name in ("candidate.cpp", "made"):
            (working / name).write_text("x")
        left = cache.folder() / f"{cache.SCRATCH}left"
        left.mkdir()
        (left / "candidate.cpp").write_text("x")
        aged(left, cache.IN_USE_S + 60)
        scratch.sweep()
        assert not left.exists()
        assert (working / "made").exists()
    assert list(cache.folder().iterdir()) == []


def test_of_too_much_what_was_not_used_for_longest_goes_first(monkeypatch):
    ages = {"old": 9000, "older": 10_000, "used": 8000, "new": 5}
    cache.folder().mkdir(parents=True)
    for name, seconds in ages.items():
        (cache.folder() / name).write_bytes(bytes(1000))
        aged(cache.folder() / name, seconds)
    cache.tidy()
    assert {p.name for p in cache.folder().iterdir()} == set(ages)
    monkeypatch.setattr(cache, "MOST_BYTES", 2500)
    assert cache.find("older")
    cache.tidy()
    assert {p.name for p in cache.folder().iterdir()} == {"older", "new"}
    monkeypatch.setattr(cache, "MOST_BYTES", 0)
    cache.tidy()
    assert {p.name for p in cache.folder().iterdir()} == {"older", "new"}  # in use


def test_an_object_that_is_found_counts_as_used():
    one = candidate("return honest(in, out);")
    path = build.build(one).path
    aged(path, 9000)
    assert build.build(one).cached
    assert time.time() - path.stat().st_mtime < 60


@pytest.mark.parametrize(
    "text", ["variants/gustavson.cpp", "answer.py", "kernel.toml", "../shared/order.hpp"]
)
def test_an_untrusted_text_sees_the_declarations_and_not_what_lies_beside_them(text):
    one = candidate(f'\n#if __has_include("{text}")\n#error seen\n#endif\nreturn honest(in, out);')
    assert build.build(one, inside=launch.inside).path.exists()


def test_a_compiler_in_the_user_s_own_bin_does_not_open_the_user_s_home(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    own, secret = tmp_path / "bin" / "c++", tmp_path / "secret.h"
    own.write_text(f'#!/bin/sh\nexec {build.compiler("cpp")} "$@"\n')
    own.chmod(0o755)
    secret.write_text("int secret;\n")
    asks = candidate(f'\n#include "{secret}"\nreturn honest(in, out);')
    monkeypatch.setenv("HOME", str(tmp_path))
    assert build.build(asks, tool=str(own)).path.exists()
    with pytest.raises(build.BuildError, match="Permission denied"):
        build.build(asks, tool=str(own), salt="walled", inside=launch.inside)
    assert build.build(
        candidate("return honest(in, out);"), tool=str(own), inside=launch.inside
    ).path.exists()
