"""`hpcbench.best`: a product in this process, by the variant that was fastest here."""

import ctypes
import pickle

import numpy as np
import pytest
from scipy.sparse import coo_array, csc_array, csr_array, csr_matrix, random_array

import hpcbench
from hpcbench import choice, machine, registry
from hpcbench.entrants import tools
from hpcbench.spec import HpcbenchError, Result, Setting
from hpcbench.store import Journal

KERNEL = registry.kernel("spgemm")
HOST = [c for c in KERNEL.contracts if not KERNEL.resident(c)]


def _random(rows, cols, density=0.05, seed=0, kind=csr_array):
    return kind(random_array((rows, cols), density=density, rng=np.random.default_rng(seed), format="csr"))


def _messy():
    """Unsorted rows with duplicates."""
    row, col = [0, 0, 0, 2, 2], [3, 1, 3, 2, 0]
    return csr_array((np.arange(1.0, 6), np.array(col), np.array([0, 3, 3, 5, 5])), shape=(4, 4)), row


MATRICES = {
    "square": (_random(300, 300), None),
    "one by one": (csr_array([[3.0]]), None),
    "no rows": (csr_array((0, 5)), csr_array((5, 3))),
    "no entries": (csr_array((50, 50)), None),
    "rectangular": (_random(30, 200), _random(200, 11, seed=1)),
    "csc": (_random(60, 60, kind=csc_array), None),
    "coo": (_random(60, 60, kind=coo_array), None),
    "matrix": (_random(60, 60, kind=csr_matrix), None),
    "integers": (csr_array((_random(60, 60) * 100).astype(np.int64)), None),
    "unsorted with duplicates": (_messy()[0], None),
    "large enough for threads": (_random(4000, 4000, 0.005), None),
}


@pytest.fixture(scope="module")
def multiply(tmp_path_factory):
    nowhere = tmp_path_factory.mktemp("runs")
    return {
        contract: hpcbench.best("spgemm", contract=contract, threads=2, runs=nowhere) for contract in HOST
    }


@pytest.mark.parametrize("contract", HOST)
@pytest.mark.parametrize("name", MATRICES)
def test_the_product_is_scipys(multiply, name, contract):
    a, b = MATRICES[name]
    b = a if b is None else b
    before = a.copy()
    c = multiply[contract](a, b)
    assert c.shape == (a.shape[0], b.shape[1])
    np.testing.assert_allclose(c.toarray(), (a @ b).toarray(), rtol=1e-13, atol=1e-13)
    assert (a != before).nnz == 0
    assert isinstance(c, csr_matrix) == isinstance(a, csr_matrix)
    c.check_format(full_check=True)
    assert repr(c) == repr(pickle.loads(pickle.dumps(c)))
    assert c.indices.dtype == c.indptr.dtype == np.int32
    assert set(vars(c)) == set(vars(type(c)((c.data, c.indices, c.indptr), shape=c.shape))) | (
        {"_has_canonical_format", "_has_sorted_indices"} if contract == "sorted" else set()
    )
    if contract == "sorted":
        assert c.has_canonical_format
        fresh = csr_array((c.data, c.indices, c.indptr), shape=c.shape)
        assert fresh.has_sorted_indices


def test_indices_in_64_bits_are_narrowed(multiply):
    a = _random(80, 80)
    wide = csr_array(a)
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    np.testing.assert_allclose(multiply["sorted"](wide, wide).toarray(), (a @ a).toarray(), rtol=1e-13)


def test_shapes_that_do_not_fit_are_told(multiply):
    with pytest.raises(ValueError, match="inner dimensions differ"):
        multiply["sorted"](_random(3, 4), _random(3, 4))


def test_the_number_of_threads_of_the_process_is_put_back(multiply):
    openmp = ctypes.CDLL("libgomp.so.1")
    before = openmp.omp_get_max_threads()
    a, _ = MATRICES["large enough for threads"]
    multiply["sorted"](a, a)
    assert openmp.omp_get_max_threads() == before


def test_without_a_compiler_scipy_answers(monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", "no-such-compiler")
    a = _random(50, 50)
    c = hpcbench.best("spgemm", runs=tmp_path)(a, a)
    np.testing.assert_allclose(c.toarray(), (a @ a).toarray())
    assert c.has_sorted_indices


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"kernel": "spgemmm"}, "known kernels"),
        ({"contract": "x"}, "contract x"),
        ({"contract": "sorted-device"}, "has sorted, unsorted"),
    ],
)
def test_what_does_not_exist_is_told(words, said):
    with pytest.raises(HpcbenchError, match=said):
        hpcbench.best(**words)


def _journal(folder, rows, here=None, contract="sorted", source=None):
    """A journal of results: (case, flops, variant, params, threads, seconds per call)."""
    journal = Journal.create(folder)
    here = here or machine.fingerprint(**tools())["id"]
    for case, flops, name, params, threads, seconds in rows:
        one = KERNEL.variant(name).candidate(params)
        result = Result(
            one.id,
            name,
            "spgemm",
            contract,
            case,
            "",
            Setting(threads=threads),
            here,
            "correct",
            call_s=seconds,
        )
        journal.append(
            [
                ("candidate", one.id, one),
                ("result", one.id, result),
                ("event", "case", {"case": case, "flops": flops}),
            ]
        )
    journal.close()


ROWS = [
    (f"case {size}", 2**size, name, params, threads, seconds)
    for size in range(8, 26)
    for name, params, threads, seconds in (
        ("gustavson", {}, 1, 2.0**size),
        ("gustavson", {"ACCUMULATOR": "hash"}, 1, 2.0**size * (0.5 if size < 14 else 2)),
        ("gustavson_omp", {}, 2, 2.0**size * 0.6 + 2.0**17),
    )
]


def _picked(runs, size, threads=2, **words):
    candidates, cases = choice.measured(KERNEL, "sorted", threads, runs)
    arm = choice.fastest(cases, size)
    return arm and (candidates[arm[0]].origin, candidates[arm[0]].params["ACCUMULATOR"], arm[1])


def test_what_was_fastest_here_at_about_that_size_is_picked(tmp_path):
    _journal(tmp_path, ROWS)
    assert _picked(tmp_path, 9) == ("gustavson", "hash", 1)
    assert _picked(tmp_path, 16) == ("gustavson", "auto", 1)
    assert _picked(tmp_path, 24) == ("gustavson_omp", "auto", 2)
    assert _picked(tmp_path, 24, threads=1) == ("gustavson", "auto", 1)
    a = _random(50, 50)
    multiply = hpcbench.best("spgemm", runs=tmp_path, threads=2)
    np.testing.assert_allclose(multiply(a, a).toarray(), (a @ a).toarray())


def test_other_machines_contracts_and_older_texts_do_not_count(tmp_path, monkeypatch):
    for number, words in enumerate(({"here": "elsewhere"}, {"contract": "unsorted"})):
        _journal(tmp_path / str(number), ROWS, **words)
        assert _picked(tmp_path / str(number), 20) is None
    _journal(tmp_path / "old", ROWS)
    assert _picked(tmp_path / "old", 20)
    monkeypatch.setattr("hpcbench.variant.inline", lambda text, folder: text + "// newer")
    assert _picked(tmp_path / "old", 20) is None
