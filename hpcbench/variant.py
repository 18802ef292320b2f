"""A variant is one file that says in a header what it is; the file is read as data and never executed.

A header is a TOML block in comments, in the shape of Python's inline script metadata::

    // /// hpcbench
    // model = "serial"
    // ///
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpcbench.params import declared, violated
from hpcbench.spec import Candidate, HpcbenchError, Language, Model, Param, Value

LANGUAGES: dict[str, Language] = {".c": "c", ".cpp": "cpp", ".cu": "cuda", ".py": "python"}
MODELS = ("serial", "openmp", "mpi", "cuda", "mpi+openmp")
OPENING, CLOSING = ("// /// hpcbench", "# /// hpcbench"), ("// ///", "# ///")
LONGEST, LONGEST_HEADER = 4 * 2**20, 2**16  # bytes of a candidate's text, characters of its header
LONGEST_PYTHON = 2**17  # bytes; it is parsed here, in time up to the square of an f-string's length
INCLUDE = re.compile(r'^#include "([^"]+)"$', re.MULTILINE)
KEYS = {"model", "summary", "source", "flags", "requires", "params", "restrictions"}


class RegistryError(HpcbenchError):
    """A kernel or variant that does not exist or whose header is wrong."""


@dataclass(frozen=True)
class Variant:
    """What a variant's file says of itself."""

    kernel: str
    name: str
    path: Path
    language: Language
    model: Model
    summary: str
    source: str = ""
    flags: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    params: tuple[Param, ...] = ()
    restrictions: tuple[str, ...] = ()

    def choose(self, params: Mapping[str, Value]) -> dict[str, Value]:
        """A value for every parameter: the given ones, defaults for the rest.

        Raises
        ------
        RegistryError
            For a parameter the variant does not have, or a value that it does not allow by itself.
        """
        chosen = chosen_among(self.params, params, f"variant {self.name}")
        if broken := violated(self.params, (), chosen):
            raise RegistryError(f"--param {broken}")
        return chosen

    def candidate(self, params: Mapping[str, Value] | None = None) -> Candidate:
        """The candidate with the given parameter values, defaults for the rest.

        Raises
        ------
        RegistryError
            For a parameter the variant does not have, a value it does not allow, or values that it does not
            allow together.
        """
        chosen = self.choose(params or {})
        if broken := violated(self.params, self.restrictions, chosen):
            raise RegistryError(f"--param {broken}")
        text = self.path.read_text()
        if self.language != "python":
            text = inline(text, self.path.parent)
        return Candidate(
            self.kernel, self.language, self.model, text.encode(), chosen, self.flags, origin=self.name
        )


def inline(text: str, folder: Path) -> str:
    """Replace ``#include "file"`` by the file where ``folder`` has it, so that a candidate is one text."""

    def body(match: re.Match[str]) -> str:
        file = folder / match[1]
        return inline(file.read_text(), file.parent) if file.is_file() else match[0]

    return INCLUDE.sub(body, text)


def header(text: str, where: str) -> dict[str, Any]:
    """The TOML table of a variant's header.

    Raises
    ------
    RegistryError
        When there is none, when it is not TOML, or when it has a key or model nobody knows.
    """
    lines = _block(text)
    if lines is not None and sum(map(len, lines)) > LONGEST_HEADER:
        raise RegistryError(f"{where}: a header of more than {LONGEST_HEADER >> 10} KiB")
    if lines is None:
        raise RegistryError(f"{where}: no header; start with a comment block `/// hpcbench` ... `///`")
    try:
        body = tomllib.loads("\n".join(re.sub(r"^(//|#) ?", "", line) for line in lines))
    except (ValueError, RecursionError) as error:
        raise RegistryError(f"{where}: header is not TOML: {error}") from None
    if unknown := sorted(set(body) - KEYS):
        raise RegistryError(f"{where}: header has {unknown[0]!r}; known are {', '.join(sorted(KEYS))}")
    if body.get("model") not in MODELS or "summary" not in body:
        raise RegistryError(f"{where}: header needs a summary and a model, one of {', '.join(MODELS)}")
    return body


