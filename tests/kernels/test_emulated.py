"""What CUDA variants compute, on every kind of input and without a device: the first threads first, or the last."""

import numpy as np
import pytest
from emulated import emulated

from hpcbench import registry
from hpcbench.contender import Entry
from hpcbench.spec import Setting

CONTRACTS = {"spmm": ("k8", "k32", "k128", "k45", "k1", "k200")}
CUB = "gustavson_cuda"  # it needs more of CUDA than is emulated
VARIANTS = [
    v for name in registry.kernels() for v in registry.kernel(name).variants()
    if v.language == "cuda" and v.name != CUB
]  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: f"{v.kernel}-{v.name}")
def test_every_variant_is_right_on_every_kind_of_input(wrong, variant):
    kernel = registry.kernel(variant.kernel)
    for contract in CONTRACTS.get(kernel.name, (next(iter(kernel.contracts)),)):
        inputs = kernel.module().hidden(contract, np.random.default_rng(7))
        arms = [Entry(emulated(variant, order, THREADS=128), Setting(), f"order {order}") for order in (0, 1)]
        assert wrong(kernel.name, arms, inputs) == {}
