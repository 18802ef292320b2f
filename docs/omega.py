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
from blocks import HPCBENCH, regenerate
from scipy.io import mmwrite
from scipy.sparse.csgraph import connected_components

from hpcbench.inputs import equations
from hpcbench.inputs.read import read_matrix
from hpcbench.stats import sign_interval
from tuners.sor import OmegaTuner, Solver, contest, given, streams
from tuners.sor.solver import Csr
from tuners.sor.standing import Row, standing

PAGE = Path(__file__).with_name("omega.md")
RUNS = Path("runs/omega")
MISLED = ("misleading", "flows", "unrelated", "coupled", "cyclic", "rotated", "loose")
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

    All take every system in an order drawn anew, but what has no tuner comes after what tells it omega, and a
    solve that is not looked at comes first, so that all find the matrix where it left it.
    """
    lines = [
        "| systems | ask, µs | tell, µs | alone, µs | share | `tuner.solve` - alone, µs | its share |",
        "|---" * 7 + "|",
    ]
    for label, stream, solver in (
        ("heat, 100²", streams.heat(np.random.default_rng(0), 100), "sor"),
        ("heat, 100²", streams.heat(np.random.default_rng(0), 100), "ssor_cg"),
        ("drifting, 100²", given.drifting(np.random.default_rng(0), equations.poisson(100, 2)), "sor"),
        ("drifting, 100²", given.drifting(np.random.default_rng(0), equations.poisson(100, 2)), "ssor_cg"),
        ("heat, 10²", streams.heat(np.random.default_rng(0), 10), "sor"),
    ):
        ask, tell, more, plain = 1e6 * spent(stream, solver)
        middle, low, high = sign_interval(more.tolist(), 0.05)
        cells = [f"{np.median(ask):.1f}", f"{np.median(tell):.1f}", f"{np.median(plain):.0f}"]
        cells += [f"{(ask.sum() + tell.sum()) / plain.sum():.2%}", f"{middle:.1f} [{low:.1f}, {high:.1f}]"]
        cells += [f"{middle / np.median(plain):.2%}"]
        lines.append(f"| {label}, {solver} | {' | '.join(cells)} |")
    return (
        "2000 systems; medians, with 95 % intervals of the order statistics; the first share is that of sums, the first "
        "system's inverse iterations in them\n\n" + "\n".join(lines)
    )


def spent(stream: streams.Stream, solver: str) -> np.ndarray:
    """Seconds, (4, systems): asking, telling, the tuner's solve less one without a tuner, and that one."""
    clock, rng, system, omega = time.perf_counter, np.random.default_rng(1), next(stream), 1.0
    asked, turnkey, alone = OmegaTuner(solver), OmegaTuner(solver), Solver(solver)
    rows = []
    for _ in range(2000):
        a, turns = Csr(system.a), list(rng.permutation(["own", "turnkey"]))
        turns.insert(rng.integers(turns.index("own") + 1, 3), "alone")
        took = dict.fromkeys(("ask", "tell", "turnkey", "alone"), 0.0)
        alone(a, system.b, system.x0, omega=omega, limit=1000)
        for turn in turns:
            start = clock()
            if turn == "own":
                choice = asked.ask(a)
                took["ask"] = clock() - start
                found = alone(a, system.b, system.x0, omega=choice.omega, limit=choice.limit)
                start, omega = clock(), choice.omega
                asked.tell(choice, found.iterations, found.residuals[0], solved=not found.stopped)
                took["tell"] = clock() - start
            elif turn == "turnkey":
                x = turnkey.solve(a, system.b, system.x0).x
                took[turn] = clock() - start
            else:
                alone(a, system.b, system.x0, omega=omega)
                took[turn] = clock() - start
        if not found.stopped:  # else the tuner goes on with another omega: no matter of overhead
            rows.append((took["ask"], took["tell"], took["turnkey"] - took["alone"], took["alone"]))
        system = stream.send(x)
    return np.array(rows).T


BLOCKS = {f.__name__: f for f in (iid, heat, adversarial, real, seconds, overhead)}

if __name__ == "__main__":
    regenerate(PAGE, BLOCKS)
