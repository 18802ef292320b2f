"""Writes docs/kernels/NAME.md: formula, variants with their sources, and a measured table.

    python docs/kernels.py [NAME ...]    (spmv …)

The machine must do nothing else.
"""

from __future__ import annotations

import sys
from pathlib import Path

from blocks import race, stamp

from hpcbench import registry

FOLDER = Path(__file__).with_name("kernels")
DOCUMENTED = {
    "spmv": "20",
    "spmm": "20",
    "sptrsv": "20",
    "solve": "90",
}  # seconds of measuring a case, of all arms


def page(name: str) -> str:
    """The page of kernel ``name``, measured on its small cases with one thread and two."""
    kernel = registry.kernel(name)
    command = ["--kernel", name, "--size", "small", "--threads", "1,2", "--budget", DOCUMENTED[name]]
    frame = race(f"kernel-{name}", *command)
    right = frame[frame.verdict == "correct"]
    base = kernel.module().BASELINE
    known = {(r.variant, r.threads) for r in right.itertuples()} - {(base, 1)}
    arms = sorted(known, key=lambda arm: ([v.name for v in kernel.variants()].index(arm[0]), arm[1]))
    found = {(r.case, r.variant, r.threads): r for r in right.itertuples()}
    cases = list(dict.fromkeys(right.case))
    spent = [_figures(1e6 * found[case, base, 1].call_s) for case in cases]
    rows = ["| arm | " + " | ".join(cases) + " |", "|---" * (len(cases) + 1) + "|"]
    rows += [f"| {base}, µs | " + " | ".join(spent) + " |"]
    for variant, threads in arms:
        cells = [found.get((case, variant, threads)) for case in cases]
        words = [f"{r.speedup:.2f}" if r else "" for r in cells]
        rows.append(f"| {variant} {threads}t | " + " | ".join(words) + " |")
    contracts = [f"- `{contract}`: {text}" for contract, text in kernel.contracts.items()]
    variants = ["| variant | model | what it does | after |", "|---|---|---|---|"]
    for v in kernel.variants():
        params = "; ".join(
            f"`{p.name}` of {', '.join(map(str, p.values))}"
            if p.values
            else f"`{p.name}` from {p.low} to {p.high}"
            for p in v.params
        )
        variants.append(f"| {v.name} | {v.model} | {v.summary}{f' ({params})' * bool(params)} | {v.source} |")
    least = min(r.rounds for r in right.itertuples() if r.rounds)
    timed = "a run after its setup" if kernel.phase == "run" else "setup and run together"
    return "\n".join([
        f"# {name}", "", f"{kernel.summary[0].upper()}{kernel.summary[1:]}. {kernel.source}.", "",
        (kernel.module().__doc__ or "").partition(": ")[2].partition(";")[0] + ".", "", *contracts, "",
        f"Timed is {timed}. What a variant must keep to stands in "
        f"[abi.h](../../hpcbench/kernels/{name}/abi.h).", "", "## Variants", "", *variants, "",
        "## Measured", "", f"`hpcbench run {' '.join(command)}`: times the speed of "
        f"`{base}`, of which one call's time is shown: medians of {least:.0f} rounds or more.", "", *rows, "",
        f"Measured {stamp()}.", "",
    ])  # fmt: skip


def _figures(value: float) -> str:
    """Three of them."""
    return f"{value:,.3g}" if value < 1000 else f"{float(f'{value:.3g}'):,.0f}"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for wanted in sys.argv[1:] or DOCUMENTED:
        (FOLDER / f"{wanted}.md").write_text(page(wanted))
