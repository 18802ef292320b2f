"""The build cache: objects and Python candidates under names by content, for every process of this user.

It is kept to 4 GiB, and what was built or used in the last ten minutes: what was not used for longest goes first.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hpcbench.codec import digest
from hpcbench.spec import HpcbenchError

SCRATCH = "hb-"  # how the folders begin in which compilers work
MOST_BYTES = 4 * 2**30
IN_USE_S = 600  # no compiler works for so long, and no race


def folder() -> Path:
    """``$XDG_CACHE_HOME/hpcbench/objects`` or ``~/.cache/hpcbench/objects``."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "hpcbench" / "objects"


def find(name: str) -> Path | None:
    """The file of that name, noted as used; nothing where it is not there yet."""
    target = folder() / name
    try:
        os.utime(target)
    except PermissionError:  # another user's cache, which we may read
        return target
    except OSError:
        return None
    return target


def place(source: bytes, salt: str = "") -> Path:
    """Put a Python candidate into the cache, under a name by content, so that its JIT's cache finds it."""
    name = f"{digest([source, salt])}.py"
    if found := find(name):
        return found
    with scratch() as work:
        text = work / "candidate.py"
        text.write_bytes(source)
        return keep(text, name)


def keep(made: Path, name: str) -> Path:
    """Move what was made in a scratch folder to its name, at once for all who look for it."""
    target = folder() / name
    os.replace(made, target)
    return target


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder to build in, on the file system of the cache.

    Raises
    ------
    HpcbenchError
        When there is no space, or nobody may write there.
    """
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder(), prefix=SCRATCH) as work:
            yield Path(work)
    except OSError as error:
        raise HpcbenchError(
            f"{folder()}: {error.strerror}; the build cache needs space and write access: set XDG_CACHE_HOME"
        ) from error


def tidy() -> None:
    """Remove the work of compilers that were killed, and what is too much."""
    now, kept, total = time.time(), [], 0
    entries = os.scandir(folder()) if folder().is_dir() else ()
    for entry in entries:
        with suppress(OSError):  # somebody else tidies
            facts = entry.stat(follow_symlinks=False)
            if entry.name.startswith(SCRATCH) and now - facts.st_mtime > IN_USE_S:
                shutil.rmtree(entry.path)
            elif entry.is_file():
                kept.append((facts.st_mtime, facts.st_size, entry.path))
                total += facts.st_size
    if total <= MOST_BYTES:
        return
    for used, size, path in sorted(kept):
        if total <= MOST_BYTES or now - used <= IN_USE_S:
            return
        with suppress(OSError):
            os.unlink(path)
            total -= size