def _block(text: str) -> list[str] | None:
    """The lines of the first header; of any text in one pass."""
    block: list[str] | None = None
    for line in text.split("\n"):
        if block is None:
            block = [] if line in OPENING else None
        elif line in CLOSING:
            return block
        elif line.startswith(("//", "#")):
            block.append(line)
        else:
            block = None
    return None


def header_of(one: Candidate) -> dict[str, Any]:
    """The table of a candidate's header; empty where its text has none."""
    text = one.source.decode("utf-8", "replace")
    return {} if _block(text) is None else header(text, one.origin)


def read_variant(kernel: str, path: Path) -> Variant:
    """The variant in ``path``, read as data; nothing of it is executed."""
    body = header(path.read_text(), str(path))
    _fits(path, body["model"])
    params, restrictions = _declared(body, path)
    return Variant(
        kernel, path.stem, path, LANGUAGES[path.suffix], body["model"], body["summary"],
        body.get("source", ""), tuple(body.get("flags", ())), tuple(body.get("requires", ())), params,
        restrictions,
    )  # fmt: skip


def _fits(path: Path, model: str) -> None:
    if path.suffix != ".py" and (path.suffix == ".cu") != (model == "cuda"):
        raise RegistryError(
            f"{path}: model {model}; what is written in .cu has model cuda, and nothing else in C or C++"
        )


def chosen_among(params: Sequence[Param], given: Mapping[str, Value], whose: str) -> dict[str, Value]:
    """A value for each of ``params``: the given one, or its default.

    Raises
    ------
    RegistryError
        When one is given that is not among them.
    """
    known = {p.name: p.default for p in params}
    if unknown := [name for name in given if name not in known]:
        raise RegistryError(f"--param {unknown[0]}: {whose} has {', '.join(known) or 'no parameters'}")
    # a parameter is of its default's type: 1 for a `double` is 1.0
    whole = {k: float(v) if type(v) is int and isinstance(known[k], float) else v for k, v in given.items()}
    return {**known, **whole}


def _declared(body: Mapping[str, Any], path: Path) -> tuple[tuple[Param, ...], tuple[str, ...]]:
    try:
        return declared(body)
    except ValueError as error:
        raise RegistryError(f"{path}: header: {error}") from None


def outside(
    kernel: str, path: Path, model: Model | None = None, given: Mapping[str, Value] | None = None
) -> Candidate:
    """The candidate in a file that is not the registry's: read as data, with its header or without one.

    ``given`` are values of its parameters; whether it allows them is for the judge to say.

    Raises
    ------
    RegistryError
        When the file cannot be read, is no language of ours, its header is wrong, or it has no such parameter.
    """
    if path.suffix not in LANGUAGES:
        raise RegistryError(f"{path}: ends in none of {', '.join(LANGUAGES)}")
    try:
        with path.open("rb") as file:
            raw = file.read(LONGEST + 1)
    except OSError as error:
        raise RegistryError(f"{path}: {error.strerror}") from None
    if len(raw) > LONGEST:
        raise RegistryError(f"{path}: more than {LONGEST >> 20} MiB are no kernel")
    if path.suffix == ".py" and len(raw) > LONGEST_PYTHON:
        raise RegistryError(f"{path}: more than {LONGEST_PYTHON >> 10} KiB of Python are no kernel")
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n")
    usual: Model = "cuda" if path.suffix == ".cu" else "serial"
    bare: dict[str, Any] = {"model": model or usual}
    body = bare if _block(text) is None else header(text, str(path))
    _fits(path, model or body["model"])
    params = chosen_among(_declared(body, path)[0], given or {}, str(path))
    native = ("-O3",) if path.suffix == ".cu" else ("-O3", "-march=native")
    flags = body.get("flags", native)
    if not isinstance(flags, (list, tuple)) or not all(isinstance(flag, str) for flag in flags):
        raise RegistryError(f"{path}: flags are a list of texts")
    language = LANGUAGES[path.suffix]
    return Candidate(
        kernel, language, model or body["model"], text.encode(), params, tuple(flags), origin=path.name
    )
