"""The local Executor: runs tasks one after the other, each in its own process, on this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from hpcbench.spec import Task


class LocalExecutor:
    """Runs each task as ``python -P -m hpcbench …``; one at a time, since tasks measure.

    Parameters
    ----------
    runs : folder of the journals; task ``id`` writes ``runs/id.jsonl``.

    Attributes
    ----------
    codes : exit code of every task that has ended, by id.
    """

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self.codes: dict[str, int] = {}

    def map(self, tasks: Sequence[Task]) -> list[str]:
        """Run all tasks; the paths of the journals that came to be, in the order of the tasks.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C, once the running task has put its results away.
        """
        paths = []
        for task in tasks:
            path = self.runs / f"{task.id}.jsonl"
            command = [sys.executable, "-P", "-m", "hpcbench", *task.argv, "--seed", str(task.seed)]
            child = subprocess.Popen([*command, "--journal", str(path)])
            try:
                self.codes[task.id] = child.wait()
            except KeyboardInterrupt:
                child.wait()
                raise
            if path.exists():
                paths.append(str(path))
        return paths
