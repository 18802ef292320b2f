"""Regenerates the figures of docs/judge.md: all of them, or the blocks named on the command line.

python docs/judging.py [launch rate cheats json suites honest]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from blocks import regenerate
from judging_costs import rate, wall

from hpcbench import sandbox
from hpcbench.codec import encode
from hpcbench.spec import Candidate

PAGE = Path(__file__).with_name("judge.md")
TESTS = Path(__file__).parent.parent / "tests"
WAYS = {
    "nobody": (0, 32),
    "root": (32,),
}  # layers that are left out, by user; root with all of them is `.ci/run`


LANGUAGES = ("C++", "C", "MPI", "Python")
CLASSES = {
    1: "work left running", 2: "helper thread or process", 3: "lazy result", 4: "cache by address", 5: "cache by contents",
    6: "replay through files or memory", 7: "work where no clock runs", 8: "stale right answer", 9: "calls the reference",
    10: "NaN", 11: "changes the inputs", 12: "constant output", 13: "skips work above a size", 14: "known shapes and seeds",
    15: "lower precision", 17: "partial output", 18: "the clock", 19: "the statistics", 20: "forges the result",
    21: "reads what it should not", 22: "the warm-up", 23: "the baseline", 24: "the cache", 25: "wraps a library", 26: "parallel in name only",
    27: "race or deadlock", 29: "out of bounds", 30: "aliases", 31: "redefines the harness", 32: "more resources",
    33: "baked at compile time", 34: "masks a crash",
}  # fmt: skip


def cheats() -> str:
    """Every program of tests/adversarial through the judge: what caught each class, by language."""
    sys.path[:0] = [str(TESTS), str(TESTS / "adversarial")]
    import test_cheats
    import test_cheats_c
    import test_cheats_mpi
    import test_cheats_python
    from judges import judged
    from programs import in_python, over_mpi

    programs = [(row[0], "C++", 1, test_cheats.program(n)) for n, row in test_cheats.CHEATS.items()]
    programs += [(row[0], "C", 1, test_cheats_c.program(n)) for n, row in test_cheats_c.CHEATS.items()]
    programs += [(row[0], "MPI", 2, over_mpi(n, row[2], row[3])) for n, row in test_cheats_mpi.CHEATS.items()]
    programs += [
        (row[0], "Python", 1, in_python(row[2], row[3], n)) for n, row in test_cheats_python.CHEATS.items()
    ]
    caught: dict[tuple[int, str], Counter[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, language, ranks, one in programs:
            result = judged(one, Path(folder), ranks=ranks)
            how = "no gain" if result.verdict == "correct" else result.stages[-1].name
            caught.setdefault((number, language), Counter())[how] += 1
    rows = ["| class | C++ | C | MPI | Python |", "|---|---|---|---|---|"]
    for number in sorted({n for n, _ in caught}):
        cells = [caught.get((number, language), Counter()) for language in LANGUAGES]
        texts = [", ".join(f"{how}{f' ({k})' if k > 1 else ''}" for how, k in c.most_common()) for c in cells]
        rows.append(f"| {number} {CLASSES[number]} | {' | '.join(texts)} |")
    return (
        "\n".join(rows)
        + f"\n\n{len(programs)} programs. *No gain*: it is right here, computes every answer, and is not "
        "faster for its trick."
    )


def _honest() -> dict[str, Candidate]:
    sys.path[:0] = [str(TESTS), str(TESTS / "honest")]
    import test_honest
    import test_honest_files
    import test_honest_mpi
    import test_honest_order

    return {
        **test_honest.HONEST,
        **test_honest_mpi.HONEST,
        **test_honest_order.HONEST,
        **test_honest_files.HONEST,
    }


def _once(name: str) -> str:
    """What one judgement of an honest kernel ends with; empty when it is correct."""
    from judges import judged

    one = _honest()[name]
    with tempfile.TemporaryDirectory() as folder:
        result = judged(one, Path(folder), ranks=2 if "mpi" in one.model else 1, seconds=0.25)
    return "" if result.verdict == "correct" else f"{name}: {result.verdict}: {result.stages[-1].message}"


def honest() -> str:
    """Every honest kernel, two judgements side by side, so that each meets the other's load."""
    kernels = _honest()
    names = [name for _ in range(20) for name in kernels]
    alarms = []
    with ProcessPoolExecutor(max_workers=2) as pool:
        for done, told in enumerate(pool.map(_once, names), 1):
            alarms += [told] if told else []
            if done % 50 == 0:
                print(f"{done} of {len(names)} judged, false alarms: {alarms or 'none'}", file=sys.stderr)
    lines = "".join(f"\n- {told}" for told in alarms)
    return (
        f"{len(kernels)} kernels, 20 judgements each, two side by side: **{len(alarms)} false alarms of "
        f"{len(names)}**.{lines}"
    )


