"""Every variant of spmm is right on every odd shape, for every number of columns and threads."""

from dataclasses import replace

import numpy as np
import pytest
from judges import judged, raced
from races import small, threaded
from scipy.sparse import csr_array

from hpcbench import registry
from hpcbench.contender import Entry
from hpcbench.entrants import unavailable
from hpcbench.inputs import generate
from hpcbench.kernels.spmm import kernel as spmm
from hpcbench.machine import gpu
from hpcbench.spec import HpcbenchError, Setting

KERNEL = registry.kernel("spmm")
SETTINGS = {
    "serial": [(1, 1)],
    "openmp": [(1, 1), (1, 2), (1, 3)],
    "mpi": [(r, 1) for r in (1, 2, 3, 5)],
    "cuda": [(1, 1)],
}
ON_DEVICE = [v for v in KERNEL.variants() if v.model == "cuda"]
INPUTS = {k: spmm.hidden(f"k{k}", np.random.default_rng(k)) for k in (1, 7, 8, 32, 45, 128, 200)}
OURS = [v for v in KERNEL.variants() if v.language == "cpp"]


def _entries(variants, ranks=5, **params):
    return [
        Entry(threaded(v, **params), Setting(r, t, device="cuda" if v.model == "cuda" else "cpu"), f"{v.name} {r}r x {t}t")
        for v in variants if not unavailable(v) for r, t in SETTINGS[v.model] if r <= ranks
    ]  # fmt: skip


def test_every_variant_is_right_on_every_shape(wrong):
    peers = [v for v in KERNEL.variants() if v not in OURS]
    past_the_caches = {"larger": INPUTS[128]["larger"]}
    assert wrong("spmm", _entries(OURS, ranks=2), past_the_caches) == {}
    assert wrong("spmm", _entries(OURS + peers), INPUTS[8]) == {}
    assert (
        wrong("spmm", _entries(peers), {k: INPUTS[45][k] for k in ("empty rows", "power law", "no columns")})
        == {}
    )


@pytest.mark.parametrize("k", INPUTS)
def test_every_number_of_columns_is_right(wrong, k):
    few = {t: p for t, p in INPUTS[k].items() if t != "larger"}
    for wide in (8, 64, 128):
        assert wrong("spmm", _entries(OURS, ranks=2 if wide == 64 else 1, WIDE=wide, AHEAD=4), few) == {}


@pytest.mark.skipif(gpu() is None, reason="no CUDA device is visible")
@pytest.mark.parametrize("variant", ON_DEVICE, ids=lambda v: v.name)
def test_every_variant_is_right_in_the_memory_of_the_device(wrong, variant):
    for k, known in INPUTS.items():
        inputs = {name: replace(p, resident=True) for name, p in known.items()}
        assert wrong("spmm", _entries([variant]), inputs, "k8-device") == {}, k


@pytest.mark.parametrize("k", [8, 45, 128])
def test_rows_with_the_same_columns_are_right(wrong, k):
    rng = np.random.default_rng(k)
    often = np.concatenate([rng.integers(1, 7, 150), np.ones(200, int), rng.integers(1, 4, 90)])
    lengths = rng.integers(0, 30, len(often))
    patterns = [np.sort(rng.choice(700, n, replace=False)) for n in lengths]
    indices = np.concatenate([np.tile(p, t) for p, t in zip(patterns, often, strict=True)])
    indptr = np.concatenate([[0], np.cumsum(np.repeat(lengths, often))])
    a = csr_array((np.ones(len(indices)), indices, indptr), shape=(len(indptr) - 1, 700))
    few = {"alike": spmm.matmat(a, f"k{k}", rng)}
    for wide in (8, 64, 128):
        assert wrong("spmm", _entries(OURS, ranks=2 if wide == 64 else 1, WIDE=wide), few) == {}


@pytest.mark.parametrize(
    "title", [t for t, p in INPUTS[8].items() if p.x.size and p.a.csr.nnz and t != "larger"]
)
def test_the_check_accepts_the_product_and_nothing_else(title):
    p = INPUTS[8][title]
    expected, exact = spmm.oracle(p), p.a.csr.toarray() @ p.x
    assert spmm.check(p, expected, {"y": exact.ravel()}) == ""
    i = int(np.argmax(np.diff(p.a.indptr)))
    size = (abs(p.a.csr) @ np.abs(p.x))[i].max()
    for wrong in (exact[i, 3] + 1e-10 * size, np.nan, np.inf, exact[i, 4] + size):
        found = exact.copy()
        found[i, 3] = wrong
        assert spmm.check(p, expected, {"y": found.ravel()}) != "", wrong
    assert spmm.check(p, expected, {"y": np.roll(exact, 1, axis=1).ravel()}) != ""
    assert spmm.check(p, expected, {"y": exact.astype(np.float32).astype(float).ravel()}) != ""


def test_the_direction_of_a_look_is_another_one_every_time():
    p = INPUTS[8]["stencil"]
    assert not np.array_equal(spmm.oracle(p).r, spmm.oracle(p).r)


@pytest.mark.parametrize("ranks", [1, 2, 3, 7])
@pytest.mark.parametrize("title", ["rectangular", "stencil"])
def test_blocks_of_all_ranks_make_up_the_whole(title, ranks):
    p = INPUTS[8][title]
    parts = spmm.partition(p, ranks)
    assert np.array_equal(np.concatenate([q.x for q in parts]), p.x)
    assert [q.row0 for q in parts] == [sum(q.a.csr.shape[0] for q in parts[:r]) for r in range(ranks)]
    assert sum(q.a.csr.shape[0] for q in parts) == p.a.csr.shape[0]


@pytest.mark.parametrize(
    "variant",
    [pytest.param(v, id=v.name, marks=pytest.mark.slow if v.model == "mpi" else ()) for v in OURS],
)
def test_our_own_pass_the_judge(tmp_path, variant):
    threads, ranks = 1 + (variant.model == "openmp"), 1 + (variant.model == "mpi")
    result = judged(
        threaded(variant),
        tmp_path,
        "k32",
        threads=threads,
        ranks=ranks,
        matrix=generate.rmat(9, 8, np.random.default_rng(0)),
    )
    assert result.verdict == "correct", result.stages[-1].message
    assert raced(result) or variant.model != "openmp", result.stages


def test_more_than_one_file_is_refused(tmp_path):
    path = tmp_path / "a.mtx"
    path.write_text("%%MatrixMarket matrix coordinate real general\n2 3 1\n1 1 1.0\n")
    assert spmm.load([path], "k8", np.random.default_rng(0)).x.shape == (3, 8)
    with pytest.raises(HpcbenchError, match=r"a\.mtx: spmm multiplies one matrix"):
        spmm.load([path, path], "k8", np.random.default_rng(0))


def test_values_of_a_matrix_are_drawn_and_its_pattern_kept():
    a = small(50, 200)
    p = spmm.matmat(a, "k3", np.random.default_rng(0))
    assert np.array_equal(p.a.csr.indices, a.indices)
    assert isinstance(p.a.csr, csr_array)
    assert np.all((p.a.csr.data / a.data >= 0.5) & (p.a.csr.data / a.data < 1.5))
