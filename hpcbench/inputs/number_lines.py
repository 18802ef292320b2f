"""Text files with one entry per line: the first line that breaks the rule, and its number.

The fast parsers (``mmread``, ``loadtxt``) either stop early inside a token ("1.5abc" is 1.5 to them) or
name no line, so a regular expression passes over the bytes first (about 130 MB/s).
"""

from __future__ import annotations

import math
import re

from hpcbench.inputs.errors import quote

INDEX = rb"[0-9]{1,10}+"
INTEGER = rb"[+-]?[0-9]++"
REAL = rb"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eEdD][+-]?[0-9]++)?"


def first_bad_line(text: bytes, start: int, entry: bytes) -> tuple[int, bytes] | None:
    """Find the first line at or after `start` that is neither blank nor matches `entry` in full.

    Parameters
    ----------
    text : bytes
        The whole file.
    start : int
        Offset of the first character of a line.
    entry : bytes
        Regular expression of one entry, without surrounding blanks.

    Returns
    -------
    (number, line) or None
        The line's number in the file, from 1, and its text.
    """
    line = rb"[ \t]*+(?:" + entry + rb"[ \t]*+)?\r?(?:\n|\Z)"
    if start >= len(text):
        return None
    bad = None if re.compile(line).match(text, start) else start
    if bad is None:
        found = re.compile(rb"\n(?!" + line + rb")").search(text, start)
        bad = found.start() + 1 if found else None
    if bad is None:
        return None
    end = text.find(b"\n", bad)
    return text.count(b"\n", 0, bad) + 1, text[bad : end if end >= 0 else len(text)].strip()


def numbered_lines(text: bytes, start: int) -> list[tuple[int, list[bytes]]]:
    """List (line number from 1, fields) of the non-blank lines at or after `start`.

    Slow, for messages only.
    """
    first = text.count(b"\n", 0, start) + 1
    lines = enumerate(text[start:].split(b"\n"), first)
    return [(number, line.replace(b",", b" ").split()) for number, line in lines if line.strip()]


def count_fields(number: int) -> str:
    """Say "1 field" or "2 fields"."""
    return f"{number} field" + "s" * (number != 1)


def index_fault(token: bytes, word: str) -> str | None:
    """Say why `token` is not an index, None when it is one; `word` says what it indexes."""
    if re.fullmatch(INDEX, token):
        return None
    if re.fullmatch(rb"-[0-9]+", token):
        return f"{word} {quote(token)} is negative; indices count from 0 or 1"
    if re.fullmatch(rb"[0-9]+", token):
        return f"{word} {quote(token)} is beyond int32 column indices (at most 2147483647); renumber"
    return f"{word} {quote(token)} is not a whole number; one entry per line: row col value"


def value_fault(token: bytes, pattern: bytes = REAL) -> str | None:
    """Say why `token` is not a finite value that matches `pattern`, None when it is one."""
    try:
        value = float(token.replace(b"D", b"e").replace(b"d", b"e"))
    except ValueError:
        value = None
    if value is not None and not math.isfinite(value):
        return f"value {quote(token)} is not a finite float64; replace or drop the entry"
    if re.fullmatch(pattern, token):
        return None
    if re.fullmatch(REAL, token):
        return f"value {quote(token)} is not an integer; declare `real` in line 1"
    return f"value {quote(token)} is not a number; write it like -1.5e-3"
