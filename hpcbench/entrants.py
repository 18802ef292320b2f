"""Who can take part here: variants under the settings that their models can use, and why others cannot."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from hpcbench import build, launch, machine, registry
from hpcbench.contender import Entry
from hpcbench.params import violated
from hpcbench.spec import HpcbenchError, Pages, Setting, Skip, Value
from hpcbench.variant import Variant


def settings(model: str, ranks: Sequence[int], threads: Sequence[int], pages: Pages) -> list[Setting]:
    """The settings that a model can use: OpenMP every number of threads, MPI every number of ranks.

    Of threads in ranks those that have a processor each, or all where none have.
    """
    if model == "cuda":
        return [Setting(device="cuda", pages=pages)]
    found = [
        Setting(ranks=r, threads=t, pages=pages)
        for r in (ranks if "mpi" in model else [1])
        for t in (threads if "openmp" in model else [1])
    ]
    fitting = [s for s in found if s.ranks * s.threads <= len(os.sched_getaffinity(0))]
    return (fitting or found) if model == "mpi+openmp" else found


def entries(
    variants: Sequence[Variant],
    ranks: Sequence[int],
    threads: Sequence[int],
    pages: Pages = "prefaulted",
    params: Sequence[Mapping[str, Value]] = ({},),
    resident: bool = False,
) -> tuple[list[Entry], list[Skip]]:
    """Every variant under every setting its model can use; what cannot run here is skipped, with why.

    Parameters a variant does not have are left out for that variant. Where data are ``resident`` in a device's
    memory only what runs there takes part.
    """
    found: dict[str, Entry] = {}
    skips = []
    for variant in (v for v in variants if v.model == "cuda" or not resident):
        usable = settings(variant.model, ranks, threads, pages)
        if reason := unavailable(variant):
            skips.append(Skip(variant.name, variant.kernel, usable[0], reason))
            continue
        known = {p.name for p in variant.params}
        for setting in usable:
            for row in params:
                chosen = {k: v for k, v in row.items() if k in known}
                words = ",".join(f"{k}={v}" for k, v in chosen.items())
                name = f"{variant.name}[{words}]" if words else variant.name
                if broken := violated(variant.params, variant.restrictions, variant.choose(chosen)):
                    skips.append(Skip(name, variant.kernel, setting, broken))
                    continue
                entry = Entry(variant.candidate(chosen), setting, name)
                found[entry.label] = entry
    return list(found.values()), skips


def baseline(
    kernel: registry.Kernel, contract: str, name: str | None = None, pages: Pages = "prefaulted"
) -> Entry:
    """What a race under ``contract`` compares with: the variant of that name, or else the kernel's own choice.

    Raises
    ------
    HpcbenchError
        When the data lie in a device's memory and it runs on none, or when it needs a device and there is none.
    """
    name = name or kernel.baseline(contract)
    variant = kernel.variant(name)
    on_device = variant.model == "cuda"
    if reason := unavailable(variant) if on_device else "runs on no device" * kernel.resident(contract):
        error = HpcbenchError(f"--contract {contract}: {name}: {reason}")
        error.exit_code = 3
        raise error
    return Entry(variant.candidate(), settings(variant.model, [1], [1], pages)[0], name)


def unavailable(variant: Variant) -> str:
    """Why ``variant`` cannot run here, with what would help; empty when it can."""
    if variant.model == "cuda" and machine.gpu() is None:
        return "no CUDA device is visible"
    try:
        for name in variant.requires:
            if name.startswith("<"):
                if not build.has_header(name):
                    return f"the header {name} is not installed (a folder that holds it may stand in CPATH)"
            elif name.endswith(".so"):
                if not machine.library(name):
                    return f"{name} is not installed (a folder that holds it may stand in LD_LIBRARY_PATH)"
            elif importlib.util.find_spec(name) is None and not _distribution(name):
                return f"{name} is not installed (pip install {name})"
        if variant.language != "python":
            build.compiler(variant.language)
        if "mpi" in variant.model:
            launch.mpi()
    except HpcbenchError as error:
        return str(error)
    return ""


def tools() -> dict[str, str]:
    """Version lines of the C++ compiler and the MPI in use here; empty where there is none."""
    found = {"cxx": "", "mpi": ""}
    try:
        found["cxx"] = build.version(build.compiler("cpp"))
        found["mpi"] = launch.mpi().version
    except HpcbenchError:
        return found
    return found


def _distribution(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False
