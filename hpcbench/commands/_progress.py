"""Progress of a race on standard error: one line that renews itself on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any


class Progress:
    """Draws events; pass the instance as ``on_event``."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.begun = time.monotonic()
        self._last = ("", 0.0)

    def __call__(self, kind: str, body: Mapping[str, Any]) -> None:
        """Draw one event; without a terminal, one line per stage and then one every ten seconds."""
        now = time.monotonic()
        stage, when = self._last
        here = kind + body.get("name", "")
        fresh = stage != here
        if not (fresh or now - when > (0.1 if self.live else 10.0)):
            return
        self._last = (here, now)
        line = f"[{now - self.begun:5.1f} s] {body.get('case', '')}: {self._words(kind, body)}"
        if self.live:
            print(f"\r\033[K{line[:79]}", end="", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the live line away."""
        if self.live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    @staticmethod
    def _words(kind: str, body: Mapping[str, Any]) -> str:
        if kind == "stage":
            return (
                f"{body['name']}: {'passed' if body['code'] == 'correct' else body['code'].replace('_', ' ')}"
            )
        if kind == "build":
            return f"building {body['done']} of {body['of']}"
        if kind == "inputs":
            return "making inputs and the oracle's answer"
        if kind == "verify":
            return f"verifying {body['arms']} arms in fresh processes"
        if kind == "round":
            return f"round {body['round']} of at most {body['of']}, {body['arms']} arms"
        if kind == "step":
            return f"{body['name']} {body['done']} of {body['of']}"
        return f"measuring the winner again: {body['arm']}"
