"""Regenerates the tables of docs/omega.md: all of them, or the blocks named on the command line.

    python docs/omega.py [BLOCK ...]    (iid heat adversarial real seconds overhead)

Each row is one `hpcbench tune sor`, whose journal stays in runs/omega: what is there is not
run again (remove it when the tuner has changed). `seconds` and
`overhead` look at times, so the machine must do nothing else. HPCBENCH_NETWORKS names a folder with bcspwr10.mtx and
ca-GrQc.edges for `real`.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from measuring import HPCBENCH, regenerate
from scipy.io import mmwrite
from scipy.sparse.csgraph import connected_components

from hpcbench.inputs import equations
from hpcbench.inputs.read import read_matrix
from tuners.sor import OmegaTuner, Solver, contest, streams
from tuners.sor.solver import Csr
from tuners.sor.standing import Row, standing

PAGE = Path(__file__).with_name("omega.md")
RUNS = Path("runs/omega")
MISLED = ("misleading", "flows", "unrelated", "coupled", "cyclic")
NAMES = {
    "omega_tuner": "omega_tuner",
    "one_solve": "one solve, then Young",
    "tsallis_inf": "Tsallis-INF",
    "chebcb": "ChebCB",
}


def contests(
    stream: str, steps: int, limit: int, *more: str, words: Sequence[str] = ()
) -> list[contest.Contest]:
    """Ten seeds of a stream, from the journals that are there, else from a run of two processes."""
    unit = "seconds" if "seconds" in more else "iterations"
    wanted = stream, steps, limit, unit, "ssor_cg" if "ssor_cg" in more else "sor"

    def found() -> list[contest.Contest]:
        every = [one for path in sorted(RUNS.glob("*.jsonl")) for one in contest.read(path)]
        fits = [c for c in every if (c.stream, len(c.grid), c.limit, c.unit, c.solver) == wanted]
        return list({one.seed: one for one in fits}.values())

    if len(found()) < 10:
        words = [
            "tune",
            "sor",
            *(words or ("--stream", stream)),
            "--steps",
            str(steps),
            "--limit",
            str(limit),
            *more,
        ]
        halves = [(0, 5), (5, 5)] if unit == "iterations" else [(0, 10)]
        running = [
            subprocess.Popen(
                [*HPCBENCH, *words, "--runs", str(RUNS), "--seed", str(first), "--seeds", str(count)]
            )
            for first, count in halves
        ]
        assert not any([one.wait() for one in running])
    assert len(found()) == 10
    return found()


def cell(row: Row, of: str = "over_fixed") -> str:
    return Row.words(getattr(row, of))


def policies(rows: Sequence[tuple[str, Sequence[contest.Contest], int | None]], of: str) -> str:
    """One line per stream and horizon, one column per contender."""
    lines = [
        f"| stream | systems | {' | '.join(NAMES.values())} | best for each |",
        "|---" * (len(NAMES) + 3) + "|",
    ]
    for label, found, steps in rows:
        place = {row.name: row for row in standing(found, steps)}
        cells = [cell(place[name], of) for name in [*NAMES, "best for each system"]]
        cells[0] = f"**{cells[0]}**"
        lines.append(f"| {label} | {steps or len(found[0].grid)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def iid() -> str:
    """High and low variance."""
    rows = [
        (name, contests(name, 5000, 10_000), steps) for name in ("high", "low") for steps in (500, 2000, 5000)
    ]
    command = "`hpcbench tune sor --stream high --steps 5000 --seeds 10`, and `--stream low`"
    ratio = [max(r.over_each[0] for r in standing(f, s) if r.name == "omega_tuner") for _, f, s in rows]
    return f"{command}\n\n{policies(rows, 'over_fixed')}\n\nThe tuner over the best omega of the grid for each system: {', '.join(f'{x:.3f}' for x in ratio)}."


def heat() -> str:
    """The heat equation."""
    found = contests("heat", 5000, 500)
    rows = [("heat", found, steps) for steps in (500, 2000, 5000)]
    ratio = [
        next(cell(r, "over_each") for r in standing(f, s) if r.name == "omega_tuner") for _, f, s in rows
    ]
    command = "`hpcbench tune sor --stream heat --steps 5000 --seeds 10 --limit 500`"
    return f"{command}\n\n{policies(rows, 'over_fixed')}\n\nThe tuner over the best omega of the grid for each system: {', '.join(ratio)}."


def adversarial() -> str:
    """Streams that mislead."""
    kinds = {"abrupt": 10_000, "heavy_tailed": 10_000} | dict.fromkeys(MISLED, 2000)
    rows = [
        (name, contests(name, 5000, limit), steps) for name, limit in kinds.items() for steps in (500, 5000)
    ]
    command = "`hpcbench tune sor --stream abrupt --steps 5000 --seeds 10` and so on; `--limit 2000` for those after *heavy_tailed*"
    return f"{command}\n\n{policies(rows, 'over_fixed')}"


def real() -> str:
    """Laplacians of real networks."""
    folder, rows = Path(os.environ["HPCBENCH_NETWORKS"]), []
    for path in sorted(folder.glob("**/*")):
        if steps := {"bcspwr10.mtx": 1000, "ca-GrQc.edges": 200}.get(path.name):
            RUNS.mkdir(parents=True, exist_ok=True)
            laplacian = RUNS / f"{path.stem}.mtx"
            mmwrite(laplacian, network(path))
            found = contests(path.stem, steps, 10_000, words=("--input", str(laplacian)))
            rows += [(path.stem, found, steps)]
    command = "`hpcbench tune sor --input bcspwr10.mtx --steps 1000 --seeds 10` and so on, each the Laplacian of the largest component"
    return f"{command}\n\n{policies(rows, 'over_fixed')}"


def network(path: Path) -> object:
    """The Laplacian of a graph's largest component."""
    a = read_matrix(path)
    _, label = connected_components(a + a.T)
    kept = label == np.bincount(label).argmax()
    return equations.graph(a[kept][:, kept], 0.0)


