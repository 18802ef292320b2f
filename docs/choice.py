"""Fits the constants by which a row's accumulator is chosen, and writes them into choice.hpp and docs/spgemm.md.

    python docs/choice.py

All combinations race on every case, and on the .mtx files of HPCBENCH_MATRICES. The one with the best
geometric mean, over kinds of structures, of its speed over the best combination of the case is shipped for the
kind of processor that this machine has. How far that carries is told by leaving one kind of structures out at a
time. The machine must do nothing else.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import numpy as np
from blocks import race, regenerate
from spgemm import PAGE, everything

from hpcbench import registry

if TYPE_CHECKING:
    import pandas as pd

GRID = {"SMALL_MAX": (16, 32), "LONG_ROWS": (4, 4096), "MERGE_MAX": (64, 128, 256), "MERGE_WIDTH": (16384,)}
HEADER = registry.kernel("spgemm").folder / "variants" / "choice.hpp"
KINDS = ("zen4", "others")  # of processors, in the order of the header
FAMILIES = ("er", "hypersparse", "road", "blockdiag", "ata", "amg", "fem", "rmat", "poisson")
MESHES = ("airfoil", "bar", "knot", "unit_cube")


def processor() -> str:
    """Which branch of the header the compiler takes here."""
    macros = subprocess.run(
        ["g++", "-march=native", "-dM", "-E", "-x", "c++", "/dev/null"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return KINDS[0] if re.search(r"__znver[34]__", macros) else KINDS[1]


def kind(case: str) -> str:
    """The kind of structure of a case; a matrix from a file is a kind of its own."""
    if case in MESHES:
        return "mesh"
    family = next((f for f in FAMILIES if re.fullmatch(rf"{f}[_0-9a-z]*", case)), None)
    return family or case


def losses() -> pd.DataFrame:
    """Log of every combination's speed over the best one's: a row per kind, a column per combination."""
    words = [w for name, values in GRID.items() for w in ("--param", f"{name}={','.join(map(str, values))}")]
    cases = everything("small", "medium", "large")
    frame = race(
        "choice", "--anchor", "gustavson", "--variant", "gustavson", *words, *cases, "--budget", "12"
    )
    frame = frame[frame.variant.str.contains("[", regex=False) & (frame.speedup > 0)]
    speeds = np.log(frame.pivot_table("speedup", "case", "variant"))
    over_best = speeds.sub(speeds.max(axis=1), axis=0)
    return over_best.groupby(kind).mean()


def fit() -> str:
    """Choose, write the header, and tell how the choice does on kinds that it was not fitted on."""
    table = losses()
    chosen = table.mean().idxmax()
    rows = [
        "| kind left out | chosen without it | its speed over the best combination there |",
        "|---|---|---|",
    ]
    shares = []
    for left_out, its in table.iterrows():
        without = table.drop(index=left_out).mean().idxmax()
        shares.append(float(np.exp(its[without])))
        rows.append(f"| {left_out} | {words(without)} | {shares[-1]:.2f} |")
    rows.append(
        f"| geometric mean of {len(shares)} | | **{np.exp(np.mean(np.log(shares))):.3f}** (least {min(shares):.2f}) |"
    )
    numbers = dict(re.findall(r"(\w+)=(\d+)", chosen))
    limits = ", ".join(numbers[name] for name in GRID)
    parts = HEADER.read_text().split("kFitted = {")
    place = 1 + KINDS.index(processor())
    parts[place] = limits + parts[place][parts[place].index("}") :]
    HEADER.write_text("kFitted = {".join(parts))
    return f"Shipped: {words(chosen)}.\n\n" + "\n".join(rows)


def words(variant: str) -> str:
    """The combination of a variant's label, as a sentence names it."""
    return ", ".join(f"{name} {value}" for name, value in re.findall(r"(\w+)=(\d+)", variant))


if __name__ == "__main__":
    regenerate(PAGE, {f"choice-{processor()}": fit})
