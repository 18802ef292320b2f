"""The ``hpcbench`` command: finds its subcommands by file name and runs one."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
import textwrap
from pathlib import Path
from types import ModuleType

from hpcbench import __version__
from hpcbench.plugins import plugins
from hpcbench.spec import HpcbenchError

INTERRUPTED = 130


def commands() -> dict[str, str]:
    """Module name of every subcommand, by its name on the command line."""
    packages = {"hpcbench.commands", *plugins("hpcbench.commands")}
    found = {}
    for package in sorted(packages):
        spec = importlib.util.find_spec(package)
        for folder in spec.submodule_search_locations or () if spec else ():
            for file in sorted(Path(folder).glob("[a-z]*.py")):
                found[file.stem] = f"{package}.{file.stem}"
    return found


def _describe(module: ModuleType) -> str:
    return (module.__doc__ or "").strip().split("\n")[0].rstrip(".")


def parser(wanted: str | None) -> argparse.ArgumentParser:
    """The command line; only the module of the ``wanted`` subcommand is imported if there is one."""
    known = commands()
    top = argparse.ArgumentParser(
        prog="hpcbench",
        description="Find the fastest correct sparse, graph and solver kernels on your machine and data.",
        epilog="Example: hpcbench run --kernel spgemm --case er60k --threads 1,2 --ranks 2",
    )
    top.add_argument("--version", action="version", version=f"hpcbench {__version__}")
    subparsers = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in [wanted] if wanted in known else sorted(known):
        module = importlib.import_module(known[name])
        paragraphs = (module.__doc__ or "").strip().split("\n\n")
        text = "\n\n".join(textwrap.fill(" ".join(p.split()), 79) for p in paragraphs)
        sub = subparsers.add_parser(
            name, help=_describe(module), description=text, epilog=f"Example: {module.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        module.configure(sub)
        sub.set_defaults(run=module.run)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one subcommand; returns 0 done, 1 a check failed, 2 usage, 3 nothing could run, 130 Ctrl-C."""
    arguments = sys.argv[1:] if argv is None else argv
    wanted = next((a for a in arguments if not a.startswith("-")), None)
    try:
        options = parser(wanted).parse_args(arguments)
        return int(options.run(options))
    except HpcbenchError as error:
        print(f"hpcbench: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("hpcbench: interrupted; what was measured is kept", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
