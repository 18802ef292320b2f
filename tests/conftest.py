"""The fixture that races candidates of a test for real, and the option that leaves layers of the wall out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from races import Outcome, small
from scipy.sparse import csr_array

from hpcbench import launch, registry, sandbox
from hpcbench.case import Case
from hpcbench.contender import Entry
from hpcbench.entrants import settings
from hpcbench.evaluate import open_race
from hpcbench.spec import Budget, Setting
from hpcbench.store import Journal


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--without",
        type=int,
        default=0,
        metavar="BITS",
        help=f"layers of the wall to leave out: {sandbox.LAYERS}",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest goes first, so that nobody waits for it in the end."""
    longest = ("test_evaluate.py", "test_faults.py", "test_policies.py")
    items.sort(key=lambda item: item.path.name not in longest)


@pytest.fixture(autouse=True)
def without(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has every wall of the test stand without the layers of ``--without``."""
    bits = request.config.getoption("--without")
    if not bits:
        return
    wall, inside = Entry.wall, launch.inside

    def lower(self: Entry, program: object) -> sandbox.Wall | None:
        found = wall(self, program)
        return found and replace(found, without=bits)

    monkeypatch.setattr(Entry, "wall", lower)
    monkeypatch.setattr(
        launch,
        "inside",
        lambda scratch, readable, tool="", without=0: inside(scratch, readable, tool, bits | without),
    )


@pytest.fixture
def race(tmp_path: Path) -> Callable[..., Outcome]:
    """Races candidates against scipy on a small random product."""

    def run(
        entries: Sequence[Entry], matrix: csr_array | None = None, contract: str = "sorted", rounds: int = 16,
        seed: int = 1, upto: str = "measure", second: csr_array | None = None, on_event: Callable = lambda *_: None,
        pages: str = "prefaulted",
    ) -> Outcome:  # fmt: skip
        kernel = registry.kernel("spgemm")
        module = kernel.module()
        a = small(60, 300) if matrix is None else matrix
        b = a if second is None else second

        def make(rng: np.random.Generator) -> object:
            return module.product(a, b, contract, rng)

        anchor = Entry(kernel.variant("scipy_csr").candidate(), Setting(pages=pages), "scipy_csr")
        journal = Journal.create(tmp_path / "runs")
        case = Case("small", kernel, contract, make)
        with open_race(
            case, anchor, seed=seed, on_event=on_event, journal=journal, machine_id="test"
        ) as opened:
            results = opened.evaluate(entries, Budget(deadline=60, rounds=rounds), upto=upto)
            journal.close()
            found = {r.variant: r for r in results}
            return Outcome(found, opened.skips, opened.samples, opened.interrupted, journal.path)

    return run


@pytest.fixture
def wrong() -> Callable[..., dict[str, str]]:
    """Verifies candidates on named inputs of different structures; what is wrong, by the entry's name."""

    def run(
        kernel: str, entries: Sequence[Entry], inputs: Mapping[str, object], contract: str = ""
    ) -> dict[str, str]:
        known = registry.kernel(kernel)
        contract = contract or next(iter(known.contracts))
        base = known.variant(known.baseline(contract))
        anchor = Entry(base.candidate(), settings(base.model, [1], [1], "prefaulted")[0], base.name)
        case = Case("shapes", known, contract, lambda _: list(inputs.values()), tuple(inputs))
        with open_race(
            case, anchor, seed=1, on_event=lambda *_: None, journal=None, machine_id="test"
        ) as opened:
            results = opened.evaluate(entries, Budget(), upto="verify")
        assert len(results) == len(entries), opened.skips
        return {r.variant: r.stages[-1].message for r in results if r.verdict != "correct"}

    return run
