"""Finds kernels and variants by file name.

Third parties register a folder of kernels with the entry point group ``hpcbench.kernels``.
"""

from __future__ import annotations

import importlib
import importlib.util
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from hpcbench.plugins import plugins
from hpcbench.spec import Phase
from hpcbench.variant import LANGUAGES, RegistryError, Variant, read_variant


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
    stream: str = ""  # of those that change, the one of which a call's output depends beside what is constant
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
