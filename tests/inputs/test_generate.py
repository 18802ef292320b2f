import numpy as np
import pytest
import scipy.sparse as sp

from hpcbench.inputs import generate
from hpcbench.inputs.errors import InputError

SMALL = [
    ("er", (500, 4)),
    ("hypersparse", (10_000, 900)),
    ("road", (70,)),
    ("block_diagonal", (5, 7)),
    ("tall", (400, 30, 6)),
    ("poisson2d", (12,)),
    ("poisson3d", (6,)),
    ("fem27", (4, 3)),
    ("rmat", (8, 8)),
    ("amg", (6,)),
]


def make(name, sizes, seed=0):
    made = getattr(generate, name)(*sizes, np.random.default_rng(seed))
    return list(made) if isinstance(made, tuple) else [made]


def pattern(matrix):
    return sp.csr_array((np.ones(matrix.nnz), matrix.indices, matrix.indptr), shape=matrix.shape)


def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize(("name", "sizes"), SMALL)
def test_every_generator_gives_canonical_float64_csr_with_values_in_half_to_one_and_a_half(name, sizes):
    for matrix in make(name, sizes):
        assert isinstance(matrix, sp.csr_array)
        assert matrix.data.dtype == np.float64
        assert matrix.indices.dtype == matrix.indptr.dtype == np.int32
        assert matrix.nnz == matrix.data.size > 0
        assert matrix.data.min() >= 0.5
        assert matrix.data.max() < 1.5
        assert np.unique(matrix.data).size > 0.9 * matrix.nnz
        row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        keys = row * matrix.shape[1] + matrix.indices.astype(np.int64)
        assert np.all(np.diff(keys) > 0)
        assert matrix.indices.max() < matrix.shape[1]


@pytest.mark.parametrize(("name", "sizes"), SMALL)
def test_the_seed_decides_everything(name, sizes):
    first, again, other = make(name, sizes, 3), make(name, sizes, 3), make(name, sizes, 4)
    for a, b, c in zip(first, again, other, strict=True):
        assert np.array_equal(a.indices, b.indices)
        assert np.array_equal(a.data, b.data)
        assert not np.array_equal(a.data, c.data[: a.nnz])


def test_er_and_hypersparse_have_exactly_the_non_zeros_asked_for():
    assert generate.er(500, 4, rng()).nnz == 2000
    assert generate.er(10, 10, rng()).nnz == 100
    wide = generate.hypersparse(1_000_000, 250_000, rng())
    assert wide.shape == (1_000_000, 1_000_000)
    assert wide.nnz == 250_000
    assert 0.77 < np.mean(np.diff(wide.indptr) == 0) < 0.79  # exp(-1/4) of the rows are empty


def test_more_non_zeros_than_places_are_refused():
    with pytest.raises(InputError, match="101 non-zeros do not fit into 100 places"):
        generate.hypersparse(10, 101, rng())
    with pytest.raises(InputError, match="7 non-zeros do not fit into a row of 6"):
        generate.tall(3, 6, 7, rng())


def test_road_keeps_seven_tenths_of_the_grid_s_edges_in_both_directions():
    side = 70
    matrix = generate.road(side, rng())
    assert matrix.nnz == 2 * round(0.7 * 2 * side * (side - 1))
    assert (pattern(matrix) != pattern(matrix).T).nnz == 0
    assert not matrix.diagonal().any()
    assert np.diff(matrix.indptr).max() <= 4


