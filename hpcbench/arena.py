"""Memory that the parent owns and workers map: sealed inputs, and output arenas with guard pages.

All arms of a race map the same pages, so that no arm is favoured by where its copies happened to lie,
and no input is copied per process. Outputs are read by the parent where the candidate wrote them.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from hpcbench.spec import Pages
from hpcbench.stream import SLACK

PAGE = 4096
POISON = 0xFF  # as float64 a NaN, as an integer -1
LARGE = 128 * 1024  # malloc's threshold: larger blocks come fresh from the system in the cold policy
COLD_SLOTS = 16
SEALS = fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
SEAL_FUTURE_WRITE = 0x10  # Linux 5.1; fcntl has no name for it yet

Field = list[Any]

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]


def _pages(size: int) -> int:
    return -(-size // PAGE) * PAGE


def _scalar(name: str, value: float) -> Field:
    return [name, "float" if isinstance(value, float) else "int", value]


class SealedInputs:
    """The input sets of one rank in a memfd that nobody can write any more, or only the parent.

    ``layout`` holds one list of fields per input set, each ``[name, kind, value, dtype, length]``
    with the offset as the value of an array.

    Parameters
    ----------
    sets : the fields of every input set.
    changing : whether the parent keeps a mapping through which :meth:`write` gives a set new contents.
    constant : names of fields that are the same in all sets and are never written again.
    stream : name of the field that is a window of an array which all sets share (:mod:`hpcbench.stream`).

    Attributes
    ----------
    handles : how many setups the sets need: one where they share what is constant, else one each.
    """

    def __init__(
        self, sets: Sequence[Mapping[str, Any]], changing: bool = False, constant: Collection[str] = (),
        stream: str = "",
    ) -> None:  # fmt: skip
        self.handles = 1 if constant else len(sets)
        self._constant = {*constant, stream}
        self.stream = [*sets[0]].index(stream) if stream else -1
        self.fd = os.memfd_create("hpcbench-inputs", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self.layout: list[list[Field]] = []
        self.size = 0
        placed: dict[int, tuple[int, np.ndarray]] = {}
        for index, fields in enumerate(sets):
            rows: list[Field] = []
            if changing:  # no two sets share an array, then
                placed = {}
            for place, (name, value) in enumerate(fields.items()):
                if not isinstance(value, np.ndarray):
                    rows.append(_scalar(name, value))
                    continue
                if name in self._constant and index:
                    rows.append(self.layout[0][place])
                    continue
                if id(value) not in placed:
                    placed[id(value)] = (self.size, value)
                    _write(self.fd, np.ascontiguousarray(value), self.size)
                    self.size += _pages(value.nbytes + 64 + value.itemsize * SLACK * (name == stream))
                rows.append([name, "array", placed[id(value)][0], str(value.dtype), len(value)])
            self.layout.append(rows)
        os.ftruncate(self.fd, max(self.size, PAGE))
        self._map = mmap.mmap(self.fd, max(self.size, PAGE)) if changing else b""
        fcntl.fcntl(
            self.fd, fcntl.F_ADD_SEALS, SEALS | (SEAL_FUTURE_WRITE if changing else fcntl.F_SEAL_WRITE)
        )

    def write(self, index: int, fields: Mapping[str, Any]) -> None:
        """Give set ``index`` the arrays of ``fields``, which have the lengths of those that it was made with."""
        for name, _, offset, dtype, length in (f for f in self.layout[index] if f[1] == "array"):
            if length and name not in self._constant:
                np.frombuffer(self._map, dtype, length, offset)[:] = fields[name]

    @property
    def window(self) -> int:
        """Entries of the streamed field, as a call sees it."""
        return int(self.layout[0][self.stream][-1])

    def pour(self, values: np.ndarray) -> None:
        """Fill the array whose windows the sets' vectors are."""
        _, _, offset, dtype, length = self.layout[0][self.stream]
        np.frombuffer(self._map, dtype, length + SLACK, offset)[:] = values

    def close(self) -> None:
        """Give the memory back."""
        os.close(self.fd)


