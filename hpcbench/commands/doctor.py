"""Tell what this machine offers, and what is missing for which kernels.

Every missing part is named with what would bring it; with --races the machine's noise is measured: how often
identical code is called faster, and how often planted slowdowns are found.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from hpcbench.commands import _options
from hpcbench.spec import HpcbenchError

EXAMPLE = "hpcbench doctor --races 20"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--races", type=int, default=0, metavar="N", help="A/A and slowdown races to run")
    parser.add_argument("--setting", choices=["serial", "threads", "ranks"], default="serial",
                        help="what those races run: 1 thread, 2 threads or 2 ranks (default: serial)")  # fmt: skip
    parser.add_argument("--slowdown", type=float, action="append", metavar="SHARE",
                        help="a slowdown to plant, as 0.1; may be given again (default: 0, 0.1, 0.05)")  # fmt: skip
    parser.add_argument(
        "--load", type=int, default=0, metavar="N", help="busy processes to run beside the races"
    )
    _options.runs(parser, reading=False)
    _options.json_flag(parser, "facts, and one line per planted slowdown")


def run(options: argparse.Namespace) -> int:
    """Print facts and findings; 0 when every built-in variant can run."""
    if options.races:
        return _races(options)
    from hpcbench import machine, registry
    from hpcbench.entrants import tools, unavailable

    facts = machine.fingerprint(**tools())
    if options.json:
        print(json.dumps(facts))
        return 0
    caches = ", ".join(f"{k} {v // 1024} KiB" for k, v in facts["caches"].items())
    rows = [
        ("machine", f"{facts['cpu']}, {facts['cores']} cores, {facts['memory'] / 2**30:.0f} GiB"),
        ("caches", caches), ("system", f"Linux {facts['kernel']}, huge pages {facts['thp']}"),
        ("clock", f"governor {facts['governor'] or 'not visible'}, load {facts['load']:.2f}"),
        ("compiler", facts["compiler"] or "none: install g++ or set CXX"),
        ("MPI", facts["mpi"] or "none: load an MPI module, or pip install mpich"),
        ("python", f"{facts['python']}; " + ", ".join(f"{k} {v}" for k, v in facts["libraries"].items())),
        ("runs", _writable(options.runs)),
        *_judge(),
    ]  # fmt: skip
    for name, text in rows:
        print(f"{name:9} {text}"[:80])
    missing = 0
    for kernel in registry.kernels().values():
        for variant in kernel.variants():
            reason = unavailable(variant)
            missing += bool(reason)
            print(f"  {'no ' if reason else 'yes'} {kernel.name}/{variant.name}  {reason}"[:80].rstrip())
    if facts["load"] > 0.5 * facts["cores"]:
        print("The machine is busy: intervals will be wide. `hpcbench doctor --races 20` tells how wide.")
    return 1 if missing else 0


def _writable(folder: Path) -> str:
    place = folder if folder.exists() else folder.absolute().parent
    return (
        f"{folder} can be written"
        if os.access(place, os.W_OK)
        else f"{folder} cannot be written: use --runs DIR"
    )


def _judge() -> list[tuple[str, str]]:
    """The layers of the wall, what stays open without those that are missing, and the checkers."""
    from hpcbench import instrument, launch, sandbox

    try:
        layers = launch.layers()
    except HpcbenchError:
        return [("wall", "not known: it takes a C compiler to build it")]
    gone = "; ".join(sandbox.missing(layers))
    text = f"stands without {gone}" if gone else f"all {len(sandbox.LAYERS)} layers stand"
    if layers & sandbox.REQUIRED != sandbox.REQUIRED:
        text = f"no {gone}: judge refuses, but for --trust"
    rows = [("wall", text)]
    rows += [("  open", what) for bit, what in sandbox.STOPS.items() if not layers & bit]
    for name, find in (("sanitize", instrument.address), ("races", instrument.thread)):
        try:
            found = find()
            launch.native_worker(found)
            rows.append((name, found.tool))
        except HpcbenchError as error:
            rows.append((name, f"not checked: {str(error).splitlines()[0]}"))
    return rows


def _races(options: argparse.Namespace) -> int:
    from hpcbench import calibrate

    wrong = 0
    for share in options.slowdown or [0.0, 0.1, 0.05]:
        found = calibrate.races(
            options.races, share, options.setting, load=options.load, runs=options.runs,
            on_race=None if options.json else _tick,
        )  # fmt: skip
        wrong += found.false_wins
        print(json.dumps(found.as_dict()) if options.json else f"\r{found.sentence()}", flush=True)
    return 1 if wrong else 0


def _tick(done: int, of: int) -> None:
    print(f"\rrace {done} of {of}", end="", flush=True)
