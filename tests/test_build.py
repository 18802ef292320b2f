"""Objects are cached by content; a compiler's complaint becomes a short verdict."""

import dataclasses

import pytest
from races import candidate

from hpcbench import build


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_the_second_build_comes_from_the_cache_and_a_changed_source_does_not():
    one = candidate("return honest(in, out);")
    first, again = build.build(one), build.build(one)
    assert (first.cached, again.cached, first.path) == (False, True, again.path)
    assert build.build(candidate("return honest(in, out) + 0;")).path != first.path
    assert build.build(one, salt="twin").path != first.path


def test_a_parameter_reaches_the_source():
    text = candidate("return TILE;").source
    assert build.build(dataclasses.replace(candidate(""), source=text, params={"TILE": 3})).path.exists()
    with pytest.raises(build.BuildError, match="TILE"):
        build.build(dataclasses.replace(candidate(""), source=text))


def test_the_compilers_errors_are_kept_and_its_chatter_is_not():
    with pytest.raises(build.BuildError) as caught:
        build.build(candidate("int unused; return nonsense;"))
    assert "'nonsense' was not declared" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 6


def test_a_line_of_a_message_has_an_end():
    with pytest.raises(build.BuildError) as caught:
        build.build(dataclasses.replace(candidate(""), source=b'#error "' + b"y" * 30000 + b'"'))
    assert str(caught.value).startswith("candidate.cpp:1:2: error:")
    assert max(map(len, str(caught.value).splitlines())) == 300


@pytest.mark.parametrize(
    "flag", ["-ffast-math", "-Ofast", "-fplugin=x.so", "-include/etc/passwd", "-o/tmp/x"]
)
def test_a_flag_that_is_not_allowed_is_refused(flag):
    with pytest.raises(build.BuildError, match="not on the list"):
        build.build(dataclasses.replace(candidate("return 0;"), flags=(flag,)))


def test_no_compiler_says_what_was_tried(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(build.NoCompiler, match=r"tried no-such-compiler; install g\+\+ or set CXX"):
        build.build(candidate("return 0;"))


def test_an_unwritable_cache_names_its_folder(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(build.HpcbenchError, match="set XDG_CACHE_HOME"):
        build.build(candidate("return 0;"))
