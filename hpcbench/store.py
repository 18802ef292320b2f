"""The append-only journal: one file per writer, a CRC per line, merged by reading.

A line is ``CRC32 SP {"v":1,"seq":n,"t":iso,"run":id,"kind":…,"key":id,"body":{}}``. A record is
acknowledged when :meth:`Journal.append` with ``sync`` has returned; until then a power failure may take
it, a killed process does not. A torn last line is dropped by readers, any other damage is refused.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import json
import os
import secrets
import time
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from hpcbench.codec import encode
from hpcbench.spec import SCHEMA, HpcbenchError

Kind = Literal["candidate", "sample", "result", "ask", "tell", "event"]
Record = tuple[Kind, str, Any]
SUFFIX = ".jsonl"
BLOCK = 4096  # records parsed together; what they held beside their bodies is free again after each


class StoreError(HpcbenchError):
    """A journal that cannot be written or read."""


class Journal:
    """Writer of one journal file, locked against every other process.

    Raises
    ------
    StoreError
        When the folder cannot be written, or another process writes the same file.
    """

    def __init__(self, path: Path, run: str) -> None:
        self.path, self.run, self._seq = path, run, 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
        except OSError as error:
            raise StoreError(
                f"{path.parent}: {error.strerror}; results go there: choose another folder with --runs DIR"
            ) from None
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._fd)
            raise StoreError(
                f"{path}: another process writes this journal; every run has its own file"
            ) from None
        kept = list(_lines(path))
        self._seq = len(kept)
        self._end = sum(len(line) + 1 for line in kept)
        os.ftruncate(self._fd, self._end)

    @classmethod
    def create(cls, runs: Path) -> Journal:
        """A new journal in folder ``runs``, named by time and chance."""
        run = time.strftime("%Y%m%dT%H%M%S-") + secrets.token_hex(3)
        return cls(runs / f"{run}{SUFFIX}", run)

    def append(self, records: Iterable[Record], sync: bool = True) -> None:
        """Write ``records`` in order; on return with ``sync`` they are on the disk.

        Raises
        ------
        StoreError
            When the disk is full; the file then ends with the last whole record before this call.
        """
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        chunk = b"".join(self._line(stamp, *record) for record in records)
        try:
            done = 0
            while done < len(chunk):
                done += os.pwrite(self._fd, chunk[done:], self._end + done)
            if sync:
                os.fsync(self._fd)
        except OSError as error:
            with contextlib.suppress(OSError):  # a torn tail that stays is dropped by readers
                os.ftruncate(self._fd, self._end)
            what = "no space left" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror
            raise StoreError(
                f"{self.path}: {what}; what was acknowledged before is kept: free some space, or use --runs DIR"
            ) from None
        self._end += len(chunk)

    def _line(self, stamp: str, kind: Kind, key: str, body: Any) -> bytes:
        row = {"v": SCHEMA, "seq": self._seq, "t": stamp, "run": self.run, "kind": kind, "key": key}
        self._seq += 1
        text = json.dumps({**row, "body": encode(body)}, separators=(",", ":")).encode()
        return b"%08x " % zlib.crc32(text) + text + b"\n"

    def close(self) -> None:
        """Release the file."""
        os.close(self._fd)


def _lines(path: Path) -> Iterator[bytes]:
    """Lines of a journal whose CRC holds; a torn tail ends them, damage before the end is refused."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; is it a journal of an earlier run?") from None
    rows = data.split(b"\n")
    last = len(rows) - 1  # what stands behind the last newline, whole or torn, was never acknowledged
    for number, row in enumerate(rows[:last]):
        if len(row) < 10 or row[8:9] != b" " or not _intact(row):
            if number == last - 1:
                return
            raise StoreError(
                f"{path}: line {number + 1} is damaged (its checksum does not fit); move the file away, "
                "or cut it before that line to keep what stands above"
            )
        yield row


def _intact(row: bytes) -> bool:
    try:
        return int(row[:8], 16) == zlib.crc32(row[9:])
    except ValueError:
        return False


def records(path: Path) -> Iterator[dict[str, Any]]:
    """All records of one journal, in the order they were written, some thousands parsed at a time.

    Raises
    ------
    StoreError
        When the file is missing, damaged before its end, or written by a newer schema.
    """
    import orjson

    for block in _blocks(_lines(path)):
        rows: list[dict[str, Any]] = orjson.loads(b"[" + b",".join([line[9:] for line in block]) + b"]")
        newest = max(row["v"] for row in rows)
        if newest > SCHEMA:
            raise StoreError(
                f"{path}: written with schema {newest}, this hpcbench knows {SCHEMA}: upgrade it"
            )
        yield from rows


def _blocks(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    while block := list(itertools.islice(lines, BLOCK)):
        yield block


def read(path: Path) -> list[dict[str, Any]]:
    """All of :func:`records` at once."""
    return list(records(path))


def journals(runs: Path) -> list[Path]:
    """The journals in a folder, oldest first, or the one file that was named.

    Raises
    ------
    StoreError
        When there is none.
    """
    found = [runs] if runs.is_file() else sorted(runs.glob(f"*{SUFFIX}"))
    if not found:
        raise StoreError(f"{runs}: no journal here; hpcbench run writes one, --runs DIR names its folder")
    return found


def by_kind(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[tuple[str, Any]]]:
    """(key, body) of all records, in order, by kind; events by the kind of event, which is their key."""
    found: dict[str, list[tuple[str, Any]]] = defaultdict(list)
    for row in rows:
        kind = row["kind"]
        found[row["key"] if kind == "event" else kind].append((row["key"], row["body"]))
    return found
