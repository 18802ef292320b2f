"""Edge lists: one `u v` or `u v weight` per line, as SNAP, KONECT and Network Repository publish graphs."""

from __future__ import annotations

import io
import re

import numpy as np
from scipy.sparse import csr_array

from hpcbench.inputs import number_lines
from hpcbench.inputs.canonical import INT32_MAX, from_entries
from hpcbench.inputs.errors import InputError, quote
from hpcbench.inputs.number_lines import INDEX, REAL

SEPARATOR = rb"(?:[ \t]*+,[ \t]*+|[ \t]++)"
COMMENT = re.compile(rb"^[ \t]*+[#%][^\n]*+", re.MULTILINE)


def parse(name: str, text: bytes) -> csr_array:
    """Parse an edge list into the adjacency matrix of its directed graph.

    Parameters
    ----------
    name : str
        The file, for messages.
    text : bytes
        Its content. Fields are separated by blanks, tabs or one comma; lines that start with ``#`` or
        ``%`` are comments. All lines have two fields, or all have three: the third is the value,
        which is 1 where it is absent.

    Returns
    -------
    csr_array
        Square, canonical: A[u, v] is the sum of the values of the lines `u v`. No edge is mirrored.
        Where the id 0 occurs, ids count from 0; else they count from 1 and are lowered by one. The
        largest id gives the size, so ids that no line names become empty rows.

    Raises
    ------
    InputError
        One line with the file, the line number, the cause and the way out.
    """
    text = COMMENT.sub(b"", text)
    first = re.search(rb"[^ \t\r\n][^\n]*", text)
    if first is None:
        raise InputError(f"{name}: holds no edge, only blanks and comments; expected lines: u v [weight]")
    columns = len(re.split(SEPARATOR, first.group().strip()))
    entry = INDEX + SEPARATOR + INDEX + (SEPARATOR + REAL if columns == 3 else b"")
    bad = number_lines.first_bad_line(text, 0, entry)
    if bad:
        raise InputError(f"{name}: line {bad[0]}{_line_fault(bad[1], columns)}")
    fields = [("u", np.int64), ("v", np.int64), ("weight", np.float64)][:columns]
    plain = text.translate(bytes.maketrans(b",Dd", b" ee"))
    edges = np.loadtxt(io.BytesIO(plain), dtype=fields, comments=None, ndmin=1)
    weight = edges["weight"] if columns == 3 else np.ones(edges.size)
    base = 0 if min(edges["u"].min(), edges["v"].min()) == 0 else 1
    size = int(max(edges["u"].max(), edges["v"].max())) + 1 - base
    if size > INT32_MAX or not np.isfinite(weight).all():
        raise InputError(f"{name}: {_entry_fault(text, columns)}")
    # One stray id would make a matrix that fills the memory with empty rows.
    if size > 1_000_000 + 1000 * edges.size:
        raise InputError(
            f"{name}: the largest id is {size - 1 + base}, but there are only {edges.size} edges;"
            " renumber the ids, or write Matrix Market, which declares its size"
        )
    return from_entries(name, edges["u"] - base, edges["v"] - base, weight, (size, size))


def _line_fault(line: bytes, columns: int) -> str:
    fields = re.split(SEPARATOR, line)
    if columns not in (2, 3):
        count = number_lines.count_fields(columns)
        hint = "cut the others off" if columns > 3 else "separate them by blanks, tabs or commas"
        return f" has {count}, expected 2 or 3 (u v [weight]); {hint}"
    if len(fields) != columns:
        count = number_lines.count_fields(len(fields))
        return f" has {count}, expected {columns} as in the first edge; mend or remove the line"
    if re.match(rb"[A-Za-z_\"]", fields[0]):
        return f" starts with {quote(fields[0])}, not a whole number; is it a heading? put # before it"
    faults = [number_lines.index_fault(token, "id") for token in fields[:2]]
    faults += [number_lines.value_fault(token) for token in fields[2:]]
    return ": " + next((fault for fault in faults if fault), f"{quote(line)} cannot be read as u v [weight]")


def _entry_fault(text: bytes, columns: int) -> str:
    for number, fields in number_lines.numbered_lines(text, 0):
        for token in fields[:2]:
            if int(token) >= INT32_MAX:
                return (
                    f"line {number}: id {int(token)} is beyond int32 column indices; renumber the ids from 0"
                )
        if columns == 3 and (fault := number_lines.value_fault(fields[2])):
            return f"line {number}: {fault}"
    return "NaN or Inf among the weights; drop them"
