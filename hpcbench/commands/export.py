"""Write a variant as a project of its own: source, header, CMake file, an example that builds and runs.

The source is one file with all that it includes; parameters are definitions in the CMake file,
those of run time the values that the example passes. Nothing of hpcbench is needed any more.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from hpcbench import build, launch, registry
from hpcbench.commands import _options
from hpcbench.native import has_setup
from hpcbench.spec import Candidate, HpcbenchError
from hpcbench.variant import Variant

EXAMPLE = "hpcbench export gustavson_omp spgemm-project"
LANGUAGES = {"c": "C", "cpp": "CXX", "cuda": "CUDA"}
PACKAGES = {"openmp": ("OpenMP", "OpenMP::OpenMP"), "mpi": ("MPI", "MPI::MPI")}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "variant", metavar="VARIANT", help="name of a variant; `hpcbench show KERNEL` tells them"
    )
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="where the project goes; made if it is missing"
    )
    parser.add_argument("--kernel", default="spgemm", metavar="NAME", help="kernel (default: spgemm)")
    parser.add_argument("--param", type=_options.assignment, action="append", default=[], metavar="NAME=VALUE",
                        help="value of a parameter (default: the variant's)")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Write the project."""
    kernel = registry.kernel(options.kernel)
    variant = kernel.variant(options.variant)
    example = kernel.folder / "example.c"
    if variant.language not in LANGUAGES:
        raise HpcbenchError(f"{variant.name} is one file of {variant.language}: copy {variant.path}")
    if not example.exists():
        raise HpcbenchError(
            f"{variant.name} cannot be exported: {kernel.name} has no example.c that would call it"
        )
    candidate = variant.candidate(_options.single(options.param))
    files = {
        variant.path.name: candidate.source.decode(),
        "abi.h": (kernel.folder / "abi.h").read_text(),
        "example.c": example.read_text(),
        "CMakeLists.txt": _cmake(variant, candidate),
    }
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in files:
        if (options.folder / name).exists():
            raise HpcbenchError(
                f"{options.folder / name} is there already: move it away, or name another folder"
            )
    for name, text in files.items():
        (options.folder / name).write_text(text)
        print(options.folder / name)
    print(f"\nbuild and try it: cd {shlex.quote(str(options.folder))} && {_build(variant)}")
    return 0


def _build(variant: Variant) -> str:
    """What builds the project and runs its example, under the MPI that races here: CMake may find another one."""
    if "mpi" not in variant.model:
        return "cmake -B build && cmake --build build && build/example"
    try:
        mpi = launch.mpi()
    except launch.NoMpi:
        return "cmake -B build && cmake --build build && mpirun -n 2 build/example"
    wrappers = f"-DMPI_C_COMPILER={shlex.quote(mpi.cc)} -DMPI_CXX_COMPILER={shlex.quote(mpi.cxx)}"
    run_it = shlex.join([*mpi.launcher, "2", "build/example"])
    return f"cmake -B build {wrappers} && cmake --build build && {run_it}"


def _cmake(variant: Variant, candidate: Candidate) -> str:
    language = LANGUAGES[variant.language]
    cuda = ["CUDA"] if language == "CUDA" else []
    target, models = variant.kernel, variant.model.split("+")
    found = [PACKAGES[m] for m in models if m in PACKAGES]
    built = {k for k in candidate.params if build.is_build_param(candidate, k)}
    definitions = " ".join(f"{k}={v}" for k, v in candidate.params.items() if k in built)
    passed = ",".join(str(v) for k, v in candidate.params.items() if k not in built)
    lines = [
        f"# {variant.name}: {variant.summary}",
        f"# {variant.source}" if variant.source else "",
        "cmake_minimum_required(VERSION 3.16)",
        f"project({' '.join([target, 'LANGUAGES C CXX', *cuda])})",
        *(f"find_package({package} REQUIRED)" for package, _ in found),
        "",
        f"add_library({target} STATIC {variant.path.name})",
        f"target_include_directories({target} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}})",
        f"target_compile_features({target} PUBLIC cxx_std_17 c_std_11)",
        f"target_compile_options({target} PRIVATE {' '.join(variant.flags)})",
        f"target_compile_definitions({target} PRIVATE {definitions})" if definitions else "",
        f"set_target_properties({target} PROPERTIES POSITION_INDEPENDENT_CODE ON)",
        *(
            f'set_target_properties({target} PROPERTIES CUDA_STANDARD 17 CUDA_ARCHITECTURES "80;90")'
            for _ in cuda
        ),
        *(f"target_link_libraries({target} PUBLIC {library}_{language})" for _, library in found),
        "",
        "add_executable(example example.c)",
        f"target_link_libraries(example PRIVATE {target} m)",
        "set_target_properties(example PROPERTIES LINKER_LANGUAGE CXX)",
    ]
    if passed:
        lines.append(f'target_compile_definitions(example PRIVATE "EXAMPLE_PARAMS={passed}")')
    if has_setup(candidate):
        lines.append("target_compile_definitions(example PRIVATE EXAMPLE_SETUP)")
    if "mpi" in models:
        lines += [
            "target_compile_definitions(example PRIVATE EXAMPLE_MPI)",
            "target_link_libraries(example PRIVATE MPI::MPI_C)",
        ]
    return "\n".join(line for k, line in enumerate(lines) if line or lines[k - 1]) + "\n"
