"""One case made ready: input sets, the oracle's answers, shared memory per setting, the physical floor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcbench import machine, registry, verify
from hpcbench.arena import Arena, SealedInputs
from hpcbench.codec import digest
from hpcbench.measure import Memory
from hpcbench.spec import HpcbenchError, Setting

SETS = 2


@dataclass(frozen=True)
class Case:
    """An input structure: its name, the contract asked of the output, and what makes its values."""

    name: str
    kernel: registry.Kernel
    contract: str
    make: Callable[[np.random.Generator], Any]


class Prepared:
    """A case with its inputs made: ``SETS`` sets of equal structure and different values.

    Raises
    ------
    HpcbenchError
        When the machine cannot hold the output and its verification.
    """

    def __init__(self, case: Case, rng: np.random.Generator) -> None:
        self.case, self.module = case, case.kernel.module()
        first = case.make(rng)
        self._refuse_too_large(first)
        self.sets = [first, *(self.module.redraw(first, rng) for _ in range(SETS - 1))]
        self.expected = [self.module.oracle(s) for s in self.sets]
        self.features = self.module.features(first)
        self.input_hash = digest([case.name, *(self.module.fingerprint(s) for s in self.sets)])
        flops, size = self.module.cost(first, self.expected[0])
        bandwidth, peak = machine.limits(size)
        self.floor_s = max(size / bandwidth, flops / peak)
        self._memories: dict[tuple[int, str], tuple[Memory, list[list[Any]]]] = {}

    def _refuse_too_large(self, inputs: Any) -> None:
        fields = [f for f in self.module.outputs(inputs).values() if isinstance(f, tuple)]
        need = 4 * sum(n * np.dtype(t).itemsize for t, n in fields)  # output, two oracles, comparison
        free = machine.memory_available()
        if need > free:
            raise HpcbenchError(
                f"{self.case.name}: the output may hold {fields[-1][1]:.2e} entries; racing and checking it "
                f"may take {need / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free: use a smaller input"
            )

    def memory(self, setting: Setting) -> Memory:
        """The sealed inputs and output arenas that all arms of this setting share."""
        return self._parts(setting)[0]

    def _parts(self, setting: Setting) -> tuple[Memory, list[list[Any]]]:
        key = (setting.ranks, setting.pages)
        if key not in self._memories:
            module, ranks = self.module, range(setting.ranks)
            parts = [module.partition(s, setting.ranks) if setting.ranks > 1 else [s] for s in self.sets]
            arenas = [
                Arena(
                    [module.outputs(p[r]) for p in parts],
                    [module.sizes(p[r], e) for p, e in zip(parts, self.expected, strict=True)],
                    setting.pages,
                )
                for r in ranks
            ]
            inputs = [SealedInputs([module.pack(p[r]) for p in parts]) for r in ranks]
            self._memories[key] = Memory(inputs, arenas), parts
        return self._memories[key]

    def wrong(self, setting: Setting, slot: int) -> str:
        """What is wrong with the output in ``slot``, in one line; empty when it is right."""
        memory, parts = self._parts(setting)
        k = slot % SETS
        return verify.wrong(self.module, self.sets[k], self.expected[k], parts[k], memory.arenas, slot)

    def close(self) -> None:
        """Give the shared memory back."""
        for memory, _ in self._memories.values():
            for inputs, arena in zip(memory.inputs, memory.arenas, strict=True):
                inputs.close()
                arena.close()
        self._memories.clear()
