"""Every variant of sptrsv is right on every odd triangle, for every number of threads."""

from dataclasses import replace

import numpy as np
import pytest
from judges import judged, raced
from races import threaded
from scipy.linalg import solve_triangular
from scipy.sparse import csr_array, diags_array

from hpcbench import registry
from hpcbench.contender import Entry
from hpcbench.entrants import unavailable
from hpcbench.inputs import generate
from hpcbench.kernels.sptrsv import kernel as sptrsv
from hpcbench.kernels.sptrsv.triangle import lower
from hpcbench.machine import gpu
from hpcbench.spec import HpcbenchError, Setting

KERNEL = registry.kernel("sptrsv")
SETTINGS = {"serial": [(1, 1)], "openmp": [(1, 1), (1, 2), (1, 3), (1, 5)], "cuda": [(1, 1)]}
ON_DEVICE = [v for v in KERNEL.variants() if v.model == "cuda"]
INPUTS = sptrsv.hidden("lower", np.random.default_rng(7))
OURS = [v for v in KERNEL.variants() if v.language == "cpp"]


def _entries(variants, **params):
    return [
        Entry(threaded(v, **params), Setting(r, t, device="cuda" if v.model == "cuda" else "cpu"), f"{v.name} {r}r x {t}t")
        for v in variants if not unavailable(v) for r, t in SETTINGS[v.model]
    ]  # fmt: skip


def test_every_variant_solves_every_triangle(wrong):
    assert wrong("sptrsv", _entries(KERNEL.variants()), INPUTS) == {}


@pytest.mark.skipif(gpu() is None, reason="no CUDA device is visible")
@pytest.mark.parametrize("variant", ON_DEVICE, ids=lambda v: v.name)
def test_every_variant_is_right_in_the_memory_of_the_device(wrong, variant):
    inputs = {name: replace(p, resident=True) for name, p in INPUTS.items()}
    assert wrong("sptrsv", _entries([variant]), inputs, "lower-device") == {}


@pytest.mark.parametrize(
    ("name", "keep"), [(v.name, k) for v in OURS for p in v.params if p.name == "KEEP" for k in p.values[1:]]
)
def test_whatever_setup_may_choose_is_right(wrong, name, keep):
    entries = _entries([KERNEL.variant(name)], KEEP=keep)
    assert wrong("sptrsv", entries, INPUTS) == {}


@pytest.mark.parametrize("keep", [2, 3])
def test_levels_may_be_shared_however_narrow_they_are(wrong, keep):
    for params in ({"LEAST": 8, "WIDTH": 16}, {"LEAST": 256, "WIDTH": 128}):
        entries = _entries([KERNEL.variant("waits_omp")], KEEP=keep, **params)
        assert wrong("sptrsv", entries, INPUTS) == {}


@pytest.mark.parametrize("title", [t for t, p in INPUTS.items() if 0 < len(p.b) < 2000 and t != "growing"])
def test_the_check_accepts_the_solution_and_nothing_else(title):
    p = INPUTS[title]
    expected = sptrsv.oracle(p)
    exact = solve_triangular(p.a.csr.toarray(), p.b, lower=True)
    assert sptrsv.check(p, expected, {"x": exact}) == ""
    last = len(exact) - 1
    for wrong in (exact[last] * (1 + 1e-10), exact[last] + 1e150, np.nan, np.inf, 0.0):
        found = exact.copy()
        found[last] = wrong
        assert sptrsv.check(p, expected, {"x": found}) != "", wrong
    assert sptrsv.check(p, expected, {"x": exact.astype(np.float32).astype(float)}) != ""
    assert sptrsv.check(p, expected, {"x": np.full_like(exact, 1e300)}) != ""


def test_a_growing_error_is_no_wrong_answer():
    p = INPUTS["growing"]
    x, a = np.zeros(len(p.b)), p.a.csr.toarray()
    for i in range(len(x)):
        x[i] = (p.b[i] - a[i, :i] @ x[:i]) / a[i, i]
    assert np.max(np.abs(x - p.x)) > 1e-11
    assert sptrsv.check(p, sptrsv.oracle(p), {"x": x}) == ""


