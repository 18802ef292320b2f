"""A native variant called in this process: for a user who trusts it, never for a candidate under judgement."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from functools import partial

from hpcbench import build
from hpcbench.spec import Candidate, HpcbenchError, Value


class CallError(HpcbenchError):
    """A native variant returned an error; it is out of memory, or its input is larger than it can count."""

    exit_code = 1


def has_setup(candidate: Candidate) -> bool:
    """Whether a native candidate has a setup phase, by its text."""
    return f"{candidate.kernel}_setup(".encode() in candidate.source


class Native:
    """One native candidate: its setup, if it has one, and its run, at every call.

    Parameters
    ----------
    candidate : serial or OpenMP, from the registry.
    threads : of OpenMP, for every call; the process's own number is put back after it.

    Raises
    ------
    BuildError, NoCompiler
    """

    def __init__(self, candidate: Candidate, threads: int = 1) -> None:
        self.candidate, self.threads = candidate, threads
        code = ctypes.CDLL(str(build.build(candidate).path))
        self._run = getattr(code, f"{candidate.kernel}_run")
        self._run.argtypes = [ctypes.c_void_p] * 4
        self._setup = self._free = None
        if has_setup(candidate):
            self._setup, self._free = (getattr(code, f"{candidate.kernel}_{w}") for w in ("setup", "free"))
            self._setup.argtypes, self._setup.restype = [ctypes.c_void_p] * 2, ctypes.c_void_p
            self._free.argtypes, self._free.restype = [ctypes.c_void_p], None
        chosen = {k: v for k, v in candidate.params.items() if not build.is_build_param(candidate, k)}
        self._place = {
            name: (8 * place, "<d" if isinstance(value, float) else "<q")
            for place, (name, value) in enumerate(chosen.items())
        }
        self._params = ctypes.create_string_buffer(8 * max(1, len(chosen)))
        self.choose(**chosen)
        self._openmp = code if "openmp" in candidate.model else None

    def choose(self, **values: Value) -> None:
        """Set run-time parameters for the calls to come."""
        for name, value in values.items():
            place, kind = self._place[name]
            struct.pack_into(kind, self._params, place, value)

    def addresses(self, param: str) -> tuple[int, int, int, int, int]:
        """Of its setup, run and free, zero for those that it has not, of its parameters, and of one of them."""
        phases = (self._setup, self._run, self._free)
        setup, run, free = (ctypes.cast(f, ctypes.c_void_p).value or 0 if f else 0 for f in phases)
        params = ctypes.addressof(self._params)
        return setup, run, free, params, params + self._place[param][0]

    def __call__(self, inputs: int, outputs: int, phases: Callable[[], int] | None = None) -> int:
        """Run on the structs of ``abi.h`` at these addresses; what it returned, 0 for right.

        ``phases`` does so in this one's place, with as many threads.

        Raises
        ------
        CallError
            When it is out of memory, or its input is larger than it can count.
        """
        phases = phases or partial(self._phases, inputs, outputs)
        if self._openmp is None:
            status = phases()
        else:
            before = self._openmp.omp_get_max_threads()
            self._openmp.omp_set_num_threads(self.threads)
            try:
                status = phases()
            finally:
                self._openmp.omp_set_num_threads(before)
        if status in (1, 2):
            raise CallError(f"{self.candidate.origin} returned status {status}: is there enough memory?")
        return status

    def _phases(self, inputs: int, outputs: int) -> int:
        if self._setup is None or self._free is None:
            return int(self._run(None, inputs, self._params, outputs))
        handle = self._setup(inputs, self._params)
        if not handle:
            return 1
        status = int(self._run(handle, inputs, self._params, outputs))
        self._free(handle)
        return status

    def __repr__(self) -> str:
        return f"{self.candidate.origin} {self.threads}t"
