"""What CUDA variants compute, on every kind of input and without a device: the first threads first, or the last."""

from dataclasses import replace

import numpy as np
import pytest
from emulated import emulated
from test_solve import GENERAL, KERNEL, NEEDS, RELAXED, _counted, _with

from hpcbench import registry
from hpcbench.contender import Entry
from hpcbench.inputs import equations
from hpcbench.spec import Setting

CONTRACTS = {"spmm": ("k8", "k32", "k128", "k45", "k1", "k200")}
CUB = "gustavson_cuda"  # it needs more of CUDA than is emulated
VARIANTS = [
    v for kernel in registry.kernels().values() for v in kernel.variants()
    if v.language == "cuda" and v.name != CUB
]  # fmt: skip
LONG = {v.name for v in RELAXED} | {"gmres_cuda"}  # many iterations, or slow ones
DEFINITE = [v for v in VARIANTS if v.kernel == "solve" and v.name.endswith("cg_cuda")]


def _arms(variant, **params):
    """With as few threads as a block may have: each of them costs."""
    return [
        Entry(emulated(variant, order, THREADS=128, **params), Setting(), f"{variant.name}, order {order}")
        for order in (0, 1)
    ]


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(v, id=f"{v.kernel}-{v.name}", marks=[pytest.mark.slow] * (v.name in LONG))
        for v in VARIANTS
    ],
)
def test_every_variant_is_right_on_every_kind_of_input(wrong, variant):
    kernel = registry.kernel(variant.kernel)
    for contract in CONTRACTS.get(kernel.name, (next(iter(kernel.contracts)),)):
        inputs = kernel.module().hidden(contract, np.random.default_rng(7))
        if variant in RELAXED:
            del inputs["road"]  # thousands of iterations
        assert wrong(kernel.name, _arms(variant), inputs) == {}


@pytest.mark.parametrize("title", NEEDS)
def test_what_cannot_be_solved_is_told_in_words(wrong, title):
    a, words = NEEDS[title]
    arms = [arm for variant in DEFINITE for arm in _arms(variant)]
    with np.errstate(invalid="ignore"):
        found = wrong("solve", arms, {title: _with(a)})
    assert len(found) == len(arms)
    assert all(words in message for message in found.values()), found


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(v, id=v.name, marks=[pytest.mark.slow] * (v in RELAXED))
        for v in VARIANTS
        if v.kernel == "solve" and v not in DEFINITE
    ],
)
def test_what_needs_no_symmetry_solves_what_has_none(wrong, variant):
    params = {"omega": 0.9} if variant in RELAXED else {}
    assert wrong("solve", _arms(variant, **params), GENERAL) == {}


@pytest.mark.parametrize("variant", DEFINITE, ids=lambda v: v.name)
def test_sums_of_what_is_near_the_end_of_the_range_change_nothing(wrong, variant):
    p = _with(equations.poisson(30, 2))
    huge = replace(p, b=p.b * (5e306 / np.max(np.abs(p.b))), x=p.x * (5e306 / np.max(np.abs(p.b))))
    with np.errstate(over="ignore"):
        assert np.isinf(np.sum(np.abs(huge.b)))
    assert wrong("solve", _arms(variant), {"huge": huge}) == {}


@pytest.mark.parametrize("name", ["cg", "jacobi", "sor_multicolour"])
def test_a_method_takes_as_many_iterations_as_on_the_host(name):
    on_device = emulated(KERNEL.variant(f"{name}_cuda"), THREADS=128)
    arms = [Entry(c, Setting(), c.origin) for c in (KERNEL.variant(name).candidate(), on_device)]
    for a in (
        equations.poisson(14, 2),
        equations.elasticity(5),
        equations.jumps(20, 5, np.random.default_rng(4)),
    ):
        host, device = _counted(arms, _with(a)).values()
        assert abs(device - host) <= 2 + 0.02 * host
