"""Finds kernels and variants by file name, and reads variants' headers without executing them.

A header is a TOML block in comments, in the shape of Python's inline script metadata::

    // /// hpcbench
    // model = "serial"
    // ///

Third parties register a folder of kernels with the entry point group ``hpcbench.kernels``.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from hpcbench.codec import decode
from hpcbench.plugins import plugins
from hpcbench.spec import Candidate, HpcbenchError, Language, Model, Param, Phase, Value

LANGUAGES: dict[str, Language] = {".c": "c", ".cpp": "cpp", ".cu": "cuda", ".py": "python"}
MODELS = ("serial", "openmp", "mpi", "cuda", "mpi+openmp")
HEADER = re.compile(r"^(?://|#) /// hpcbench\n((?:(?://|#).*\n)*?)(?://|#) ///$", re.MULTILINE)
INCLUDE = re.compile(r'^#include "([^"]+)"$', re.MULTILINE)
KEYS = {"model", "summary", "source", "flags", "requires", "params"}


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

    def candidate(self, params: Mapping[str, Value] | None = None) -> Candidate:
        """The candidate with the given parameter values, defaults for the rest.

        Raises
        ------
        RegistryError
            For a parameter the variant does not have, or a value it does not allow.
        """
        chosen = {p.name: p.default for p in self.params}
        for name, value in (params or {}).items():
            chosen[name] = _checked(self, name, value)
        text = self.path.read_text()
        if self.language != "python":
            text = inline(text, self.path.parent)
        return Candidate(
            self.kernel, self.language, self.model, text.encode(), chosen, self.flags, origin=self.name
        )


@dataclass(frozen=True)
class Kernel:
    """A kernel's static facts; :meth:`module` loads its Python part."""

    name: str
    folder: Path
    package: str
    summary: str
    source: str
    ranked: str
    contracts: Mapping[str, str]
    cases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    status: Mapping[str, str] = field(default_factory=dict)  # what a run's return values mean, beyond 1 and 2
    constant: tuple[str, ...] = ()  # fields of abi.h that stay from call to call where ranked = "run"
    symbols: tuple[str, ...] = ()  # patterns of names that a native candidate may use beyond what any may
    imports: tuple[str, ...] = ()  # modules that a Python candidate may import beyond what any may

    @property
    def phase(self) -> Phase:
        """What a race times: all of a call, or what follows a setup that all calls share."""
        return "run" if self.ranked == "run" else "total"

    def resident(self, contract: str) -> bool:
        """Whether inputs and outputs lie in a device's memory under ``contract``: by its name."""
        return contract.endswith("-device")

    def baseline(self, contract: str) -> str:
        """The variant that a race under ``contract`` compares with: the library a user would pick today."""
        module = self.module()
        return str(module.DEVICE_BASELINE if self.resident(contract) else module.BASELINE)

    @property
    def callable(self) -> bool:
        """Whether users can call it: by :meth:`calls`."""
        return (self.folder / "call.py").exists()

    def module(self) -> Any:
        """The kernel's contract: make, load, oracle, check, pack, outputs, cost, partition, gather."""
        return importlib.import_module(f"{self.package}.{self.name}.kernel")

    def calls(self) -> Any:
        """How a user's own objects become the kernel's structs: default, plain, caller, ``HELPER``.

        Raises
        ------
        RegistryError
            When the kernel cannot be called so.
        """
        if not self.callable:
            raise RegistryError(f"kernel {self.name} has no call.py: it can be raced, not called")
        return importlib.import_module(f"{self.package}.{self.name}.call")

    def variants(self) -> list[Variant]:
        """All variants, by name."""
        files = sorted(p for p in (self.folder / "variants").iterdir() if p.suffix in LANGUAGES)
        return [read_variant(self.name, p) for p in files if p.name != "__init__.py"]

    def variant(self, name: str) -> Variant:
        """The variant of that name, or an error that lists the others."""
        known = {v.name: v for v in self.variants()}
        if name not in known:
            raise RegistryError(f"--variant {name}: kernel {self.name} has {', '.join(known)}")
        return known[name]


