import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcbench.inputs import generate
from hpcbench.inputs.errors import InputError
from hpcbench.inputs.features import features, row_flops


def csr(rows):
    return sp.csr_array(np.array(rows, dtype=float))


A = csr([[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0]])
B = csr([[1, 0, 0, 0, 1], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]])


def test_row_flops_of_a_product_done_by_hand():
    assert row_flops(A, B).tolist() == [4, 0, 4]
    assert row_flops(A, B).dtype == np.int64


def test_features_of_a_product_done_by_hand():
    found = features(A, B)
    assert found == {
        "rows": 3,
        "inner": 4,
        "cols": 5,
        "nnz_a": 5,
        "nnz_b": 9,
        "density": 5 / 12,
        "row_mean": 5 / 3,
        "row_max": 3,
        "row_cv": pytest.approx(np.std([2, 0, 3]) / (5 / 3)),
        "empty_rows": 1,
        "flops": 8,
        "row_flops_max": 4,
        "bound_nnz_c": 8,
        "span_mean": pytest.approx((5 + 2 + 5) / 3),
    }
    assert all(type(value) in (int, float) for value in found.values())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 20), inner=st.integers(1, 20), cols=st.integers(1, 20))
def test_flops_and_bound_agree_with_the_product_itself(seed, rows, inner, cols):
    rng = np.random.default_rng(seed)
    a = csr(rng.random((rows, inner)) < 0.3)
    b = csr(rng.random((inner, cols)) < 0.3)
    product = a @ b  # of ones: its values count the multiply-adds
    found = features(a, b)
    assert found["flops"] == product.sum()
    assert found["row_flops_max"] == product.sum(axis=1).max()
    assert found["bound_nnz_c"] >= product.count_nonzero()
    assert found["bound_nnz_c"] == np.minimum(product.sum(axis=1), cols).sum()


def test_flops_beyond_int32_do_not_overflow():
    n = 50_000
    column = sp.csr_array((np.ones(n), np.zeros(n, np.int32), np.arange(n + 1, dtype=np.int32)), shape=(n, 1))
    row = sp.csr_array((np.ones(n), np.arange(n, dtype=np.int32), np.array([0, n], np.int32)), shape=(1, n))
    found = features(column, row)
    assert found["flops"] == found["bound_nnz_c"] == n * n > 2**31
    assert found["density"] == 1.0


def test_pattern_symmetry_looks_at_off_diagonal_places_not_values():
    a = csr([[5, 1, 0], [9, 0, 2], [0, 0, 1]])  # (0,1) and (1,0) match, (1,2) has no partner
    assert features(a, a)["pattern_symmetry"] == pytest.approx(2 / 3)
    assert features(csr(np.eye(4)), csr(np.eye(4)))["pattern_symmetry"] == 1.0
    grid = generate.poisson2d(9, np.random.default_rng(0))
    assert features(grid, grid)["pattern_symmetry"] == 1.0
    assert features(csr(np.triu(np.ones((4, 4)))), csr(np.eye(4)))["pattern_symmetry"] == 0.0


def test_pattern_symmetry_is_left_out_where_it_has_no_meaning_or_costs_too_much(monkeypatch):
    assert "pattern_symmetry" not in features(A, B)
    monkeypatch.setattr("hpcbench.inputs.features.SYMMETRY_LIMIT", 3)
    assert "pattern_symmetry" in features(csr(np.eye(3)), csr(np.eye(3)))
    assert "pattern_symmetry" not in features(csr(np.eye(4)), csr(np.eye(4)))


def test_a_matrix_without_entries_has_features_too():
    empty = sp.csr_array((4, 4))
    found = features(empty, empty)
    assert found["flops"] == found["row_cv"] == found["span_mean"] == 0
    assert found["empty_rows"] == 4


def test_span_does_not_need_sorted_rows():
    b = sp.csr_array((np.ones(3), np.array([4, 1, 2]), np.array([0, 3])), shape=(1, 6))
    assert features(csr([[1]]), b)["span_mean"] == 4


def test_shapes_that_do_not_multiply_are_refused():
    with pytest.raises(InputError, match="A is 4 x 5 and B is 4 x 5: the inner dimensions differ"):
        features(B, B)
