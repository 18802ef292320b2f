"""Whatever a candidate does becomes a verdict of its own, and the race goes on around it."""

import ctypes
import os
import time
from dataclasses import replace

import pytest
from judges import judged
from programs import in_python
from races import candidate

from hpcbench import build, case, evaluate, judge, machine, processes
from hpcbench.contender import Entry
from hpcbench.generation import BaselineFailed
from hpcbench.spec import Setting
from hpcbench.worker import usual_arithmetic

HONEST = "return honest(in, out);"

BAD = {
    "crash": ("*(volatile int *)8 = 1; return 0;", "runtime", "SIGSEGV"),
    "abort": ("abort();", "runtime", "SIGABRT"),
    "exits as if all were well": ('printf("PASS\\n"); fflush(stdout); _exit(0);', "runtime", "exit status 0"),
    "does nothing": ("return 0;", "correctness", "row pointers"),
    "wrong value": ("honest(in, out); out->data[out->indptr[in->a_nrows] / 2] *= 1.0000001; return 0;",
                    "correctness", "entries are off"),
    "not a number": ("honest(in, out); out->data[0] = 0.0 / 0.0; return 0;", "correctness", "nan"),
    "drops an entry": ("honest(in, out); out->data[0] = 0; return 0;", "correctness", "entries are off"),
    "column out of range": ("honest(in, out); out->indices[0] = in->b_ncols; return 0;", "correctness", "outside"),
    "rows out of order": ("honest(in, out); for (int64_t i = 0; i < in->a_nrows; i++) if (out->indptr[i+1] > "
                          "out->indptr[i] + 1) { int64_t p = out->indptr[i]; std::swap(out->indices[p], "
                          "out->indices[p+1]); std::swap(out->data[p], out->data[p+1]); break; } return 0;",
                          "correctness", "do not ascend"),
    "more than the capacity": ("honest(in, out); out->indptr[in->a_nrows] = out->capacity + 1; return 0;",
                               "correctness", "capacity"),
    "writes past its output": ("honest(in, out); for (int64_t i = 0; i < 4096; i++) out->data[out->capacity + i] "
                               "= 1; return 0;", "runtime", "SIGSEGV"),
    "changes its input": ("const_cast<double *>(in->a_data)[0] = 0; return honest(in, out);", "runtime", "SIGSEGV"),
    "returns an error": ("return 7;", "runtime", "status 7"),
    "memory without end": ("std::vector<char *> v; for (;;) { char *p = (char *)malloc(1 << 28); if (!p) return 1; "
                           "for (int i = 0; i < 1 << 28; i += 4096) p[i] = 1; v.push_back(p); }",
                           "runtime", "memory ran out"),
    "right at first, wrong when timed": ("honest(in, out); if (calls > 40) out->data[0] += 1; return 0;",
                                         "correctness", "entries are off"),
    "float accumulation": ("honest(in, out); for (int64_t i = 0; i < out->indptr[in->a_nrows]; i++) out->data[i] "
                           "= (float)out->data[i]; return 0;", "correctness", "entries are off"),
    "crash when timed": ("if (calls > 40) abort(); return honest(in, out);", "runtime", "SIGABRT"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_candidate_gets_its_verdict_and_the_good_one_its_figure(race, name, monkeypatch):
    body, verdict, message = BAD[name]
    monkeypatch.setattr(machine, "memory_available", lambda: 2**30)
    found = race(
        [Entry(candidate(body, "bad"), Setting(), "bad"), Entry(candidate(HONEST, "good"), Setting(), "good")]
    ).results
    assert found["bad"].verdict == verdict
    assert message in found["bad"].stages[-1].message
    assert found["bad"].speedup is None
    assert found["good"].verdict == "correct"
    assert found["good"].speedup is not None


@pytest.mark.parametrize(
    ("body", "words"),
    {
        "an array": ("return honest(inputs)[2]", "returned ndarray, not a plain tuple or list"),
        "one too few": ("return honest(inputs)[:2]", "returned 2 arrays, not 3"),
        "two dimensions": ("return *honest(inputs)[:2], honest(inputs)[2][None]", "an array of 2 dimensions"),
        "a list": ("return *honest(inputs)[:2], list(honest(inputs)[2])", "returned list, not a plain array"),
        "objects": (
            "return *honest(inputs)[:2], honest(inputs)[2].astype(object)",
            "not a plain array of num",
        ),
    }.values(),
)
def test_python_is_told_what_its_run_must_return(race, body, words):
    found = race([Entry(in_python("", body, "odd"), Setting(), "odd")], rounds=4).results["odd"]
    assert (found.verdict, words in found.stages[-1].message) == ("runtime", True), found.stages


def test_a_hang_is_a_timeout_and_leaves_no_process(race, monkeypatch):
    monkeypatch.setattr(processes, "START_LIMIT_S", 3.0)
    start = time.monotonic()
    found = race([Entry(candidate("for (;;) usleep(1000);", "bad"), Setting(), "bad")]).results
    assert found["bad"].verdict == "timeout"
    assert "within 3 s" in found["bad"].stages[-1].message
    assert time.monotonic() - start < 20


def test_a_compile_error_is_a_verdict(race):
    found = race([Entry(candidate("return undeclared;", "bad"), Setting(), "bad")]).results
    assert found["bad"].verdict == "compile"
    assert "undeclared" in found["bad"].stages[-1].message


def test_a_missing_symbol_is_a_verdict(race):
    text = candidate(HONEST).source
    for lost, words in [
        (text.replace(b"spgemm_run", b"spgemm_ran"), "it exports no spgemm_run, as abi.h declares it"),
        (
            b'extern "C" void lost(void);\n' + text.replace(b"calls++", b"lost()"),
            "it asks for lost, which no",
        ),
    ]:
        one = replace(candidate(HONEST, "bad"), source=lost)
        found = race([Entry(one, Setting(), "bad")]).results["bad"]
        assert (found.verdict, words in found.stages[-1].message) == ("runtime", True), found.stages


def test_a_baseline_that_cannot_run_ends_the_race_with_its_name(race, monkeypatch):
    monkeypatch.setattr(processes, "START_LIMIT_S", 30.0)
    monkeypatch.setattr(case.Prepared, "wrong", lambda *_: "off by one")
    with pytest.raises(evaluate.HpcbenchError, match="the baseline scipy_csr failed: off by one"):
        race([Entry(candidate(HONEST), Setting(), "good")])


@pytest.mark.parametrize("code", ["runtime", "timeout"])
def test_a_baseline_that_fails_beside_a_candidate_is_its_doing_unless_it_is_late(code, tmp_path, monkeypatch):
    def fails(*_):
        raise BaselineFailed("the baseline failed", code)

    for name, stands_in in {"examine": lambda _: (), "_raced": fails, "_alone": lambda _: True}.items():
        monkeypatch.setattr(judge, name, stands_in)
    if code == "timeout":
        with pytest.raises(BaselineFailed, match="the baseline failed"):
            judged(candidate(HONEST), tmp_path)
    else:
        last = judged(candidate(HONEST), tmp_path).stages[-1]
        assert (last.code, last.message) == ("forbidden", "the baseline failed; alone it is right")


@pytest.mark.parametrize("mode", [0x400, 0x800, 0xC00])
def test_python_that_leaves_the_rounding_changed_is_forbidden(race, mode):
    """Down, up, and towards zero, by the C library, which no candidate behind the judge's list may call."""
    one = in_python(
        "import ctypes\nm = ctypes.CDLL('libm.so.6')", f"m.fesetround({mode})\nreturn honest(inputs)", "bad"
    )
    last = race([Entry(one, Setting(), "bad")]).results["bad"].stages[-1]
    assert (last.code, last.message) == (
        "forbidden",
        "it left rounding, exceptions or subnormal numbers changed",
    )


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="its control word is this processor's")
def test_python_s_worker_sees_how_subnormal_numbers_are_treated():
    words = (
        b"#include <xmmintrin.h>\nint put(int w) { int before = _mm_getcsr(); _mm_setcsr(w); return before; }"
    )
    put = ctypes.CDLL(
        str(build.compile_object(words, ".c", ["-O2", "-shared"], build.compiler("c"), "").path)
    ).put
    usual = put(0x1F80)
    seen = []
    for word in (0x1F80, 0x9F80, 0x1FC0):  # as usual; flushed as results; taken for zero as operands
        put(word)
        seen.append(usual_arithmetic())
        put(usual)
    assert seen == [True, False, False]
