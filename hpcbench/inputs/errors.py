"""What is raised when an input cannot be used."""

from __future__ import annotations

from hpcbench.spec import HpcbenchError


class InputError(HpcbenchError):
    """A matrix that cannot be read or made: the file, the line where known, the cause and the way out."""

    exit_code = 2


def quote(token: bytes | str, limit: int = 40) -> str:
    """Show what a file holds: quoted, escaped, on one line and at most about `limit` characters."""
    text = token.decode("ascii", "backslashreplace") if isinstance(token, bytes) else token
    return repr(text if len(text) <= limit else text[:limit] + "...")
