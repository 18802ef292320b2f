"""A native variant called in this process: for a user who trusts it, never for a candidate under judgement."""

from __future__ import annotations

import ctypes
import struct

from hpcbench import build
from hpcbench.spec import Candidate, HpcbenchError


class CallError(HpcbenchError):
    """A native variant returned an error; it is out of memory, or its input is larger than it can count."""

    exit_code = 1


def has_setup(candidate: Candidate) -> bool:
    """Whether a native candidate has a setup phase, by its text."""
    return f"{candidate.kernel}_setup(".encode() in candidate.source


class Native:
    """``run`` of one native candidate without a setup phase.

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
        chosen = [v for k, v in candidate.params.items() if not build.is_build_param(candidate, k)]
        words = b"".join(struct.pack("<d" if isinstance(v, float) else "<q", v) for v in chosen)
        self._params = ctypes.create_string_buffer(words or b"\0" * 8)
        self._openmp = code if "openmp" in candidate.model else None

    def __call__(self, inputs: int, outputs: int) -> None:
        """Run on the structs of ``abi.h`` at these addresses.

        Raises
        ------
        CallError
        """
        if self._openmp is None:
            status = self._run(None, inputs, self._params, outputs)
        else:
            before = self._openmp.omp_get_max_threads()
            self._openmp.omp_set_num_threads(self.threads)
            status = self._run(None, inputs, self._params, outputs)
            self._openmp.omp_set_num_threads(before)
        if status:
            raise CallError(f"{self.candidate.origin} returned status {status}: is there enough memory?")

    def __repr__(self) -> str:
        return f"{self.candidate.origin} {self.threads}t"
