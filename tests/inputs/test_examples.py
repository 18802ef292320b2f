import numpy as np
import pytest
from pyamg.gallery import load_example

from hpcbench.inputs.errors import InputError
from hpcbench.inputs.examples import NAMES, example
from hpcbench.inputs.features import row_flops


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_pyamg_s_matrix_in_canonical_form(name):
    matrix = example(name)
    assert matrix.data.dtype == np.float64
    assert matrix.indices.dtype == matrix.indptr.dtype == np.int32
    assert matrix.has_canonical_format
    assert (matrix != load_example(name)["A"].tocsr()).nnz == 0


@pytest.mark.parametrize("name", NAMES)
def test_min_flops_is_reached_with_the_fewest_layers(name):
    base = example(name)
    wanted = 20 * int(row_flops(base, base).sum()) + 1
    matrix = example(name, wanted)
    assert matrix.shape[0] == 4 * base.shape[0]  # 9 k - 10 >= 21 first at k = 4
    assert wanted <= int(row_flops(matrix, matrix).sum()) == 26 * (wanted - 1) // 20
    assert matrix.has_canonical_format


def test_the_layers_are_coupled_as_in_a_one_dimensional_laplacian():
    base, matrix = example("knot"), example("knot", 100_000)
    n = base.shape[0]
    assert (matrix[:n, :n] != 2 * base).nnz == 0
    assert (matrix[n : 2 * n, :n] != -base).nnz == 0
    assert matrix[2 * n :, :n].nnz == 0


def test_an_example_that_is_large_enough_stays_as_it_is():
    assert example("bar", 962_310).shape == (600, 600)
    assert example("bar", 962_311).shape == (1200, 1200)


@pytest.mark.parametrize(
    ("name", "flops", "fragment"),
    [
        ("helmholtz_2D", 0, "complex values"),
        ("wing", 0, "no such example; use one of airfoil, bar"),
        ("knot", 10**13, "beyond int32"),
    ],
)
def test_what_cannot_be_had_is_refused_by_name(name, flops, fragment):
    with pytest.raises(InputError) as caught:
        example(name, flops)
    assert fragment in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
