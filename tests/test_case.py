"""Input sets that change: new contents that fit, right answers for them, and nobody but the parent who writes."""

import mmap
import os

import numpy as np
import pytest
from races import small

from hpcbench import registry
from hpcbench.case import MOST_SETS, Case, Prepared
from hpcbench.spec import Setting

KERNEL = registry.kernel("spgemm")


@pytest.fixture
def ready():
    a = small(200, 1500)
    case = Case("small", KERNEL, "sorted", lambda rng: KERNEL.module().product(a, a, "sorted", rng))
    made = Prepared(case, np.random.default_rng(5), changing=True)
    yield made
    made.close()


def test_every_change_gives_other_values_and_another_pattern(ready):
    setting, seen = Setting(), set()
    ready.memory(setting)
    for _ in range(10):
        ready.change(setting, 0, 2)
        for one in ready.sets[:2]:
            seen |= {one.a.data.tobytes(), one.a.indices.tobytes()}
    assert len(seen) == 40
    ready.restore(setting, 0)
    assert KERNEL.module().fingerprint(ready.sets[0]) == KERNEL.module().fingerprint(ready._first[0])


@pytest.mark.parametrize("ranks", [1, 3])
def test_workers_see_the_new_contents_and_cannot_write_them(ready, ranks):
    setting = Setting(ranks=ranks)
    memory = ready.memory(setting)
    ready.change(setting, 1, 1)
    blocks = KERNEL.module().partition(ready.sets[1], ranks) if ranks > 1 else [ready.sets[1]]
    for inputs, block in zip(memory.inputs, blocks, strict=True):
        view = mmap.mmap(inputs.fd, inputs.size, prot=mmap.PROT_READ)
        fields = {
            name: (offset, dtype, n)
            for name, _, offset, dtype, n in (f for f in inputs.layout[1] if f[1] == "array")
        }
        offset, dtype, n = fields["a_data"]
        assert np.array_equal(np.frombuffer(view, dtype, n, offset), block.a.data)
        with pytest.raises(PermissionError):
            mmap.mmap(inputs.fd, inputs.size, prot=mmap.PROT_READ | mmap.PROT_WRITE)


def test_what_varies_keeps_the_size_of_everything():
    module, rng = KERNEL.module(), np.random.default_rng(2)
    for first in module.hidden("sorted", rng).values():
        again = module.vary(first, rng, 1)
        assert {k: np.shape(v) for k, v in module.pack(first).items()} == {
            k: np.shape(v) for k, v in module.pack(again).items()
        }
        assert again.bound == first.bound == module.product(again.a, again.b, "sorted", rng).bound
        assert all(
            np.all(np.diff(again.a.indices[p:q]) > 0)
            for p, q in zip(again.a.indptr, again.a.indptr[1:], strict=False)
        )


def test_there_are_as_many_sets_as_a_sample_has_calls(ready):
    assert 2 < len(ready.sets) <= MOST_SETS


def test_what_is_constant_lies_in_one_place_and_stays_while_the_rest_changes():
    kernel = registry.kernel("spmv")
    module = kernel.module()
    case = Case("c", kernel, "product", lambda rng: module.matvec(small(60, 300), rng))
    made = Prepared(case, np.random.default_rng(1), changing=True)
    (sealed,) = made.memory(Setting()).inputs
    where = {f[0]: {rows[i][2] for rows in sealed.layout} for i, f in enumerate(sealed.layout[0])}
    assert sealed.handles == 1
    assert all(len(where[name]) == 1 for name in kernel.constant)
    assert len(where["x"]) == 1 < len(made.sets)  # a window of one array, where a call before it says
    before = os.pread(sealed.fd, sealed.size, 0)
    made.change(Setting(), 0, len(made.sets))
    after = os.pread(sealed.fd, sealed.size, 0)
    changed = {
        n
        for n, at in where.items()
        if n in (*kernel.constant, "x")
        for o in at
        if before[o : o + 480] != after[o : o + 480]
    }
    made.close()
    assert changed == {"x"}
