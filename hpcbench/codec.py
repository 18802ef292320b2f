"""The one JSON form of every record: :func:`encode` and :func:`decode` are exact inverses.

Standard library only.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import types
import typing
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar, Union

T = TypeVar("T")


def encode(record: Any) -> Any:
    """Turn a record into JSON-ready builtins; bytes become text with surrogate escapes, NaN null."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        return {f.name: encode(getattr(record, f.name)) for f in dataclasses.fields(record)}
    if isinstance(record, bytes):
        return record.decode("utf-8", "surrogateescape")
    if isinstance(record, float):
        return float(record) if math.isfinite(record) else None
    if isinstance(record, Mapping):
        return {str(k): encode(v) for k, v in record.items()}
    if isinstance(record, (tuple, list)):
        return [encode(v) for v in record]
    return record


def decode(kind: type[T], body: Any) -> T:
    """Build a record of type ``kind`` from what :func:`encode` made.

    Raises
    ------
    ValueError
        When a field is unknown, so written by a newer schema, or a required one is missing.
    """
    return typing.cast(T, _decode(kind, body))


def _decode(kind: Any, body: Any) -> Any:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        unknown = set(body) - set(hints)
        if unknown:
            raise ValueError(f"{kind.__name__}: unknown field {sorted(unknown)[0]!r}; newer schema?")
        return kind(**{name: _decode(hints[name], value) for name, value in body.items()})
    if kind is float:
        return math.nan if body is None else float(body)
    if kind is bytes:
        return body.encode("utf-8", "surrogateescape")
    if origin in (Union, types.UnionType):
        if body is None:
            return None
        record = [a for a in args if typing.get_origin(a) is tuple or dataclasses.is_dataclass(a)]
        return _decode(record[0], body) if record else body
    if origin is Mapping and args[1] is float:
        return {name: _decode(float, value) for name, value in body.items()}
    if origin is tuple:
        inner = [args[0]] * len(body) if args[-1] is Ellipsis else args
        return tuple(_decode(a, v) for a, v in zip(inner, body, strict=True))
    return body


@lru_cache(maxsize=64)
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def digest(body: Any) -> str:
    """Sixteen hex digits of the SHA-256 of the canonical JSON of ``body``."""
    text = json.dumps(encode(body), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