@pytest.mark.parametrize("ranks", [1, 2, 3, 7])
def test_blocks_of_all_ranks_make_up_the_whole(ranks):
    p = INPUTS["road"]
    parts = sptrsv.partition(p, ranks)
    for name in ("b", "x"):
        assert np.array_equal(np.concatenate([getattr(q, name) for q in parts]), getattr(p, name))
    assert all(q.a.csr.shape == (len(q.b), len(p.b)) for q in parts)
    assert parts[-1].offsets == parts[0].offsets
    assert [len(q.b) for q in parts] == list(np.diff(parts[0].offsets))


@pytest.mark.parametrize(
    "variant",
    [pytest.param(v, marks=[] if v.name == "waits_omp" else pytest.mark.slow, id=v.name) for v in OURS],
)
def test_our_own_pass_the_judge(tmp_path, variant):
    threads = 1 + (variant.model == "openmp")
    keep = {
        p.name: p.values[-1] for p in variant.params if p.name == "KEEP"
    }  # what no trial would choose here
    a = lower(generate.poisson2d(100, np.random.default_rng(0)), np.random.default_rng(1))
    result = judged(threaded(variant, **keep), tmp_path, "lower", threads=threads, matrix=a)
    assert result.verdict == "correct", result.stages[-1].message
    assert raced(result) or variant.model != "openmp", result.stages


def test_a_file_gives_its_lower_triangle_or_why_it_has_none(tmp_path):
    path, rng = tmp_path / "a.mtx", np.random.default_rng(0)
    head = "%%MatrixMarket matrix coordinate real general\n"
    path.write_text(head + "2 2 4\n1 1 2.0\n1 2 5.0\n2 1 3.0\n2 2 4.0\n")
    assert sptrsv.load([path], "lower", rng).a.csr.toarray().tolist() == [[2, 0], [3, 4]]
    with pytest.raises(HpcbenchError, match=r"a\.mtx: sptrsv takes one matrix"):
        sptrsv.load([path, path], "lower", rng)
    path.write_text(head + "2 3 1\n1 1 1.0\n")
    with pytest.raises(HpcbenchError, match=r"a\.mtx: 2 x 3, but a triangle"):
        sptrsv.load([path], "lower", rng)
    rows = [f"{i} {i} 1.0" for i in range(1, 101)] + [f"{i + 1} {i} -2.0" for i in range(1, 100)]
    path.write_text(head + f"100 100 {len(rows)}\n" + "\n".join(rows) + "\n")
    with pytest.raises(HpcbenchError, match=r"a\.mtx: errors grow too much"):
        sptrsv.load([path], "lower", rng)
    path.write_text(head + "2 2 2\n1 1 1.0\n2 1 1.0\n")
    with pytest.raises(HpcbenchError, match=r"a\.mtx: row 2 has no diagonal entry"):
        sptrsv.load([path], "lower", rng)


def test_what_a_row_is_given_neither_fades_nor_grows():
    a = lower(generate.rmat(7, 8, np.random.default_rng(0)), np.random.default_rng(1))
    off = abs(a - diags_array(a.diagonal())).sum(axis=1)
    full = off > 0
    np.testing.assert_allclose(np.abs(a.diagonal())[full], off[full], rtol=0.031)
    assert isinstance(a, csr_array)
    assert not np.triu(a.toarray(), 1).any()


def test_sweeps_that_stop_early_are_no_substitution():
    """Iterating from a guess forgets where it began only in triangles whose diagonals outweigh their rows."""
    chain = csr_array(diags_array(np.ones(1999), offsets=-1))
    p = sptrsv.triangle(lower(chain, np.random.default_rng(0)), np.random.default_rng(1))
    diagonal, x = p.a.csr.diagonal(), np.ones(2000)
    for _ in range(100):
        x += (p.b - p.a.csr @ x) / diagonal
    assert "rows are not solved" in sptrsv.check(p, sptrsv.oracle(p), {"x": x})
