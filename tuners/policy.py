"""What all policies over few arms share; the contract is :class:`hpcbench.protocols.Policy`."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hpcbench.codec import digest, encode
from hpcbench.spec import HpcbenchError, Trial, Value

VERSION = 1


class PolicyError(HpcbenchError):
    """A policy that was told what cannot be, or given the state of another one."""


class Discrete(ABC):
    """A policy over a list of arms; a subclass says how it draws and learns.

    Parameters
    ----------
    arms : in the order of their index.
    scale : a cost that is hardly ever exceeded; costs are learned in its units, and cut at 1 unless ``CUT`` is off.
    bounds : least and greatest context.
    seed : of its draws.

    Raises
    ------
    PolicyError
        When there is no arm.
    """

    FIELDS: tuple[str, ...] = ()  # arrays of what was learned
    CUT = True

    def __init__(
        self,
        arms: Sequence[Mapping[str, Value]],
        *,
        scale: float = 1.0,
        bounds: tuple[float, float] = (0.0, 1.0),
        seed: int = 0,
    ):
        if not arms:
            raise PolicyError("a policy needs at least one arm")
        self.arms, self.scale, self.bounds = list(arms), scale, bounds
        self.rng = np.random.default_rng(seed)
        self.told = 0
        self._next = 0
        self._open: dict[str, tuple[int, float | None, float]] = {}

    def ask(self, context: Sequence[float] | None = None) -> Trial:
        """Draw an arm."""
        low, high = self.bounds
        at = 2 * (context[0] - low) / (high - low) - 1 if context else 0.0
        at = min(max(at, -1.0), 1.0)
        k, chance = self.draw(at)
        trial = Trial(str(self._next), self.arms[k], chance, tuple(context or ()))
        self._open[trial.id] = k, chance, at
        self._next += 1
        return trial

    def tell(self, trial: Trial, cost: float, *, censored: bool = False) -> None:
        """Learn; a censored cost counts as ``scale``, or as itself where it is greater and not cut.

        Raises
        ------
        PolicyError
            When the trial is not open, for it was told or another policy's, or the cost is no number.
        """
        if trial.id not in self._open:
            raise PolicyError(f"trial {trial.id} is not open: it was told before, or is another policy's")
        if not math.isfinite(cost):
            raise PolicyError(f"trial {trial.id}: its cost is not a number; tell a failure as censored")
        k, chance, at = self._open.pop(trial.id)
        self.told += 1
        share = max(cost / self.scale, 1.0 if censored else 0.0)
        self.learn(k, chance, at, min(share, 1.0) if self.CUT else share)

    @abstractmethod
    def draw(self, at: float) -> tuple[int, float | None]:
        """An arm where the context is ``at``, in [-1, 1], and its probability, if that is known."""

    @abstractmethod
    def learn(self, arm: int, chance: float | None, at: float, cost: float) -> None:
        """Learn from a cost, in units of ``scale``, of an arm that was drawn with ``chance``."""

    def state(self) -> dict[str, Any]:
        """State of the draws and of all that was learned, and which arms it is about."""
        body = {name: getattr(self, name).tolist() for name in self.FIELDS}
        return body | {
            "policy": type(self).__name__, "version": VERSION, "arms": digest(encode(self.arms)),
            "rng": self.rng.bit_generator.state, "told": self.told, "next": self._next,
            "open": {k: list(v) for k, v in self._open.items()},
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state.

        Raises
        ------
        PolicyError
            When it is of another policy, of other arms, or of a newer version.
        """
        expected = {"policy": type(self).__name__, "version": VERSION, "arms": digest(encode(self.arms))}
        for key, value in expected.items():
            if state.get(key) != value:
                raise PolicyError(f"this state is of {key} {state.get(key)!r}, not of {value!r}")
        for name in self.FIELDS:
            mine = getattr(self, name)
            setattr(self, name, np.array(state[name], mine.dtype).reshape(-1, *mine.shape[1:]))
        self.rng.bit_generator.state = state["rng"]
        self.told, self._next = state["told"], state["next"]
        self._open = {k: (int(v[0]), v[1], v[2]) for k, v in state["open"].items()}


class Randomised(Discrete):
    """A policy that draws every arm with a probability that it knows."""

    def draw(self, at: float) -> tuple[int, float]:
        """By its chances."""
        chances = self.chances(at)
        place = np.searchsorted(np.cumsum(chances), self.rng.uniform() * chances.sum())
        k = int(min(place, len(chances) - 1))
        return k, float(chances[k])

    @abstractmethod
    def chances(self, at: float) -> np.ndarray:
        """The probability of every arm where the context is ``at``, in [-1, 1]."""
