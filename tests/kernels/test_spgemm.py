"""Every variant of spgemm is right on every odd shape, under each contract, thread and rank count."""

import ctypes
import re
from dataclasses import replace

import numpy as np
import pytest
from races import small, threaded
from scipy.sparse import csr_array, diags_array, eye_array, kron, lil_array

from hpcbench import build, registry
from hpcbench.contender import Entry
from hpcbench.entrants import unavailable
from hpcbench.inputs import generate
from hpcbench.kernels.spgemm import answer
from hpcbench.kernels.spgemm import kernel as spgemm
from hpcbench.kernels.spgemm.product import Product
from hpcbench.machine import gpu
from hpcbench.spec import Setting

KERNEL = registry.kernel("spgemm")
SETTINGS = {
    "serial": [(1, 1)],
    "openmp": [(1, 1), (1, 2), (1, 3)],
    "mpi": [(r, 1) for r in (1, 2, 3, 4, 7)],
    "mpi+openmp": [(1, 2), (2, 1), (2, 2), (3, 2)],
}
ON_DEVICE = [(v, Setting(device="cuda")) for v in KERNEL.variants() if v.model == "cuda"]
ARMS = [(v, Setting(r, t)) for v in KERNEL.variants() if v.model != "cuda" for r, t in SETTINGS[v.model]]
ARMS += ON_DEVICE
HOST = [c for c in KERNEL.contracts if not KERNEL.resident(c)]


def _dense_row() -> csr_array:
    m = small(200, 400).tolil()
    m[7, :] = 1.0
    return csr_array(m.tocsr())


def _cancelling() -> csr_array:
    """A 7-point stencil whose square has zeros on the diagonal, exactly: 1 + 2 (-1/2 + 1 - 1)."""
    n = 6
    one = eye_array(n)
    x, y, z = (
        diags_array([np.full(n - 1, low), np.full(n - 1, up)], offsets=[-1, 1], dtype=float)
        for low, up in ((-1, 0.5), (1, 1), (-1, 1))
    )
    parts = ((x, one, one), (one, y, one), (one, one, z))
    return csr_array(eye_array(n**3) + sum(kron(kron(p, q), r) for p, q, r in parts))


SHAPES = {
    "random": (small(120, 900), None),
    "one by one": (csr_array(np.ones((1, 1))), None),
    "no entries": (csr_array((50, 50)), None),
    "empty rows": (small(5, 4), None),
    "five rows": (small(5, 12), None),
    "prime": (small(101, 1009), None),
    "dense row": (_dense_row(), None),
    "dense": (csr_array(np.random.default_rng(1).uniform(0.5, 1, (70, 70))), None),
    "wide times tall": (small(3, 300, 4000), small(4000, 5000, 2)),
    "tall times wide": (small(4000, 5000, 2), small(2, 300, 4000)),
    "power law": (generate.rmat(8, 8, np.random.default_rng(2)), None),
    "far columns": (small(64, 200, 64), small(64, 400, 1_000_000)),
    "stencil": (generate.poisson2d(15, np.random.default_rng(3)), None),
    "sums that cancel": (_cancelling(), None),
    "stencil with inner rows on 3 ranks": (generate.poisson2d(60, np.random.default_rng(4)), None),
}


def _inputs(contract: str = "sorted", names=SHAPES) -> dict[str, Product]:
    return {name: _product(*SHAPES[name], contract) for name in names}


@pytest.mark.parametrize("contract", HOST)
def test_every_variant_is_right_on_every_shape(wrong, contract):
    arms = ARMS if contract == "sorted" else [(v, s) for v, s in ARMS if s.ranks * s.threads in (1, 3)]
    entries = [Entry(threaded(v), s, f"{v.name} {s.label}") for v, s in arms if not unavailable(v)]
    assert wrong("spgemm", entries, _inputs(contract), contract) == {}


@pytest.mark.skipif(gpu() is None, reason="no CUDA device is visible")
@pytest.mark.parametrize("contract", KERNEL.contracts)
def test_on_a_device_every_variant_is_right_on_every_hidden_input(wrong, contract):
    inputs = _inputs(contract) | spgemm.hidden(contract, np.random.default_rng())
    ways = [(v, s, {"algorithm": a}) for v, s in ON_DEVICE for a in range(4 if v.name == "cusparse" else 1)]
    entries = [Entry(v.candidate(p if v.name == "cusparse" else {}), s, f"{v.name} {p}") for v, s, p in ways]
    assert wrong("spgemm", entries, inputs, contract) == {}


