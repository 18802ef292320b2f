"""Matrices of the SuiteSparse Matrix Collection by name, from a cache or the collection's server.

Davis and Hu, ACM TOMS 38(1), 2011. The collection publishes no checksums, so the one of the first download is
kept beside the matrix, and every later use and every other download of it must agree.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import os
import re
import tarfile
import tempfile
import urllib.error
import urllib.request
import zlib
from pathlib import Path

from hpcbench.inputs.errors import InputError

PREFIX = "suitesparse:"
SERVER = "https://sparse.tamu.edu/MM"  # HPCBENCH_SUITESPARSE names a mirror of that folder
NAME = re.compile(r"suitesparse:/*([\w.+-]+)/([\w.+-]+)")
TIMEOUT_S = 60
BLOCK = 2**20


def local(name: str) -> Path:
    """The Matrix Market file of ``suitesparse:GROUP/NAME``, downloaded if it is not in the cache.

    Raises
    ------
    InputError
        When the name is none, the server cannot be reached or has no such matrix, or the checksum differs.
    """
    found = NAME.fullmatch(name)
    if not found or ".." in name:
        raise InputError(f"{name}: suitesparse:GROUP/NAME is expected, such as suitesparse:HB/bcsstk13")
    group, matrix = found.groups()
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    file = Path(root) / "hpcbench" / "matrices" / group / f"{matrix}.mtx"
    seal = file.with_suffix(".sha256")
    if not file.exists():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            _download(name, f"{_server()}/{group}/{matrix}.tar.gz", f"{matrix}/{matrix}.mtx", file, seal)
        except OSError as cause:
            raise InputError(f"{name}: {file.parent}: {cause.strerror}; set XDG_CACHE_HOME") from cause
    _agree(name, file, seal)
    return file


def _server() -> str:
    return os.environ.get("HPCBENCH_SUITESPARSE", SERVER).rstrip("/")


def _download(name: str, url: str, member: str, file: Path, seal: Path) -> None:
    with tempfile.TemporaryDirectory(dir=file.parent) as scratch:
        archive, made = Path(scratch) / "archive", Path(scratch) / "matrix"
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer, archive.open("wb") as out:
                promised = answer.headers.get("Content-Length")
                while block := answer.read(BLOCK):
                    out.write(block)
        except urllib.error.HTTPError as cause:
            hint = "look its group and name up at sparse.tamu.edu" if cause.code == 404 else "try again later"
            raise InputError(f"{name}: {url} answers {cause.code} {cause.reason}; {hint}") from cause
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as cause:
            reason = getattr(cause, "reason", cause)
            raise InputError(
                f"{name}: {url} cannot be reached ({reason}); fetch it where there is a network and give "
                "--input FILE, or name a mirror in HPCBENCH_SUITESPARSE"
            ) from cause
        if promised and archive.stat().st_size != int(promised):
            raise InputError(
                f"{name}: {url} ended after {archive.stat().st_size} of {promised} bytes; try again"
            )
        try:
            with tarfile.open(archive) as packed:
                inner = packed.extractfile(member)
                assert inner is not None
                with made.open("wb") as out:
                    while block := inner.read(BLOCK):
                        out.write(block)
        except (tarfile.TarError, gzip.BadGzipFile, zlib.error, KeyError, EOFError, AssertionError) as cause:
            raise InputError(
                f"{name}: {url} is no archive that holds {member}; is the mirror one?"
            ) from cause
        if not seal.exists():
            (Path(scratch) / "seal").write_text(_sha256(made) + "\n")
            os.replace(Path(scratch) / "seal", seal)
        os.replace(made, file)


def _agree(name: str, file: Path, seal: Path) -> None:
    expected = seal.read_text().strip() if seal.exists() else ""
    if (found := _sha256(file)) != expected:
        raise InputError(
            f"{name}: {file} has SHA-256 {found[:12]}…, {seal.name} says {expected[:12] or 'nothing'}…; it has "
            "changed: remove the one you do not trust"
        )


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