def seconds() -> str:
    """Wall time of SSOR-CG."""
    omegas, names = "1,1.3,1.5,1.75,1.95", ["omega_tuner", "ic0_cg", "amg_cg"]
    lines = [
        f"| stream | the best fixed one | ms a step | {' | '.join(names)} | the best of the five for each |",
        "|---" * (len(names) + 4) + "|",
    ]
    for stream, steps, others in (("heat", 1000, names[1:]), ("heat200", 1000, names[1:2])):
        words = ("--solver", "ssor_cg", "--cost", "seconds", "--omegas", omegas, "--policy", ",".join(others))
        found = contests(stream, steps, 10_000, *words)
        place = {row.name: row for row in standing(found)}
        totals = np.sum([one.grid.sum(0) for one in found], axis=0)
        best, mean = found[0].omegas[int(totals.argmin())], 1e3 * totals.min() / len(found) / steps
        cells = [cell(place[n]) if n in place else "" for n in [*names, "best for each system"]]
        lines.append(f"| {stream} | {best} | {mean:.2f} | {' | '.join(cells)} |")
    command = f"hpcbench tune sor --stream heat --steps 1000 --seeds 10 --solver ssor_cg --cost seconds --omegas {omegas}"
    return f"`{command} --policy ic0_cg,amg_cg`\n\n" + "\n".join(lines)


def overhead() -> str:
    """What choosing costs: by calls of one's own, and in the tuner's ``solve``, over solves without a tuner.

    All take every system in an order drawn anew, but what has no tuner comes after what tells it omega.
    """
    lines = [
        "| systems | ask, µs | tell, µs | alone, µs | share | share in `tuner.solve` |",
        "|---" * 6 + "|",
    ]
    clock = time.perf_counter
    for label, side, solver in (
        ("heat, 100²", 100, "sor"),
        ("heat, 100²", 100, "ssor_cg"),
        ("heat, 10²", 10, "sor"),
    ):
        stream, rng = streams.heat(np.random.default_rng(0), side), np.random.default_rng(1)
        asked, turnkey, system = OmegaTuner(solver), OmegaTuner(solver), next(stream)
        solve, alone = Solver(solver), Solver(solver)
        spent, same = (
            np.zeros((2000, 4)),
            np.zeros(2000, bool),
        )  # asking, telling; the tuner's solve, and without it
        for step, row in enumerate(spent):
            a, order = Csr(system.a), list(rng.permutation(["own", "turnkey"]))
            order.insert(rng.integers(order.index("own") + 1, 3), "alone")
            for kind in order:
                start = clock()
                if kind == "own":
                    choice = asked.ask(a)
                    row[0] = clock() - start
                    found = solve(a, system.b, system.x0, omega=choice.omega, limit=choice.limit)
                    start = clock()
                    asked.tell(choice, found.iterations, found.residuals[0], solved=not found.stopped)
                    row[1] = clock() - start
                elif kind == "turnkey":
                    x = turnkey.solve(a, system.b, system.x0).x
                    row[2] = clock() - start
                else:
                    alone(a, system.b, system.x0, omega=choice.omega)
                    row[3] = clock() - start
            same[step] = not found.stopped  # else the tuner goes on with another omega: no matter of overhead
            system = stream.send(x)
        ask, tell, whole, plain = spent[same].sum(0)
        middle = 1e6 * np.median(spent, axis=0)
        cells = [f"{middle[0]:.1f}", f"{middle[1]:.1f}", f"{1e6 * spent[:, 3].mean():.0f}"]
        shares = [f"{(ask + tell) / plain:.2%}", f"{whole / plain - 1:.2%}"]
        lines.append(f"| {label}, {solver} | {' | '.join(cells + shares)} |")
    return (
        "2000 systems; medians of asking and telling, shares are those of sums, the first system's inverse iterations in them\n\n"
        + "\n".join(lines)
    )


BLOCKS = {f.__name__: f for f in (iid, heat, adversarial, real, seconds, overhead)}

if __name__ == "__main__":
    regenerate(PAGE, BLOCKS)
