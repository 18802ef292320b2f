"""Scratch folders that name their owner; what an owner that was killed left behind is found at the next start."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from hpcbench import cache
from hpcbench.spec import HpcbenchError

JOURNAL, SEGMENTS = "journal", "segments"


def make(journal: Path | None) -> Path:
    """A folder of this process, which says where its results go.

    Raises
    ------
    HpcbenchError
        When there is no space, or nobody may write there.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"hb-{os.getpid()}-"))
        (folder / JOURNAL).write_text(f"{journal.resolve()}" if journal else "-")
    except OSError as error:
        raise HpcbenchError(
            f"{tempfile.gettempdir()}: {error.strerror}; workers need space and write access: set TMPDIR"
        ) from error
    return folder


def note_segments(folder: Path, segments: set[str]) -> None:
    """Shared memory that an MPI made for the ranks of an arm, and leaves behind when they are killed."""
    (folder / SEGMENTS).write_text("\n".join(segments))


def sweep() -> list[str]:
    """Remove what processes left that are gone; one line about each run that did not end."""
    cache.tidy()
    found = []
    for folder in Path(tempfile.gettempdir()).glob("hb-*-*"):
        with suppress(OSError):  # somebody else sweeps, or its owner ends just now
            owner = re.match(r"hb-(\d+)-", folder.name)
            if owner and folder.stat().st_uid == os.getuid() and not Path(f"/proc/{owner[1]}").exists():
                found.append(f"an earlier run (process {owner[1]}) was killed: {_clear(folder)}")
    return found


def _clear(folder: Path) -> str:
    for listed in folder.glob(f"*/{SEGMENTS}"):
        for segment in filter(re.compile(r"/dev/shm/[^/]+").fullmatch, listed.read_text().splitlines()):
            Path(segment).unlink(missing_ok=True)
    noted = folder / JOURNAL
    journal = noted.read_text() if noted.exists() else ""
    shutil.rmtree(folder)
    told = f"; what it had measured is in {journal}" if journal.startswith("/") else ""
    return f"its scratch folder is removed{told}"
