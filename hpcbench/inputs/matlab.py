"""MATLAB files up to version 7, plain or in the layout of the SuiteSparse Matrix Collection."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from scipy.io import loadmat
from scipy.sparse import coo_array, csr_array, issparse

from hpcbench.inputs.canonical import canonical
from hpcbench.inputs.errors import InputError, quote

HDF5 = b"\x89HDF\r\n\x1a\n"


def parse(name: str, raw: bytes) -> csr_array:
    """Parse the content of a ``.mat`` file.

    Parameters
    ----------
    name : str
        The file, for messages.
    raw : bytes
        Its content. The matrix is ``Problem.A`` if there is one (SuiteSparse); else the only sparse
        variable, or, without any, the only real two-dimensional one; among several, the one called ``A``.

    Returns
    -------
    csr_array
        Canonical; logical matrices get the value 1, zeros of dense ones are dropped.

    Raises
    ------
    InputError
        Version 7.3 (HDF5), a damaged file, no or several matrices, complex values, NaN or Inf.
    """
    if raw.startswith(b"MATLAB 7.3") or HDF5 in (raw[:8], raw[512:520]):
        raise InputError(
            f"{name}: MATLAB 7.3 (HDF5) is not read; in MATLAB: load it, then save('FILE', 'A', '-v7')"
        )
    try:
        content = loadmat(io.BytesIO(raw))
    except Exception as cause:  # loadmat lets any error of its decoders through
        raise InputError(
            f"{name}: not a complete MATLAB file of version 4 to 7 ({quote(str(cause))}); save it again"
        ) from cause
    matrix = _pick(name, content)
    # A dense NaN is not zero: it stays, and canonical refuses it.
    return canonical(name, matrix if issparse(matrix) else coo_array(matrix))


def _pick(name: str, content: dict[str, Any]) -> Any:
    variables = {key: value for key, value in content.items() if not key.startswith("__")}
    problem = getattr(variables.get("Problem"), "dtype", np.dtype(float))
    if problem.names and "A" in problem.names and variables["Problem"].size == 1:
        variables = {"A": variables["Problem"]["A"].flat[0]}
    matrices = {key: value for key, value in variables.items() if issparse(value)}
    if not matrices:
        matrices = {key: value for key, value in variables.items() if _is_dense(value)}
    if len(matrices) == 1:
        return next(iter(matrices.values()))
    if "A" in matrices:
        return matrices["A"]
    found = ", ".join(sorted(matrices)) or "none"
    raise InputError(f"{name}: expected one matrix, found {found}; save the one you mean under the name A")


def _is_dense(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind in "biufc"