def test_a_grid_of_three_by_two_ranks_is_right(wrong):
    one = Entry(KERNEL.variant("summa_mpi").candidate(), Setting(6), "summa")
    assert wrong("spgemm", [one], _inputs(names=["power law", "wide times tall", "far columns"])) == {}


def test_every_accumulator_works_for_every_row(wrong):
    settings = {
        "gustavson": Setting(),
        "gustavson_omp": Setting(threads=2),
        "gustavson_mpi": Setting(ranks=2),
    }
    entries = [
        Entry(threaded(KERNEL.variant(name), ACCUMULATOR=way), setting, f"{name} {way}")
        for name, setting in settings.items() for way in ("dense", "hash", "merge")
    ]  # fmt: skip
    assert len(entries) == 9
    assert (
        wrong("spgemm", entries, _inputs(names=["dense row", "power law", "far columns", "empty rows"])) == {}
    )


def test_rows_of_a_narrow_matrix_may_have_an_accumulator_each(wrong):
    one_by_one = KERNEL.variant("gustavson").candidate({"LONG_ROWS": 4096})
    assert wrong("spgemm", [Entry(one_by_one, Setting(), "one by one")], _inputs()) == {}


@pytest.mark.parametrize("contract", HOST)
def test_chunks_that_overflow_their_buffer_wait_for_their_place(race, contract):
    n, heavy = 5000, 60  # sixty neighbouring rows of C are full, the others hold one entry
    b = lil_array((n, n))
    b.setdiag(2.0)
    b[:heavy] = np.random.default_rng(4).uniform(0.5, 1, (heavy, n))
    a = eye_array(n).tolil()
    a[1000 : 1000 + heavy, :heavy] = 3.0
    variant = KERNEL.variant("gustavson_omp")
    entries = [Entry(threaded(variant, CHUNK=8192), Setting(threads=t), f"{t} threads") for t in (2, 3, 8)]
    outcome = race(entries, matrix=csr_array(a), second=csr_array(b), contract=contract, upto="verify")
    assert {r.verdict for r in outcome.results.values()} == {"correct"}, outcome.results


def test_a_plan_serves_other_values_of_the_same_pattern():
    """A plan made where sums cancel has a place for what does not cancel with the next values."""
    code = ctypes.CDLL(str(build.build(KERNEL.variant("gustavson_plan").candidate()).path))
    code.spgemm_setup.restype = ctypes.c_void_p
    code.spgemm_setup.argtypes, code.spgemm_free.argtypes = [ctypes.c_void_p] * 2, [ctypes.c_void_p]
    code.spgemm_run.argtypes = [ctypes.c_void_p] * 4
    a = small(60, 300)
    a.data[:] = np.where(np.arange(a.nnz) % 2, 1.0, -1.0)
    first = Product(a, a, bound=int(spgemm.product(a, a, "sorted", np.random.default_rng(0)).bound))
    handle = None
    for inputs in (first, spgemm.redraw(first, np.random.default_rng(1))):
        kept, given = [], []
        for value in spgemm.pack(inputs).values():
            kept.append(value)
            given.append(value.ctypes.data if isinstance(value, np.ndarray) else value)
        fields = np.array(given, np.int64)
        out = [
            np.full(n, -7, t) for t, n in (f for f in spgemm.outputs(inputs).values() if isinstance(f, tuple))
        ]
        where = np.array([*(o.ctypes.data for o in out), inputs.bound], np.int64)
        handle = handle or code.spgemm_setup(fields.ctypes.data, None)
        assert code.spgemm_run(handle, fields.ctypes.data, None, where.ctypes.data) == 0
        got = dict(zip(("indptr", "indices", "data"), out, strict=True))
        got["indices"], got["data"] = (got[k][: got["indptr"][-1]] for k in ("indices", "data"))
        assert spgemm.check(inputs, spgemm.oracle(inputs), got) == ""
    code.spgemm_free(handle)


def _product(a, b=None, contract="sorted"):
    return spgemm.product(a, a if b is None else b, contract, np.random.default_rng(0))


def test_what_was_fitted_is_what_every_variant_is_compiled_with_by_default():
    header = (KERNEL.folder / "variants" / "choice.hpp").read_text()
    fitted = set(re.findall(r"#ifndef (\w+_(?:MAX|WIDTH|ROWS))\b", header))
    assert (
        fitted
        == {"SMALL_MAX", "LONG_ROWS", "MERGE_MAX", "MERGE_WIDTH"}
        == {p.name for p in KERNEL.variant("gustavson").params} & fitted
    )
    for variant in KERNEL.variants():
        assert all(p.default == 0 for p in variant.params if p.name in fitted)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_oracle_agrees_with_dense_arithmetic(shape):
    a, b = SHAPES[shape]
    if shape == "far columns":
        b = b[:, :5000]
    p = _product(a, b)
    expected = spgemm.oracle(p)
    c = csr_array(
        (expected.data.astype(float), expected.indices, expected.indptr), shape=(a.shape[0], p.b.shape[1])
    )
    np.testing.assert_allclose(c.toarray(), p.a.toarray() @ p.b.toarray(), rtol=1e-13)
    assert len(expected.indices) <= p.bound


