"""Reading a user's matrix or graph from a file."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from os import PathLike
from pathlib import Path

from scipy.sparse import csr_array

from hpcbench.inputs import edge_list, matlab, matrix_market, suitesparse
from hpcbench.inputs.errors import InputError

__all__ = ["InputError", "read_matrix"]

PARSERS: dict[str, Callable[[str, bytes], csr_array]] = {
    ".mtx": matrix_market.parse,
    ".mat": matlab.parse,
    ".edges": edge_list.parse,
    ".el": edge_list.parse,
    ".txt": edge_list.parse,
    ".tsv": edge_list.parse,
    ".csv": edge_list.parse,
}


def read_matrix(path: str | PathLike[str]) -> csr_array:
    """Read a sparse matrix.

    Parameters
    ----------
    path : path
        A Matrix Market file (``.mtx``, or any name when the content starts with its banner), a MATLAB
        file up to version 7 (``.mat``) or an edge list (``.edges .el .txt .tsv .csv``), each plain or
        compressed with gzip, which the content tells, not the name. What each format accepts:
        :func:`hpcbench.inputs.matrix_market.parse`, :func:`hpcbench.inputs.matlab.parse`,
        :func:`hpcbench.inputs.edge_list.parse`. Or ``suitesparse:GROUP/NAME``, see
        :func:`hpcbench.inputs.suitesparse.local`.

    Returns
    -------
    csr_array
        float64, int32 indices, sorted within rows, duplicates summed, explicit zeros kept.

    Raises
    ------
    InputError
        The file cannot be used. One line: the file, the line where known, the cause and the way out.
    """
    if str(path).startswith(suitesparse.PREFIX):
        path = suitesparse.local(str(path))
    file = Path(path)
    name = str(path) if str(path).isprintable() else repr(str(path))
    raw = _content(name, file)
    if raw.startswith(b"%%MatrixMarket"):
        return matrix_market.parse(name, raw)
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    if suffix in (".tar", ".tgz"):
        raise InputError(f"{name}: an archive; unpack it (tar xf) and give the .mtx file inside")
    if suffix not in PARSERS:
        raise InputError(
            f"{name}: unknown suffix {suffix!r}, expected {' '.join(PARSERS)}, each also with .gz;"
            " rename or convert it"
        )
    return PARSERS[suffix](name, raw)


def _content(name: str, file: Path) -> bytes:
    if file.is_dir():
        raise InputError(f"{name}: is a directory; give a file inside it")
    try:
        raw = file.read_bytes()
    except FileNotFoundError as cause:
        raise InputError(
            f"{name}: no such file; check the path, relative ones start at {Path.cwd()}"
        ) from cause
    except OSError as cause:
        raise InputError(f"{name}: cannot be opened ({cause.strerror}); check its permissions") from cause
    if raw.startswith(b"\x1f\x8b"):
        try:
            raw = gzip.decompress(raw)
        except (EOFError, OSError, zlib.error) as cause:
            raise InputError(
                f"{name}: the gzip stream is truncated or damaged; fetch it again (gzip -t tests it)"
            ) from cause
    raw = raw.removeprefix(b"\xef\xbb\xbf")  # the byte order mark that spreadsheets write
    if not raw.strip():
        raise InputError(f"{name}: the file is empty; fetch or write it again")
    return raw
