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
    words = f"-P -m hpcbench judge {proposal} --case amg_rap --budget 5 --json"
    done = subprocess.run([sys.executable, *words.split()], stdout=subprocess.PIPE)
    if done.returncode > 1:  # no verdict: what stands on standard error is not the proposal's fault
        sys.exit(done.returncode)
    result = json.loads(done.stdout)
    median, low, _ = result["speedup"] or (0.0, 0.0, 0.0)  # null where a bound is not known
    print(f"{flags:45} {result['verdict']:11} {median:.2f}x, at least {low or 0.0:.2f}x")
    best = max(best, (low or 0.0, flags))  # by the lower bound: a lucky one must not win
print("best:", best[1])
