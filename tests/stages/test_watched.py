"""Instruments that are absent, or do not start (where processes may not change their personality, for one)."""

import re
import shutil
import time
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


RACE = b"""==================
WARNING: ThreadSanitizer: data race (pid=7)
  Write of size 8 at 0x7b by thread T1:
    #0 <null> <null> (one.so+0x1234) (BuildId: 1)
  Location is heap block of size 9 at 0x7b allocated by main thread:
    #0 malloc <null> (worker+0x9)
    #1 __kmp_task_alloc <null> (%s.so.5+0x8)
==================
"""


def test_a_report_is_found_in_any_log_in_little_time(tmp_path):
    def explained(log):
        start = time.perf_counter()
        found = instrument.explain(log, str(tmp_path / "one.so"), lambda *_: [])
        assert time.perf_counter() - start < 2
        return found

    mib = 2**20
    for flood in (
        b"#1 ",
        b"Location is heap block",
        b" ",
        b"=",
        b":1",
        b"ERROR: ",
        b"(a.so",
        b"\n ",
        b"=" * 20 + b"\n",
    ):
        text = flood * (mib // len(flood))
        assert explained(text + b"\nno more\n") == ""
        assert explained(text + b"\n" + RACE % b"libother" + text).startswith("data race")
    assert explained(RACE % b"libomp" * (mib // 100)) == ""
    assert explained(RACE % b"libomp" * 9 + b"candidate.c:12:3: runtime error: division by zero\n") == (
        "division by zero (line 12)"
    )
    assert explained(b"ERROR: AddressSanitizer: x" + b"y" * mib) == "x" + "y" * 274
    assert explained(
        b"==7==ERROR: AddressSanitizer: use-after-poison on address 0x6\nWRITE of size 8 at 0x6"
    ) == ("access outside the arrays that it was handed, write of size 8")


def test_what_a_kernel_prints_hides_no_report(tmp_path):
    text = 'if (calls > 1) return honest(in, out); for (int i = 0; i < 70000; i++) puts("0123456789 0123456789"); fflush(stdout); %s return honest(in, out);'
    wrong = "static int *volatile p; p = new int[4]; p[4] = 1;"
    result = judged(candidate(text % wrong), tmp_path)
    assert (result.verdict, result.stages[-1].name) == ("runtime", "sanitize"), result.stages
    assert result.stages[-1].message.count("heap-buffer-overflow") == 1, result.stages
    assert judged(candidate(text % ""), tmp_path / "b").verdict == "correct"