def _suite(who: str, without: int, folder: Path) -> str:
    """One row: both suites as ``who``, without some layers of the wall."""
    names = f"without {'; '.join(sandbox.names(without))}" if without else "all layers"
    command = [
        sys.executable,
        "-P",
        "-m",
        "pytest",
        "-n",
        "2",
        "-m",
        "slow or not slow",
        f"--without={without}",
    ]
    env = {**os.environ, "PYTHONPATH": str(folder)}
    if who != "root":
        env.update(HOME=str(folder), XDG_CACHE_HOME=str(folder / ".cache"), TMPDIR=str(folder / "tmp"))
        (folder / "tmp").mkdir(exist_ok=True)
        subprocess.run(["chown", "-R", "nobody", folder], check=True)
        env["PYTHONPATH"] += (
            f":{sysconfig.get_path('purelib')}"  # this interpreter may lie in a home of root's
        )
        env["PATH"] = f"{sys.prefix}/bin:{env['PATH']}"
        become = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        command = [*become, f"/usr/bin/python3.{sys.version_info.minor}", *command[1:]]
    done = subprocess.run(
        [*command, "tests/adversarial", "tests/honest"], cwd=folder, env=env, capture_output=True, text=True
    )
    print(done.stdout[-20000:], file=sys.stderr)
    return f"| {who} | {names} | {done.stdout.strip().splitlines()[-1].strip('= ')} |"


def suites() -> str:
    """Both suites with all layers and without namespaces, as root and as another user, but for what `.ci/run` does."""
    rows = ["| user | wall | result |", "|---|---|---|"]
    for who, ways in WAYS.items():
        with tempfile.TemporaryDirectory() as folder:
            clone = Path(folder) / "clone"
            Path(folder).chmod(0o755)
            subprocess.run(["git", "clone", "-q", TESTS.parent, clone], check=True)
            rows += [_suite(who, without, clone) for without in ways]
    return "\n".join(rows)


TILED = b"""// /// hpcbench
// model = "serial"
// summary = "rows, some at a time"
// restrictions = ["TILE % UNROLL == 0"]
// params.TILE = {default = 64, values = [16, 64]}
// params.UNROLL = {default = 4, low = 1, high = 16}
// ///
"""


def _line(body: object) -> str:
    """JSON with numbers of three digits."""
    rounded = json.loads(json.dumps(body), parse_float=lambda text: float(f"{float(text):.3g}"))
    return json.dumps(rounded, ensure_ascii=False)


def _whole(body: dict[str, object]) -> str:
    """A field in a line, a stage in a line."""
    fields = [f'"{key}": {_line(value)}' for key, value in body.items()]
    return "{" + ",\n ".join(fields).replace('}, {"name"', '},\n  {"name"') + "}"


def examples() -> str:
    """One Result of every verdict, as `--json` prints it, without what is empty."""
    sys.path[:0] = [str(TESTS), str(TESTS / "adversarial")]
    import test_cheats
    import test_cheats_mpi
    from judges import judged
    from programs import over_mpi
    from races import candidate

    hangs = "waits for a rank that is not there"
    tiled = candidate("return honest(in, out);", "tiled.cpp")
    tiled = replace(tiled, params={"TILE": 64, "UNROLL": 3}, source=TILED + tiled.source)
    ones = [
        candidate("return honest(in, out);", "mine.cpp"), tiled, candidate("return nonsense;", "typo.cpp"),
        test_cheats.program("starts a process"), test_cheats.program("writes past a vector"),
        over_mpi(hangs, *test_cheats_mpi.CHEATS[hangs][2:4]), test_cheats.program("answers in single precision"),
        test_cheats.program("counts without a lock"),
    ]  # fmt: skip
    told = []
    with tempfile.TemporaryDirectory() as folder:
        for one in ones:
            result = judged(one, Path(folder), ranks=2 if one.model == "mpi" else 1)
            if not told:
                told.append(f"**a whole Result**\n\n```json\n{_whole(encode(result))}\n```")
            body = {k: v for k, v in encode(result).items() if v not in (None, "", [], {}, "none", 0)}
            body["candidate"] = body["candidate"][:8] + "…"
            body["stages"] = ["…", *[{k: v for k, v in s.items() if v} for s in body["stages"][-1:]]]
            body.pop("setting"), body.pop("input_hash", ""), body.pop("samples", "")
            told.append(f"**{result.verdict}**\n\n```json\n{_line(body)}\n```")
    return "\n\n".join(told)


BLOCKS = {
    "launch": wall,
    "rate": rate,
    "cheats": cheats,
    "json": examples,
    "suites": suites,
    "honest": honest,
}


if __name__ == "__main__":
    regenerate(PAGE, BLOCKS)
