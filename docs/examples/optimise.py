"""An outside optimiser in a few lines: proposes compiler flags for a kernel, and has each judged.

python docs/examples/optimise.py docs/examples/rows.c
"""

import json
import subprocess
import sys
from pathlib import Path

source, best = Path(sys.argv[1]), (0.0, "")
for flags in ('"-O1"', '"-O2"', '"-O3", "-march=native"', '"-O3", "-march=native", "-funroll-loops"'):
    header = f'// /// hpcbench\n// model = "serial"\n// summary = "proposed"\n// flags = [{flags}]\n// ///\n'
    proposal = Path("proposal").with_suffix(source.suffix)
    proposal.write_text(header + source.read_text())
    command = [
        sys.executable,
        "-P",
        "-m",
        "hpcbench",
        "judge",
        proposal,
        "--case",
        "amg_rap",
        "--budget",
        "5",
        "--json",
    ]
    result = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)
    speedup = result["speedup"] or (0.0, 0.0, 0.0)
    print(f"{flags:45} {result['verdict']:11} {speedup[0]:.2f}x [{speedup[1]:.2f}, {speedup[2]:.2f}]")
    best = max(best, (speedup[1], flags))  # by the lower bound: a lucky one must not win
print("best:", best[1])
