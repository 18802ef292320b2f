"""Matrix Market files, coordinate and array.

Boisvert, Pozo, Remington: The Matrix Market Exchange Formats, NISTIR 5935, 1996. ``scipy.io.mmread``
does the parsing; around it stand the checks that it leaves out (NaN, garbage after a number, integer
1.5 read as 1, both triangles of a symmetric matrix) and messages with line numbers.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.io import mmread
from scipy.sparse import csr_array

from hpcbench.inputs import number_lines
from hpcbench.inputs.canonical import INT32_MAX, from_entries
from hpcbench.inputs.errors import InputError, quote
from hpcbench.inputs.number_lines import INDEX, INTEGER, REAL

BANNER = "%%MatrixMarket matrix coordinate real general"
SYMMETRIES = ("general", "symmetric", "skew-symmetric")
VALUE = {"real": REAL, "double": REAL, "integer": INTEGER, "unsigned-integer": INTEGER, "pattern": b""}


@dataclass(frozen=True)
class _Header:
    layout: str  # coordinate or array
    field: str
    symmetry: str
    shape: tuple[int, int]
    entries: int  # lines that must follow
    line: int  # of the size line
    body: int  # offset of the first entry


def parse(name: str, text: bytes) -> csr_array:
    """Parse the text of a Matrix Market file.

    Parameters
    ----------
    name : str
        The file, for messages.
    text : bytes
        Its content. Fields real, integer and pattern (all values 1); symmetry general, symmetric and
        skew-symmetric. Integers beyond 2^53 are rounded to float64.

    Returns
    -------
    csr_array
        Canonical. Symmetric files are unfolded to both triangles; zeros of the array layout are
        dropped, explicit zeros of the coordinate layout stay.

    Raises
    ------
    InputError
        One line with the file, the line number, the cause and the way out.
    """
    head = _header(name, text)
    bad = number_lines.first_bad_line(text, head.body, _entry_pattern(head))
    if bad:
        raise InputError(f"{name}: line {bad[0]}" + _line_fault(bad[1], head))
    row, col, data = _dense(name, text, head) if head.layout == "array" else _coordinate(name, text, head)
    if head.symmetry != "general":
        row, col, data = _unfold(name, row, col, data, head)
    return from_entries(name, row, col, data, head.shape)


def _header(name: str, text: bytes) -> _Header:
    layout, field, symmetry = _banner(name, text.split(b"\n", 1)[0])
    start, number = text.find(b"\n") + 1 or len(text), 2
    while start < len(text):
        end = text.find(b"\n", start) + 1 or len(text)
        line = text[start:end].strip()
        if line and not line.startswith(b"%"):
            break
        start, number = end, number + 1
    else:
        raise InputError(f"{name}: ends before its size line; the file is truncated, fetch it again")
    names = "rows cols entries" if layout == "coordinate" else "rows cols"
    sizes = line.split()
    if len(sizes) != len(names.split()) or not all(re.fullmatch(rb"[0-9]+", size) for size in sizes):
        raise InputError(f"{name}: line {number} is {quote(line)}, expected the size line: {names}")
    rows, cols = int(sizes[0]), int(sizes[1])
    if max(int(size) for size in sizes) > INT32_MAX:
        raise InputError(
            f"{name}: line {number} declares {quote(line)}, beyond int32 column indices"
            f" (at most {INT32_MAX}); take a submatrix"
        )
    if symmetry != "general" and rows != cols:
        raise InputError(
            f"{name}: line {number} declares {rows} x {cols}, but line 1 says `{symmetry}`;"
            " declare `general` in line 1"
        )
    entries = int(sizes[2]) if layout == "coordinate" else _dense_count(rows, cols, symmetry)
    return _Header(layout, field, symmetry, (rows, cols), entries, number, end)


def _banner(name: str, line: bytes) -> tuple[str, str, str]:
    words = line.decode("latin-1").lower().split()
    if len(words) != 5 or words[0] != "%%matrixmarket" or words[1] != "matrix":
        raise InputError(f"{name}: line 1 is {quote(line.strip())}, expected a banner such as `{BANNER}`")
    layout, field, symmetry = words[2:]
    if field == "complex" or symmetry == "hermitian":
        raise InputError(
            f"{name}: line 1 declares a {field} {symmetry} matrix, but the kernels are real;"
            " store its real part or abs(A)"
        )
    for word, known in ((layout, ("coordinate", "array")), (field, tuple(VALUE)), (symmetry, SYMMETRIES)):
        if word not in known:
            raise InputError(f"{name}: line 1 says {quote(word)}, expected one of {', '.join(known)}")
    if field == "pattern" and (layout == "array" or symmetry == "skew-symmetric"):
        raise InputError(
            f"{name}: line 1 says `pattern` with `{layout} {symmetry}`, which has no meaning; declare `real`"
        )
    return layout, field, symmetry


def _entry_pattern(head: _Header) -> bytes:
    value = VALUE[head.field]
    if head.layout == "array":
        return value
    return rb"[ \t]++".join([INDEX, INDEX, value] if value else [INDEX, INDEX])


def _line_fault(line: bytes, head: _Header) -> str:
    names = "value" if head.layout == "array" else "row col" + (" value" if VALUE[head.field] else "")
    fields, expected = line.split(), len(names.split())
    if line.startswith(b"%"):
        return f" is a comment among the entries; move it above line {head.line}"
    if len(fields) != expected:
        hint = {
            (3, 2): "is it a pattern matrix? declare `pattern` in line 1",
            (2, 3): "has it values? declare `real` in line 1",
            (3, 4): "is it complex? store its real part",
        }.get((expected, len(fields)), "mend or remove the line")
        return f" has {number_lines.count_fields(len(fields))}, expected {expected} ({names}); {hint}"
    faults = [
        number_lines.index_fault(f, w) for f, w in zip(fields, names.split(), strict=True) if w != "value"
    ]
    if "value" in names:
        faults.append(number_lines.value_fault(fields[-1], VALUE[head.field]))
    return ": " + next((fault for fault in faults if fault), f"{quote(line)} cannot be read as {names}")


def _coordinate(name: str, text: bytes, head: _Header) -> tuple[Any, Any, Any]:
    body = text[head.body :]
    field = "real" if VALUE[head.field] else "pattern"
    if field == "real":  # mmread wants 1e5: no leading plus, and 1D5 would be read as 1
        body = re.sub(rb"([ \t])\+", rb"\1", body) if b"+" in body else body
        body = body.translate(bytes.maketrans(b"Dd", b"ee"))
    banner = (
        f"%%MatrixMarket matrix coordinate {field} general\n{head.shape[0]} {head.shape[1]} {head.entries}\n"
    )
    try:
        raw = mmread(io.BytesIO(banner.encode() + body))
    except (ValueError, OverflowError) as cause:
        raise InputError(_entry_fault(name, text, head) or f"{name}: {quote(str(cause), 200)}") from cause
    if raw.nnz != head.entries or not np.isfinite(raw.data).all():
        raise InputError(_entry_fault(name, text, head) or f"{name}: NaN or Inf among the values; drop them")
    return raw.row, raw.col, raw.data


def _entry_fault(name: str, text: bytes, head: _Header) -> str | None:
    lines = number_lines.numbered_lines(text, head.body)
    for number, fields in lines:
        for token, word, size in zip(fields, ("row", "column"), head.shape, strict=False):
            if not 1 <= int(token) <= size:
                hint = "indices count from 1: add 1 to each" if int(token) == 0 else "correct one of them"
                bounds = f"1..{size} (line {head.line})"
                return f"{name}: line {number}: {word} {int(token)} is outside {bounds}; {hint}"
        if VALUE[head.field] and (fault := number_lines.value_fault(fields[2])):
            return f"{name}: line {number}: {fault}"
    return _count_fault(name, len(lines), head)


def _count_fault(name: str, found: int, head: _Header) -> str | None:
    if found < head.entries:
        return (
            f"{name}: ends after {found} of the {head.entries} entries that line {head.line} declares;"
            " the file is truncated: fetch it again"
        )
    if found > head.entries:
        return (
            f"{name}: holds {found} entries, but line {head.line} declares {head.entries};"
            f" correct line {head.line}"
        )
    return None


def _dense_count(rows: int, cols: int, symmetry: str) -> int:
    diagonals = {"symmetric": rows * (rows + 1) // 2, "skew-symmetric": rows * (rows - 1) // 2}
    return diagonals.get(symmetry, rows * cols)


def _dense(name: str, text: bytes, head: _Header) -> tuple[Any, Any, Any]:
    body = text[head.body :].translate(bytes.maketrans(b"Dd", b"ee"))
    tokens = body.split()
    if fault := _count_fault(name, len(tokens), head):
        raise InputError(fault)
    data = np.array([float(token) for token in tokens])
    if not np.isfinite(data).all():
        number, fields = number_lines.numbered_lines(text, head.body)[int(np.argmin(np.isfinite(data)))]
        raise InputError(f"{name}: line {number}: {number_lines.value_fault(fields[0])}")
    if head.symmetry == "general":
        col, row = np.divmod(np.arange(data.size), head.shape[0])
    else:  # the columns of the lower triangle one after the other: the rows of the upper one
        col, row = np.triu_indices(head.shape[0], k=int(head.symmetry == "skew-symmetric"))
    keep = data != 0
    return row[keep], col[keep], data[keep]


def _unfold(name: str, row: Any, col: Any, data: Any, head: _Header) -> tuple[Any, Any, Any]:
    """Add the other triangle. Files with only the upper one are common and unambiguous: taken as they are."""
    below, above = row > col, row < col
    size = np.int64(head.shape[0])
    twice = np.intersect1d(row[below] * size + col[below], col[above] * size + row[above])
    if twice.size:
        i, j = divmod(int(twice[0]), int(size))
        raise InputError(
            f"{name}: line 1 says `{head.symmetry}`, but both ({i + 1}, {j + 1}) and ({j + 1}, {i + 1})"
            " are stored; declare `general` in line 1, or keep one triangle"
        )
    off = below | above
    if head.symmetry == "skew-symmetric" and np.any(data[~off]):
        i = int(row[~off][np.argmax(data[~off] != 0)])
        raise InputError(
            f"{name}: line 1 says `skew-symmetric`, but ({i + 1}, {i + 1}) on the diagonal is not zero;"
            " remove it, or declare `general`"
        )
    sign = -1.0 if head.symmetry == "skew-symmetric" else 1.0
    return (
        np.concatenate([row, col[off]]),
        np.concatenate([col, row[off]]),
        np.concatenate([data, sign * data[off]]),
    )
