"""One case made ready: input sets, the oracle's answers, shared memory per setting, the physical floor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, cast

import numpy as np

from hpcbench import device, machine, registry, verify
from hpcbench.arena import Arena, SealedInputs
from hpcbench.codec import digest
from hpcbench.kernels.shared.rows import draw
from hpcbench.measure import Memory
from hpcbench.spec import HpcbenchError, Setting
from hpcbench.stream import SLACK, start

SETS = 2  # verified before anything is timed
MOST_SETS = 64
MIN_SAMPLE_S = 8e-3  # at 2 ms the spread of paired ratios was three times as large


@dataclass(frozen=True)
class Case:
    """An input structure: its name, the contract asked of the output, and what makes its values.

    With ``titles``, ``make`` returns one input for each, of different structures, and all of them are verified.
    """

    name: str
    kernel: registry.Kernel
    contract: str
    make: Callable[[np.random.Generator], Any]
    titles: tuple[str, ...] = ()


class Prepared:
    """A case with its inputs made: sets of equal structure and different values.

    Parameters
    ----------
    changing : whether the sets get new contents before every sample, so that nothing that a candidate
        remembers is worth anything. There are as many sets, then, as a sample has calls.

    Attributes
    ----------
    sets : what the sets hold now; the first ``verified`` hold at first what is verified before anything is timed.

    Raises
    ------
    HpcbenchError
        When the machine cannot hold the output and its verification.
    """

    def __init__(self, case: Case, rng: np.random.Generator, changing: bool = False) -> None:
        self.case, self.module = case, case.kernel.module()
        first = case.make(rng)
        if case.titles:
            self._first = list(first)
        else:
            self._refuse_too_large(first)
            self._first = [first, *(self.module.redraw(first, rng) for _ in range(SETS - 1))]
        self._answers = [self.module.oracle(s) for s in self._first]
        self.features = self.module.features(self._first[0])
        self.input_hash = digest([case.name, *(self.module.fingerprint(s) for s in self._first)])
        self.changing, self._rng = changing, rng
        self.stream = case.kernel.stream if changing and not (case.titles or self.resident) else ""
        self._pools: dict[tuple[int, str], list[np.ndarray]] = {}
        calls = min(MOST_SETS, int(MIN_SAMPLE_S / (2 * self.floor_s)) + 1) if changing else 0
        self.verified = len(self._first)
        more = [self._first[k % SETS] for k in range(SETS, calls)]
        self.sets: list[Any] = [*self._first, *more]
        self._expected: dict[int, Any] = dict(enumerate(self._answers))
        self._memories: dict[tuple[int, str], tuple[Memory, list[list[Any]]]] = {}

    @cached_property
    def physics(self) -> dict[str, float]:
        """What the case takes at least, and what this machine gives at most: bytes, flop, bytes/s, flop/s."""
        flops, size = self.module.cost(self._first[0], self._answers[0])
        bandwidth, peak = device.limits(size) if self.resident else machine.limits(size)
        return {"compulsory_flop": flops, "compulsory_bytes": size, "bandwidth": bandwidth, "peak": peak}

    @property
    def resident(self) -> bool:
        """Whether inputs and outputs lie in a device's memory."""
        return self.case.kernel.resident(self.case.contract)

    @property
    def floor_s(self) -> float:
        """Seconds below which no implementation can be on this machine."""
        p = self.physics
        return float(max(p["compulsory_bytes"] / p["bandwidth"], p["compulsory_flop"] / p["peak"]))

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
            parts = [self._blocks(s, setting) for s in self.sets]
            answers = [self._answers[k % self.verified] for k in range(len(parts))]
            arenas = [
                Arena(
                    [module.outputs(p[r]) for p in parts],
                    [module.sizes(p[r], e) for p, e in zip(parts, answers, strict=True)],
                    setting.pages,
                )
                for r in ranks
            ]
            constant = () if self.case.titles else self.case.kernel.constant
            inputs = [
                SealedInputs([module.pack(p[r]) for p in parts], self.changing, constant, self.stream)
                for r in ranks
            ]
            self._memories[key] = Memory(inputs, arenas, self.resident), parts
        return self._memories[key]

    def _blocks(self, inputs: Any, setting: Setting) -> list[Any]:
        return self.module.partition(inputs, setting.ranks) if setting.ranks > 1 else [inputs]

    def restore(self, setting: Setting, k: int) -> None:
        """Give set ``k``, one of the first, what it held at first."""
        if self.changing:
            self._put(setting, k, self._first[k])
            self._expected[k] = self._answers[k]
            if self.stream:
                self._pour(
                    setting, [self.module.pack(block)[self.stream] for block in self._parts(setting)[1][k]]
                )

    def change(self, setting: Setting, first: int, calls: int) -> None:
        """Give the sets of the next ``calls`` calls contents that nobody has seen."""
        if self.stream:
            self._pour(setting, [])
            return
        for i in range(calls if self.changing else 0):
            k = (first + i) % len(self.sets)
            self._put(setting, k, self.module.vary(self._first[k % SETS], self._rng, setting.ranks))
            self._expected.pop(k, None)

    def _put(self, setting: Setting, k: int, inputs: Any) -> None:
        memory, parts = self._parts(setting)
        self.sets[k], parts[k] = inputs, self._blocks(inputs, setting)
        for block, sealed in zip(parts[k], memory.inputs, strict=True):
            sealed.write(k, self.module.pack(block))

    def _pour(self, setting: Setting, heads: Sequence[np.ndarray]) -> None:
        """Draw the array of every rank anew; ``heads`` are what they begin with, if anything in particular."""
        memory, _ = self._parts(setting)
        lengths = [sealed.window for sealed in memory.inputs]
        pools = [draw(length + SLACK, self._rng) for length in lengths]
        for pool, head in zip(pools, heads, strict=False):
            pool[: len(head)] = head
        for pool, sealed in zip(pools, memory.inputs, strict=True):
            sealed.pour(pool)
        self._pools[setting.ranks, setting.pages] = pools

    def follow(self, setting: Setting, first: int, call: int, seed: int, told: Sequence[int]) -> None:
        """Find out which vector the ``call``-th call after ``first`` had, from what those before it have put out.

        ``told`` are the entries at which it began in the ranks' arrays, where workers tell them.
        """
        if not self.stream or not (seed or any(told)):
            return
        memory, parts = self._parts(setting)
        starts = told or [
            start(seed, [arena.first((first + i) % len(arena.layout)) for i in range(call)])
            for arena in memory.arenas
        ]
        lengths = [sealed.window for sealed in memory.inputs]
        pools = self._pools[setting.ranks, setting.pages]
        vector = np.concatenate([p[at : at + n] for p, at, n in zip(pools, starts, lengths, strict=True)])
        k = (first + call) % len(memory.arenas[0].layout) % len(self.sets)
        self.sets[k] = self.module.streamed(self._first[k % SETS], vector)
        parts[k] = self._blocks(self.sets[k], setting)
        self._expected.pop(k, None)

    def wrong(self, setting: Setting, slot: int) -> str:
        """What is wrong with the output in ``slot``, in one line; empty when it is right."""
        memory, parts = self._parts(setting)
        k = slot % len(self.sets)
        answer = partial(self._answer, k)
        return verify.wrong(self.module, self.sets[k], answer, parts[k], memory.arenas, slot)

    def told(self, setting: Setting, slot: int) -> tuple[Mapping[str, float], tuple[float, ...]]:
        """Numbers to show of the output in ``slot``, and the way there, where the kernel has any."""
        tell = getattr(self.module, "tell", None)
        if tell is None:
            return {}, ()
        memory, parts = self._parts(setting)
        k = slot % len(self.sets)
        output = self.module.gather(parts[k], [arena.view(slot) for arena in memory.arenas])
        return cast("tuple[Mapping[str, float], tuple[float, ...]]", tell(self.sets[k], output))

    def _answer(self, k: int) -> Any:
        if k not in self._expected:
            self._expected[k] = self.module.oracle(self.sets[k])
        return self._expected[k]

    def close(self) -> None:
        """Give the shared memory back."""
        for memory, _ in self._memories.values():
            for inputs, arena in zip(memory.inputs, memory.arenas, strict=True):
                inputs.close()
                arena.close()
        self._memories.clear()
