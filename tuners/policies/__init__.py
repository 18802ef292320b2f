"""Policies, one file each: ``POLICY`` is a class with the contract of :class:`hpcbench.protocols.Policy`.

To add one: a module whose class derives from :class:`tuners.policy.Discrete` and has ``draw``, ``learn`` and
``FIELDS`` (or from :class:`tuners.policy.Randomised`, with ``chances`` for ``draw``), its docstring the rule as a
formula, its paper and the regret bound where one is proved. Before another policy's class,
:class:`tuners.restarting.Restarting` makes one that begins anew when costs have changed.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from tuners.policy import Discrete, PolicyError


def names() -> list[str]:
    """All policies, by name."""
    return sorted(file.stem for file in Path(__file__).parent.glob("[a-z]*.py"))


def policy(name: str) -> type[Discrete]:
    """The class of a policy.

    Raises
    ------
    PolicyError
        When there is none of that name.
    """
    if name not in names():
        raise PolicyError(f"--policy {name}: one of {', '.join(names())} is expected")
    found: type[Discrete] = importlib.import_module(f"tuners.policies.{name}").POLICY
    return found