def test_subnormal_products_are_right_rounded_either_way_and_wrong_as_zero():
    a, b = csr_array(np.full((2, 3), 1.1e-160)), csr_array(np.full((3, 2), 1.3e-152))
    p = replace(spgemm.product(a, b, "sorted", np.random.default_rng(1)), a=a, b=b)
    expected = spgemm.oracle(p)
    assert 0 < expected.data.max() < np.finfo(float).tiny
    for data, right in ((np.nextafter(expected.data, 1), True), (np.zeros(4), False)):
        output = {"indptr": expected.indptr, "indices": expected.indices, "data": data}
        assert (spgemm.check(p, expected, output) == "") == right


def test_the_oracle_in_chunks_equals_the_oracle_at_once(monkeypatch):
    p = _product(SHAPES["power law"][0])
    whole = spgemm.oracle(p)
    monkeypatch.setattr(answer, "CHUNK", 500)
    parts = spgemm.oracle(p)
    assert np.array_equal(whole.data, parts.data)
    assert np.array_equal(whole.indptr, parts.indptr)


@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 7, 300])
def test_blocks_of_all_ranks_make_up_the_whole(ranks):
    p = _product(small(120, 900))
    parts = spgemm.partition(p, ranks)
    assert sum(q.a.shape[0] for q in parts) == p.a.shape[0]
    assert sum(q.b.shape[0] for q in parts) == p.b.shape[0]
    assert [q.row0 for q in parts] == [sum(q.a.shape[0] for q in parts[:r]) for r in range(ranks)]
    assert sum(q.bound for q in parts) == p.bound


def test_a_cancelled_entry_may_be_left_out_or_stand():
    a = csr_array(np.array([[1.0, 1.0], [0.0, 1.0]]))
    b = csr_array(np.array([[1.0, 2.0], [-1.0, 3.0]]))
    p = Product(a, b, bound=4)
    expected = spgemm.oracle(p)
    kept = {
        "indptr": np.array([0, 2, 4]),
        "indices": np.array([0, 1, 0, 1]),
        "data": np.array([0.0, 5, -1, 3]),
    }
    left = {"indptr": np.array([0, 1, 3]), "indices": np.array([1, 0, 1]), "data": np.array([5.0, -1, 3])}
    assert spgemm.check(p, expected, kept) == ""
    assert spgemm.check(p, expected, left) == ""
    left["data"] = np.array([5.0, -1, np.nan])
    assert "entries are off" in spgemm.check(p, expected, left)


def test_columns_in_any_order_are_right_only_under_the_unsorted_contract():
    output = {
        "indptr": np.array([0, 2, 3]),
        "indices": np.array([1, 0, 1]),
        "data": np.array([2.0, 1.0, 1.0]),
    }
    a, eye = csr_array(np.array([[1.0, 2.0], [0.0, 1.0]])), csr_array(np.eye(2))
    for in_order, said in ((True, "do not ascend"), (False, "")):
        p = Product(a, eye, sorted=in_order, bound=4)
        found = spgemm.check(p, spgemm.oracle(p), output)
        assert said in found if said else found == ""
    twice = {
        "indptr": np.array([0, 3, 4]),
        "indices": np.array([1, 0, 0, 1]),
        "data": np.array([2.0, 0.5, 0.5, 1.0]),
    }
    p = Product(a, eye, sorted=False, bound=4)
    assert "holds a column twice" in spgemm.check(p, spgemm.oracle(p), twice)


@pytest.mark.parametrize("name", ["amg_rap", "er60k", "poisson2d"])
def test_columns_of_every_input_ascend_and_none_is_there_twice(name):
    """``amg_rap`` is made of products whose columns are in no order."""
    rng = np.random.default_rng(5)
    module = KERNEL.module()
    made = module.make(name, "sorted", rng)
    for one in (made, module.vary(made, rng, 1)):
        for m in (one.a, one.b):
            steps = np.diff(m.indices.astype(np.int64))
            assert (
                np.delete(steps, m.indptr[1:-1][(m.indptr[1:-1] > 0) & (m.indptr[1:-1] < m.nnz)] - 1).min()
                > 0
            )
