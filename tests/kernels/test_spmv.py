"""Every variant of spmv is right on every odd shape, for every thread and rank count."""

from dataclasses import replace

import numpy as np
import pytest
from judges import judged, raced
from races import small, threaded
from scipy.sparse import csr_array, vstack

from hpcbench import registry
from hpcbench.contender import Entry
from hpcbench.entrants import unavailable
from hpcbench.inputs import generate
from hpcbench.inputs.odd import dense_rows
from hpcbench.kernels.spmv import answer
from hpcbench.kernels.spmv import kernel as spmv
from hpcbench.machine import gpu
from hpcbench.spec import HpcbenchError, Setting

KERNEL = registry.kernel("spmv")
SETTINGS = {
    "serial": [(1, 1)],
    "openmp": [(1, 1), (1, 2), (1, 3)],
    "mpi": [(r, 1) for r in (1, 2, 3, 5)],
    "mpi+openmp": [(1, 2), (2, 1), (2, 2)],
    "cuda": [(1, 1)],
}
ON_DEVICE = [v for v in KERNEL.variants() if v.model == "cuda"]
needs_device = pytest.mark.skipif(gpu() is None, reason="no CUDA device is visible")
RNG = np.random.default_rng(5)
SHAPES = {
    "random": small(120, 900),
    "no rows": csr_array((0, 3)),
    "no columns": csr_array((4, 0)),
    "one by one": csr_array(np.ones((1, 1))),
    "no entries": csr_array((50, 50)),
    "empty rows": small(5, 4),
    "prime": small(101, 1009),
    "dense row and column": dense_rows(201, RNG),
    "dense": csr_array(RNG.uniform(0.5, 1, (70, 70))),
    "wide": small(3, 300, 4000),
    "tall": small(4000, 5000, 2),
    "power law": generate.rmat(8, 8, RNG),
    "far columns": small(64, 400, 1_000_000),
    "scattered": small(140_000, 500_000, 700_000),
    "scattered thinly": small(140_000, 180_000, 1_900_000),
    "5-point stencil": generate.poisson2d(61, RNG),
    "7-point stencil": generate.poisson3d(13, RNG),
    "3x3 blocks": generate.fem27(7, 3, RNG),
    "4x4 blocks": generate.fem27(5, 4, RNG),
    "blocks of 13": generate.block_diagonal(9, 13, RNG),
    "road": generate.road(30, RNG),
    "long rows": csr_array(vstack([small(40, 20_000, 9000), small(2, 30_000, 9000), small(700, 900, 9000)])),
    "one row": small(1, 40_000, 30_000),
    "diagonal": csr_array(np.diag(np.arange(1.0, 100.0))),
}
INPUTS = {name: spmv.matvec(a, np.random.default_rng(1)) for name, a in SHAPES.items()}


def _entries(variants, **params):
    return [
        Entry(threaded(v, **params), Setting(r, t, device="cuda" if v.model == "cuda" else "cpu"), f"{v.name} {r}r x {t}t")
        for v in variants if not unavailable(v) for r, t in SETTINGS[v.model]
    ]  # fmt: skip


def test_every_variant_is_right_on_every_shape(wrong):
    assert wrong("spmv", _entries(KERNEL.variants()), INPUTS) == {}


@pytest.mark.parametrize(
    ("name", "param", "values"), [(v.name, p.name, p.values) for v in KERNEL.variants() for p in v.params]
)
def test_every_value_of_a_parameter_is_right(wrong, name, param, values):
    for value in values:
        assert wrong("spmv", _entries([KERNEL.variant(name)], **{param: value}), INPUTS) == {}


@needs_device
@pytest.mark.parametrize("variant", ON_DEVICE, ids=lambda v: v.name)
def test_every_variant_is_right_in_the_memory_of_the_device(wrong, variant):
    inputs = {name: replace(p, resident=True) for name, p in INPUTS.items()}
    assert wrong("spmv", _entries([variant]), inputs, "product-device") == {}


