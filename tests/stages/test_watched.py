"""Instruments that are absent, or do not start (where processes may not change their personality, for one)."""

import re
import shutil
from dataclasses import replace

import pytest
from judges import judged
from races import candidate

from hpcbench import build, instrument

BROKEN = ("/bin/false",)


@pytest.mark.parametrize(("name", "model"), [("address", "serial"), ("thread", "openmp")])
def test_an_instrument_that_does_not_start_is_not_checked(name, model, tmp_path, monkeypatch):
    found = replace(getattr(instrument, name)(), prefix=BROKEN)
    monkeypatch.setattr(instrument, name, lambda: found)
    result = judged(candidate("return honest(in, out);", model=model), tmp_path)
    stage = next(s for s in result.stages if s.name == {"address": "sanitize", "thread": "races"}[name])
    assert (stage.code, result.verdict) == ("not_checked", "correct"), result.stages
    assert "ended at start" in stage.message


def test_absent_tools_are_not_checked(tmp_path, monkeypatch):
    def absent():
        raise instrument.Absent("no such clang; on Debian: clang")

    which = shutil.which
    monkeypatch.setattr(instrument, "thread", absent)
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "nm" else which(name))
    result = judged(candidate("return honest(in, out);", "mine", "openmp"), tmp_path)
    found = {stage.name: (stage.code, stage.message) for stage in result.stages}
    assert result.verdict == "correct", result.stages
    assert found["races"] == ("not_checked", "no such clang; on Debian: clang")
    assert found["symbols"] == ("not_checked", "no nm; it comes with the binutils")


def test_an_object_that_nm_cannot_read_is_forbidden(tmp_path, monkeypatch):
    (tmp_path / "object").write_text("no object")
    built = build.Built(tmp_path / "object", 0.0, False, "")
    monkeypatch.setattr(build, "build", lambda *_, **__: built)
    result = judged(candidate("return honest(in, out);"), tmp_path)
    assert (result.verdict, result.stages[-1].name) == ("forbidden", "symbols"), result.stages


@pytest.mark.parametrize("name", [r"a\nb c", "a b", r"\033[31mred", r"\n"])
def test_a_name_that_is_none_is_forbidden(name, tmp_path):
    asm = f'.data\n.globl "{name}"\n"{name}":\n.byte 0\n.text\n'.replace("\\", r"\\").replace('"', r"\"")
    one = candidate("return honest(in, out);")
    odd = f'__asm__("{asm}");'.replace("\n", r"\n")
    result = judged(replace(one, source=one.source + odd.encode()), tmp_path)
    assert (result.verdict, result.stages[-1].name) == ("forbidden", "symbols"), result.stages
    assert "cannot be read" in result.stages[-1].message
    assert result.stages[-1].message.isprintable()


def test_tools_say_their_versions(tmp_path):
    one = candidate("return honest(in, out);", "mine", "openmp")
    tools = {stage.name: stage.tool for stage in judged(one, tmp_path).stages}
    assert all(re.search(r"\d+\.\d+", tools[name]) for name in ("compile", "symbols", "sanitize", "races")), (
        tools
    )