def test_road_shuffles_ids_within_blocks_only():
    matrix = generate.road(200, rng()).tocoo()
    row, col = matrix.coords
    assert np.abs(row // 4096 - col // 4096).max() <= 1
    assert np.mean(np.abs(row - col) == 1) < 0.01


def test_block_diagonal_is_full_inside_its_blocks_and_empty_outside():
    expected = np.kron(np.eye(5), np.ones((7, 7)))
    assert np.array_equal(pattern(generate.block_diagonal(5, 7, rng())).toarray(), expected)


def test_tall_fills_each_row_alike_and_the_columns_evenly():
    matrix = generate.tall(6000, 10, 4, rng())
    assert set(np.diff(matrix.indptr)) == {4}
    assert np.abs(np.bincount(matrix.indices) - 2400).max() < 200  # sigma is 38
    assert generate.tall(5, 4, 4, rng()).nnz == 20


@pytest.mark.parametrize(("dimensions", "made"), [(2, generate.poisson2d), (3, generate.poisson3d)])
def test_poisson_patterns_are_pyamg_s(dimensions, made):
    from pyamg.gallery import poisson

    expected = abs(sp.csr_array(poisson((5,) * dimensions))) > 0
    assert np.array_equal(pattern(made(5, rng())).toarray(), expected.toarray())


def test_fem27_couples_each_node_with_its_26_neighbours_in_dense_blocks():
    line = np.eye(4) + np.eye(4, k=1) + np.eye(4, k=-1)
    expected = np.kron(np.kron(np.kron(line, line), line), np.ones((3, 3)))
    assert np.array_equal(pattern(generate.fem27(4, 3, rng())).toarray(), expected)


def test_rmat_is_skewed_and_its_ids_are_permuted():
    matrix = generate.rmat(12, 8, rng())
    assert matrix.shape == (4096, 4096)
    degrees = np.diff(matrix.indptr)
    assert 0.8 * 8 * 4096 < matrix.nnz < 8 * 4096
    assert degrees.max() > 20 * degrees.mean()
    assert np.argmax(degrees) != 0  # where the recursion puts it
    assert np.argmax(np.bincount(matrix.indices)) == np.argmax(degrees)  # rows and columns alike


def test_rmat_quadrants_have_their_probabilities():
    class Unpermuted:
        def __init__(self):
            self.rng = rng()

        def __getattr__(self, name):
            return getattr(self.rng, name)

        def permutation(self, n):
            return np.arange(n)

    matrix = generate.rmat(1, 200_000, Unpermuted())
    assert matrix.nnz == 4  # scale 1 merges all edges into the four quadrants
    wide = generate.rmat(14, 2, Unpermuted())  # few enough edges that merging hardly matters
    half = 8192
    top, bottom = pattern(wide)[:half], pattern(wide)[half:]
    shares = [
        block[:, cols].nnz / wide.nnz for block in (top, bottom) for cols in (slice(half), slice(half, None))
    ]
    assert np.allclose(shares, [0.57, 0.19, 0.19, 0.05], atol=0.02)


def test_amg_operators_fit_and_keep_the_patterns_of_smoothed_aggregation():
    fine, prolongator, restrictor = generate.amg(6, rng())
    assert fine.shape == (216, 216)
    assert np.array_equal(pattern(fine).toarray(), pattern(generate.poisson3d(6, rng())).toarray())
    assert np.array_equal(pattern(restrictor).toarray(), pattern(prolongator).T.toarray())
    assert prolongator.shape[1] < 216 / 5
    assert np.diff(prolongator.indptr).min() >= 1
    assert prolongator.nnz > 216  # smoothed: more than one aggregate per point
    assert (restrictor @ (fine @ prolongator)).shape == (prolongator.shape[1],) * 2


def test_amg_refuses_a_grid_that_cannot_be_coarsened():
    with pytest.raises(InputError, match="n >= 2"):
        generate.amg(1, rng())


def test_redraw_keeps_the_pattern_and_changes_every_value():
    matrix = generate.er(200, 5, rng())
    before = matrix.data.copy()
    again = generate.redraw(matrix, np.random.default_rng(8))
    assert np.array_equal(again.indices, matrix.indices)
    assert np.array_equal(again.indptr, matrix.indptr)
    assert np.array_equal(matrix.data, before)
    assert not np.any(again.data == before)
    assert again.data.min() >= 0.5
    assert again.data.max() < 1.5