OURS = [v.name for v in KERNEL.variants() if v.language == "cpp"]
NATIVE = [v.name for v in KERNEL.variants() if v.language != "python"]


@pytest.mark.parametrize("name", [name for name in NATIVE if name != "bcsr"])
def test_what_is_infinite_in_x_stays_where_it_is_used(wrong, name):
    """Entries that a format fills up with must not meet x; in BCSR, and in MKL's optimised formats, they do."""
    if reason := unavailable(KERNEL.variant(name)):
        pytest.skip(reason)
    inputs = {}
    for title in ("5-point stencil", "3x3 blocks", "power law", "empty rows"):
        p = spmv.matvec(SHAPES[title], np.random.default_rng(2))
        p.x[len(p.x) // 2] = np.inf
        inputs[title] = p
    assert wrong("spmv", _entries([KERNEL.variant(name)]), inputs) == {}


@pytest.mark.parametrize("shape", [name for name, a in SHAPES.items() if a.shape[0] * a.shape[1] < 10**8])
def test_the_oracle_agrees_with_dense_arithmetic(shape):
    p = INPUTS[shape]
    size = np.abs(p.a.csr.toarray()) @ np.abs(p.x)
    assert np.all(np.abs(spmv.oracle(p).y - p.a.csr.toarray() @ p.x) <= 1e-14 * size)


def test_the_oracle_in_chunks_equals_the_oracle_at_once(monkeypatch):
    p = INPUTS["power law"]
    whole = spmv.oracle(p)
    monkeypatch.setattr(answer, "CHUNK", 100)
    parts = spmv.oracle(p)
    assert np.array_equal(whole.y, parts.y)
    assert np.array_equal(whole.bound, parts.bound)


@pytest.mark.parametrize("ranks", [1, 2, 3, 7, 300])
@pytest.mark.parametrize("shape", ["random", "wide", "tall"])
def test_blocks_of_all_ranks_make_up_the_whole(shape, ranks):
    p = INPUTS[shape]
    parts = spmv.partition(p, ranks)
    assert np.array_equal(np.concatenate([q.x for q in parts]), p.x)
    assert sum(q.a.csr.shape[0] for q in parts) == p.a.csr.shape[0]
    assert [q.row0 for q in parts] == [sum(q.a.csr.shape[0] for q in parts[:r]) for r in range(ranks)]
    assert all(q.x_offsets == parts[0].x_offsets for q in parts)
    again = spmv.partition(spmv.redraw(p, np.random.default_rng(3)), ranks)
    assert all(
        spmv.pack(q)[f] is spmv.pack(o)[f] for q, o in zip(parts, again, strict=True) for f in KERNEL.constant
    )


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name.endswith("_mpi") else ()) for name in OURS]
)
def test_our_own_pass_the_judge(tmp_path, name):
    variant = KERNEL.variant(name)
    ranks, threads = 1 + ("mpi" in variant.model), 1 + ("openmp" in variant.model)
    result = judged(threaded(variant), tmp_path, "product", ranks, threads, matrix=SHAPES["3x3 blocks"])
    assert result.verdict == "correct", result.stages[-1].message
    assert raced(result) or variant.model != "openmp", result.stages


def test_a_value_that_is_off_or_not_a_number_is_wrong():
    p = INPUTS["random"]
    expected = spmv.oracle(p)
    assert spmv.check(p, expected, {"y": expected.y}) == ""
    for bad in (np.nan, np.inf, float(np.float32(expected.y[7]))):
        y = expected.y.copy()
        y[7] = bad
        assert "1 of 120 entries are off: y[7]" in spmv.check(p, expected, {"y": y})


def test_a_second_matrix_is_refused(tmp_path):
    with pytest.raises(HpcbenchError, match=r"b\.mtx: spmv multiplies one matrix"):
        spmv.load([tmp_path / "a.mtx", tmp_path / "b.mtx"], "product", RNG)
