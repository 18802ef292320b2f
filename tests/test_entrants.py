"""Threads are for OpenMP models, ranks for MPI models; what cannot run is skipped with its reason."""

import pytest

from hpcbench import registry
from hpcbench.entrants import entries, settings
from hpcbench.variant import read_variant

KERNEL = registry.kernel("spgemm")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("serial", [(1, 1)]),
        ("openmp", [(1, 1), (1, 2)]),
        ("mpi", [(2, 1), (3, 1)]),
        ("mpi+openmp", [(2, 1), (2, 2), (3, 1), (3, 2)]),
    ],
)
def test_every_model_gets_the_settings_it_can_use(monkeypatch, model, expected):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(6)))
    assert [(s.ranks, s.threads) for s in settings(model, [2, 3], [1, 2], "prefaulted")] == expected


def test_one_call_asks_for_serial_threaded_and_mpi_arms():
    names = ["gustavson", "gustavson_omp", "gustavson_mpi"]
    found, skips = entries([KERNEL.variant(n) for n in names], [2], [1, 2])
    assert [e.label for e in found] == [
        "gustavson 1r x 1t", "gustavson_omp 1r x 1t", "gustavson_omp 1r x 2t", "gustavson_mpi 2r x 1t"
    ]  # fmt: skip
    assert not skips


def test_parameters_name_the_entry_and_leave_other_variants_alone():
    rows = [{"ACCUMULATOR": "dense"}, {"ACCUMULATOR": "hash"}]
    found, _ = entries([KERNEL.variant("gustavson"), KERNEL.variant("numba_rows")], [1], [1], params=rows)
    assert [e.name for e in found] == [
        "gustavson[ACCUMULATOR=dense]",
        "gustavson[ACCUMULATOR=hash]",
        "numba_rows",
    ]


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("<vector>", ""), ("<no/such/header>", "<no/such/header> is not installed (a folder"),
        ("libc.so", ""), ("libno_such.so", "libno_such.so is not installed (a folder"),
        ("scipy", ""), ("PyYAML_or_not", "pip install PyYAML_or_not"), ("import-linter", ""),
    ],
)  # fmt: skip
def test_what_is_missing_is_a_skip_with_what_would_bring_it(name, help, tmp_path):
    file = tmp_path / "peer.py"
    file.write_text(f'# /// hpcbench\n# model = "serial"\n# summary = "s"\n# requires = ["{name}"]\n# ///\n')
    found, skips = entries([read_variant("spgemm", file)], [1], [1])
    assert len(found) == (help == "")
    assert not help or help in skips[0].reason


def test_threads_in_ranks_have_a_processor_each_where_any_have(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})

    def pairs(ranks, threads):
        return [(s.ranks, s.threads) for s in settings("mpi+openmp", ranks, threads, "prefaulted")]

    assert pairs([1, 2], [1, 2]) == [(1, 1), (1, 2), (2, 1)]
    assert pairs([2], [2]) == [(2, 2)]
    assert len(settings("openmp", [1], [1, 2, 4], "prefaulted")) == 3
