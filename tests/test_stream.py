"""The chain by which calls get their vectors: workers and parent walk the same one, and every output decides."""

import numpy as np
import pytest

from hpcbench.stream import SLACK, STEP, WINDOWS, mixed, start


def test_a_window_begins_within_the_array_at_a_cache_line():
    rng = np.random.default_rng(1)
    starts = [start(int(rng.integers(1, 2**48)), [rng.normal(size=9)]) for _ in range(2000)]
    assert all(at % STEP == 0 and 0 <= at < SLACK for at in starts)
    assert len(set(starts)) > 1800  # of 16384, 2000 drawn: 1882 are expected to differ
    counts, _ = np.histogram(starts, 16, (0, SLACK))
    assert counts.min() > 80


@pytest.mark.parametrize("entry", [0, 4, 8])
def test_every_bit_of_every_output_decides(entry):
    rng = np.random.default_rng(2)
    outputs = [rng.normal(size=9) for _ in range(3)]
    before = start(7, outputs)
    for k in range(3):
        one = outputs[k].copy()
        one[entry] = np.nextafter(one[entry], 9)
        assert start(7, [*outputs[:k], one, *outputs[k + 1 :]]) != before
    assert start(8, outputs) != before


def test_the_hash_is_that_of_the_worker():
    """By a compiler: 64 rounds of the text in worker_stream.h."""
    import ctypes
    from pathlib import Path

    import hpcbench
    from hpcbench import build

    text = (Path(hpcbench.__file__).parent / "worker_stream.h").read_text()
    text = f"#include <stdint.h>\n{text}\nuint64_t hash(uint64_t s) {{ return mixed(s); }}\nint windows(void) {{ return WINDOWS; }}"
    flags = ["-O2", "-shared", "-Wno-unused-function"]
    code = ctypes.CDLL(str(build.compile_object(text.encode(), ".c", flags, build.compiler("c"), "").path))
    code.hash.restype, code.hash.argtypes = ctypes.c_uint64, [ctypes.c_uint64]
    assert all(code.hash(s) == mixed(s) for s in (0, 1, 2**48 - 1, 2**64 - 1))
    assert code.windows() == WINDOWS
