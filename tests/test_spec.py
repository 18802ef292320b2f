"""Every record comes back from its JSON exactly, and a newer schema is refused by name."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcbench import codec, spec

RECORDS = [
    spec.Param("TILE", "build", 4, (1, 2, 4)),
    spec.Param("drop", "run", 0.5, low=0.0, high=1.0, log=True),
    spec.Candidate("spgemm", "cpp", "mpi", b"int x;\xff\x00", {"T": 4, "f": 0.5, "s": "a", "b": True}, ("-O3",), "me"),
    spec.Setting(2, 3, pages="cold"),
    spec.Budget(1.5, rounds=7),
    spec.Stage("compile", "not_checked", "no tool", 0.25, "gcc"),
    spec.Measurement("a", 1, 2, 3, 0.5, 0.25, 4, (0.1, 0.2), "setup"),
    spec.Skip("mkl", "spgemm", spec.Setting(), "not installed"),
    spec.Ranking("er", (("a", "b"), ("c",))),
    spec.Trial("t", {"omega": 1.5, "on": True}, 0.25, (1.0, 2.0)),
    spec.Task("t", ("run", "--case", "x"), 7),
    spec.Result("id", "v", "k", "c", "case", "hash", spec.Setting(), "m", "correct",
                (spec.Stage("verify", "correct"),), speedup=(1.0, 0.5, 2.0), aa=(1.0, 0.99, 1.01),
                told={"iterations": 57.0}, history=(1.0, 1e-9)),
]  # fmt: skip


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: type(r).__name__)
def test_a_record_survives_its_json(record):
    text = json.dumps(codec.encode(record))
    assert codec.decode(type(record), json.loads(text)) == record


def test_an_interval_without_bounds_is_null_in_json_and_nan_again():
    result = spec.Result(
        "id", "v", "k", "c", "x", "h", spec.Setting(), "m", "correct", speedup=(0.2, math.nan, math.nan)
    )
    body = json.loads(json.dumps(codec.encode(result), allow_nan=False))
    again = codec.decode(spec.Result, body)
    assert body["speedup"][1:] == [None, None]
    assert again.speedup[0] == 0.2
    assert math.isnan(again.speedup[2])


def test_an_unknown_field_names_itself():
    with pytest.raises(ValueError, match="unknown field 'colour'"):
        codec.decode(spec.Setting, {"ranks": 1, "colour": "red"})


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=200), st.dictionaries(st.text(min_size=1, max_size=8), st.integers() | st.booleans())
)
def test_any_source_and_any_params_survive(source, params):
    one = spec.Candidate("k", "c", "serial", source, params)
    assert codec.decode(spec.Candidate, json.loads(json.dumps(codec.encode(one)))) == one


def test_the_id_depends_on_what_is_compiled_and_not_on_who_proposed_it():
    one = spec.Candidate("k", "c", "serial", b"a", {"T": 1})
    assert one.id == spec.Candidate("k", "c", "serial", b"a", {"T": 1}, origin="x", parents=("y",)).id
    assert len({one.id, *(spec.Candidate("k", "c", m, s, {"T": t}).id
                          for m, s, t in [("openmp", b"a", 1), ("serial", b"b", 1), ("serial", b"a", 2)])}) == 4  # fmt: skip
