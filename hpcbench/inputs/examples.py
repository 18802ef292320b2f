"""Real finite-element matrices that come with pyamg."""

from __future__ import annotations

from scipy.sparse import csr_array, diags_array, kron

from hpcbench.inputs.canonical import INT32_MAX, canonical
from hpcbench.inputs.errors import InputError
from hpcbench.inputs.features import row_flops

NAMES = (
    "airfoil",
    "bar",
    "knot",
    "local_disc_galerkin_diffusion",
    "recirc_flow",
    "unit_cube",
    "unit_square",
)


def example(name: str, min_flops: int = 0) -> csr_array:
    """Load a matrix of pyamg's gallery, made larger where it is too small to be timed.

    Parameters
    ----------
    name : str
        One of :data:`NAMES`; 191 to 966 rows, 1.2k to 35k non-zeros, 8k to 1.4M flops. The gallery's
        ``helmholtz_2D`` is complex and refused.
    min_flops : int
        Multiply-adds that the product A A takes at least.

    Returns
    -------
    csr_array
        float64, canonical. If the matrix A alone takes fewer than `min_flops`, tridiag(-1, 2, -1) ⊗ A with
        the fewest layers k that reach it: k copies of the mesh, each coupled with the next, as in an
        extruded domain. Values are then A's times 2 or -1, exactly; definiteness and symmetry are kept.

    Raises
    ------
    InputError
        An unknown or complex example, or `min_flops` beyond what int32 indices can hold.
    """
    if name == "helmholtz_2D":
        raise InputError(f"{name}: complex values, but the kernels are real; use one of {', '.join(NAMES)}")
    if name not in NAMES:
        raise InputError(f"{name}: no such example; use one of {', '.join(NAMES)}")
    from pyamg.gallery import load_example

    matrix = canonical(name, load_example(name)["A"])
    flops = int(row_flops(matrix, matrix).sum())
    if flops >= min_flops:
        return matrix
    # The product of k layers takes (9 k - 10) times the flops of one: 3² per row, 2² in the two end rows.
    layers = max(2, -(-(-(-min_flops // flops) + 10) // 9))
    if 3 * layers * matrix.nnz > INT32_MAX:
        raise InputError(
            f"{name}: {min_flops} flops need {layers} layers, beyond int32 indices; ask for fewer"
        )
    chain = diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(layers, layers))
    return canonical(name, kron(chain, matrix, format="csr"))