def _write(fd: int, values: np.ndarray, offset: int) -> None:
    view = memoryview(values.view(np.uint8).data)
    done = 0
    while done < len(view):
        done += os.pwrite(fd, view[done : done + 2**30], offset + done)


class Arena:
    """Output slots of one rank in a shared memfd; pages appear when they are touched.

    Parameters
    ----------
    sets : for each input set the output fields: ``(dtype, length)`` of a buffer or a number.
    fills : for each input set the entries of each buffer that a right answer fills.
    pages : ``prefaulted``: one slot per input set, its pages kept; ``cold``: more slots, and the
        pages of every buffer that malloc would take from the system are taken away before every sample.
    """

    def __init__(
        self, sets: Sequence[Mapping[str, Any]], fills: Sequence[tuple[int, ...]], pages: Pages
    ) -> None:
        self.fills = fills
        # Buffer by buffer, as malloc decides: a peer's small arrays come from its heap, whose pages it keeps.
        self._fresh = [
            [pages == "cold" and n * np.dtype(f[0]).itemsize > LARGE
             for f, n in zip(_buffers(fields), fill, strict=True)]
            for fields, fill in zip(sets, fills, strict=True)
        ]  # fmt: skip
        self.cold = any(map(any, self._fresh))
        self.sets = len(sets)
        count = max(1, COLD_SLOTS // self.sets) * self.sets if self.cold else self.sets
        self.layout: list[list[Field]] = []
        self.guards: list[int] = []
        self.size = 0
        for slot in range(count):
            rows: list[Field] = []
            for name, field in sets[slot % self.sets].items():
                if not isinstance(field, tuple):
                    rows.append(_scalar(name, field))
                    continue
                dtype, length = field
                rows.append([name, "array", self.size, dtype, length])
                self.size += _pages(max(1, length * np.dtype(dtype).itemsize))
                self.guards.append(self.size)
                self.size += PAGE
            self.layout.append(rows)
        self.fd = os.memfd_create("hpcbench-outputs", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.fd, self.size)
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, SEALS)  # who cut it short would take the parent along
        self.map = mmap.mmap(self.fd, self.size)

    def view(self, slot: int) -> dict[str, np.ndarray]:
        """The buffers of ``slot`` at full capacity; reading pages nobody touched gives zeros."""
        return {
            name: np.frombuffer(self.map, dtype, length, offset)
            for name, kind, offset, dtype, length in (r for r in self.layout[slot] if r[1] == "array")
        }

    def first(self, slot: int) -> np.ndarray:
        """What a right answer fills of the first buffer of ``slot``."""
        return next(iter(self.view(slot).values()))[: self.fills[slot % self.sets][0]]

    def poison(self) -> None:
        """Make every slot hold no answer: fresh pages are taken away, others filled with 0xFF."""
        for slot, rows in enumerate(self.layout):
            arrays = [row for row in rows if row[1] == "array"]
            which = slot % self.sets
            for (*_, offset, dtype, length), fill, fresh in zip(
                arrays, self.fills[which], self._fresh[which], strict=True
            ):
                if fresh:
                    self._punch(offset, length * np.dtype(dtype).itemsize)
                else:
                    np.frombuffer(self.map, dtype, fill, offset).view(np.uint8)[:] = POISON

    def _punch(self, offset: int, size: int) -> None:
        keep_size, punch_hole = 1, 2  # linux/falloc.h
        if _libc.fallocate(self.fd, keep_size | punch_hole, offset, _pages(size)):
            raise OSError(ctypes.get_errno(), "fallocate")

    def close(self) -> None:
        """Give the memory back once no view of it is left."""
        os.close(self.fd)


def _buffers(fields: Mapping[str, Any]) -> list[tuple[str, int]]:
    return [f for f in fields.values() if isinstance(f, tuple)]
