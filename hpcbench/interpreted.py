"""A candidate in Python inside its measured process: loaded, called on the memory of its plan, its results copied.

Imports the standard library and NumPy.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from collections.abc import Callable
from typing import Any

SETUP, RUN = 1, 2
FACTOR = 0x9E3779B97F4A7C15
STEP = 8
SPREAD = STEP * 1009  # entries from the vector of one set to that of the next


class Interpreted:
    """A candidate in Python: ``run(handle, inputs, params)`` returns arrays, copied out on request.

    ``inputs`` maps the field names of ``abi.h`` to arrays and numbers, or is what the module's ``bind``
    made of that: a library's own types around the same memory, made untimed.
    """

    def __init__(self, plan: dict[str, Any], base_in: int, base_out: int) -> None:
        import numpy as np

        def view(field: list[Any], base: int, writable: bool, slack: int = 0) -> Any:
            _, kind, value, dtype, length = [*field, None, None][:5]
            if kind != "array":
                return value
            length += slack
            raw = (ctypes.c_char * (length * np.dtype(dtype).itemsize)).from_address(base + value)
            found = np.frombuffer(raw, dtype)
            found.flags.writeable = writable
            return found

        self.inputs = [{f[0]: view(f, base_in, False) for f in fields} for fields in plan["inputs"]]
        self.buffers = [
            [view(f, base_out, True) for f in fields if f[1] == "array"] for fields in plan["outputs"]
        ]
        self.params, self.setups, self.start = plan["params"], plan["handles"], 0
        self.stream, self.pool, self.length = "", np.zeros(0), 0
        if plan["stream"] >= 0:
            field = plan["inputs"][0][plan["stream"]]
            self.stream, self.pool, self.length = (
                field[0],
                view(field, base_in, False, plan["slack"]),
                field[4],
            )
        if plan["wall"]:
            numba_keeps_nothing(plan["object"])
        spec = importlib.util.spec_from_file_location("candidate", plan["object"])
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules["candidate"] = importlib.util.module_from_spec(spec)  # dataclasses look it up
        spec.loader.exec_module(module)
        bind = hasattr(module, "bind")  # wraps the arrays in a library's own types, untimed
        if bind and plan["wall"]:
            raise ValueError("bind() is for libraries that somebody vouches for: what it does is not timed")
        self.bound: list[int] = []  # where the vectors lie that a library was handed: not the chain's, then
        if bind and self.stream:
            self.bound = [k * SPREAD % plan["slack"] for k in range(len(self.inputs))]
            for fields, start in zip(self.inputs, self.bound, strict=True):
                fields[self.stream] = self.pool[start : start + self.length]
        if bind:
            self.inputs = [module.bind(fields, self.params) for fields in self.inputs]
        self.setup: Callable[..., Any] | None = getattr(module, "setup", None)
        self.run = module.run
        if hasattr(module, "collect") and plan["wall"]:
            raise ValueError(
                "collect() is for libraries that somebody vouches for: what it does is not timed"
            )
        self.collect: Callable[..., Any] | None = getattr(module, "collect", None)  # from a device
        self.handles: dict[int, Any] = {}
        self.result: tuple[Any, ...] = ()

    def call(self, first: int, batch: int, phase: int, seed: int) -> None:
        """Run a batch over the rotating inputs; results of all but the last call are dropped.

        With a seed, what a call returns decides which window of the array is the vector of the next one; the
        candidate cannot see the seed, and a plainer hash than that of ``worker.c`` is enough.
        """
        state = seed * FACTOR % 2**64
        for i in range(first, first + batch):
            k = i % len(self.inputs)
            if self.bound:
                self.start = self.bound[k]
            elif self.stream:
                self.start = seed and (state >> 32) % (len(self.pool) - self.length) // STEP * STEP
                self.inputs[k][self.stream] = self.pool[self.start : self.start + self.length]
            handle = self.handles.get(k % self.setups)
            if self.setup and (phase != RUN or handle is None):
                handle = self.handles[k % self.setups] = self.setup(self.inputs[k], self.params)
            if phase != SETUP:
                self.result = self.run(handle, self.inputs[k], self.params)
            if seed and not self.bound:
                state = (state ^ words_of(self.result)) * FACTOR % 2**64

    def fetch(self, slot: int) -> list[int]:
        """Copy the last result into output slot ``slot``; the entries of each array.

        Plain arrays of numbers only: another type might compute its values when they are read.
        """
        result = self.collect(self.result) if self.collect else self.result
        if type(result) not in (tuple, list):
            raise TypeError(f"run() returned {type(result).__name__}, not a plain tuple or list of arrays")
        if len(result) != len(self.buffers[slot]):
            raise TypeError(f"run() returned {len(result)} arrays, not {len(self.buffers[slot])}")
        for target, source in zip(self.buffers[slot], result, strict=True):
            if type(source) is type(target) and source.ndim != 1:
                raise TypeError(
                    f"run() returned an array of {source.ndim} dimensions: outputs are flat, as by ravel()"
                )
            if type(source) is not type(target) or source.dtype.kind not in "iuf":
                raise TypeError(f"run() returned {type(source).__name__}, not a plain array of numbers")
            target[: min(len(target), len(source))] = source[: len(target)]
        return [len(source) for source in result]


def words_of(result: Any) -> int:
    """The sum of the words of its first array; 0 of what is none, which is told when it is fetched."""
    import numpy as np

    plain = type(result) in (tuple, list) and result and type(result[0]) is np.ndarray
    if not plain or result[0].dtype != np.float64 or not result[0].flags.c_contiguous:
        return 0
    return int(np.add.reduce(result[0].view(np.uint64), axis=None))


def numba_keeps_nothing(path: str) -> None:
    """Where `cache=True` has nowhere to write to, functions are compiled anew."""
    with open(path, "rb") as source:
        if b"numba" not in source.read():
            return
    from numba.core.dispatcher import Dispatcher

    setattr(Dispatcher, "enable_caching", lambda self: None)  # noqa: B010