def _checked(variant: Variant, name: str, value: Value) -> Value:
    known = {p.name: p for p in variant.params}
    if name not in known:
        raise RegistryError(
            f"--param {name}: variant {variant.name} has {', '.join(known) or 'no parameters'}"
        )
    param = known[name]
    if param.values and value not in param.values:
        raise RegistryError(f"--param {name}={value}: one of {', '.join(map(str, param.values))} is expected")
    low, high = param.low, param.high
    if isinstance(value, (int, float)) and not (low is None or low <= value) & (
        high is None or value <= high
    ):
        raise RegistryError(f"--param {name}={value}: outside [{low}, {high}]")
    return value


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
    found = HEADER.search(text)
    if not found:
        raise RegistryError(f"{where}: no header; start with a comment block `/// hpcbench` ... `///`")
    lines = [re.sub(r"^(//|#) ?", "", line) for line in found[1].splitlines()]
    try:
        body = tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError as error:
        raise RegistryError(f"{where}: header is not TOML: {error}") from None
    if unknown := sorted(set(body) - KEYS):
        raise RegistryError(f"{where}: header has {unknown[0]!r}; known are {', '.join(sorted(KEYS))}")
    if body.get("model") not in MODELS or "summary" not in body:
        raise RegistryError(f"{where}: header needs a summary and a model, one of {', '.join(MODELS)}")
    return body


def read_variant(kernel: str, path: Path) -> Variant:
    """The variant in ``path``, read as data; nothing of it is executed."""
    body = header(path.read_text(), str(path))
    _fits(path, body["model"])
    params = tuple(decode(Param, {"name": name, **fields}) for name, fields in body.get("params", {}).items())
    return Variant(
        kernel, path.stem, path, LANGUAGES[path.suffix], body["model"], body["summary"],
        body.get("source", ""), tuple(body.get("flags", ())), tuple(body.get("requires", ())), params,
    )  # fmt: skip


def _fits(path: Path, model: str) -> None:
    if path.suffix != ".py" and (path.suffix == ".cu") != (model == "cuda"):
        raise RegistryError(
            f"{path}: model {model}; what is written in .cu has model cuda, and nothing else in C or C++"
        )


def outside(kernel: str, path: Path, model: Model | None = None) -> Candidate:
    """The candidate in a file that is not the registry's: read as data, with its header or without one.

    Raises
    ------
    RegistryError
        When the file cannot be read, is no language of ours, or its header is wrong.
    """
    if path.suffix not in LANGUAGES:
        raise RegistryError(f"{path}: ends in none of {', '.join(LANGUAGES)}")
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise RegistryError(f"{path}: {error.strerror}") from None
    usual: Model = "cuda" if path.suffix == ".cu" else "serial"
    body: dict[str, Any] = header(text, str(path)) if HEADER.search(text) else {"model": model or usual}
    _fits(path, model or body["model"])
    try:
        params = {name: fields["default"] for name, fields in body.get("params", {}).items()}
        native = ("-O3",) if path.suffix == ".cu" else ("-O3", "-march=native")
        flags = tuple(body.get("flags", native))
    except (AttributeError, KeyError, TypeError):
        raise RegistryError(f"{path}: its header is not as CONTRIBUTING.md says: params, flags") from None
    numbers = all(isinstance(v, (int, float)) and abs(v) < 2**63 for v in params.values())
    if not numbers or not all(isinstance(flag, str) for flag in flags):
        raise RegistryError(f"{path}: params are numbers of 64 bits, flags are texts")
    return Candidate(
        kernel, LANGUAGES[path.suffix], model or body["model"], text.encode(), params, flags, origin=path.name
    )


def _folders() -> Iterator[tuple[str, Path]]:
    yield "hpcbench.kernels", Path(__file__).parent / "kernels"
    for package in plugins("hpcbench.kernels"):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.submodule_search_locations:
            yield package, Path(next(iter(spec.submodule_search_locations)))


@lru_cache(maxsize=1)
def kernels() -> dict[str, Kernel]:
    """Every kernel by name, from static TOML only."""
    found = {}
    for package, folder in _folders():
        for file in sorted(folder.glob("*/kernel.toml")):
            with file.open("rb") as handle:
                body = tomllib.load(handle)
            body["folder"], body["package"] = file.parent, package
            found[body["name"]] = Kernel(**body)
    return found


def kernel(name: str) -> Kernel:
    """The kernel of that name, or an error that lists the others."""
    if name not in kernels():
        raise RegistryError(f"--kernel {name}: known kernels are {', '.join(kernels())}")
    return kernels()[name]
