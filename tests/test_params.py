"""Values, bounds and restrictions of parameters: read as data, walked, never executed."""

import pytest

from hpcbench.entrants import entries
from hpcbench.params import declared, violated
from hpcbench.registry import kernel
from hpcbench.variant import RegistryError

PARAMS = {
    "TILE": {"default": 32, "values": [16, 32, 64]},
    "UNROLL": {"default": 4, "low": 1, "high": 16},
    "KIND": {"default": "auto"},
}


def broken(restriction, **chosen):
    params, restrictions = declared({"params": PARAMS, "restrictions": [restriction] if restriction else []})
    return violated(params, restrictions, {"TILE": 32, "UNROLL": 4, "KIND": "auto", **chosen})


@pytest.mark.parametrize(
    ("restriction", "chosen", "said"),
    [
        ("", {"TILE": 8}, "TILE=8: one of 16, 32, 64 is expected"),
        ("", {"UNROLL": 17}, "UNROLL=17: outside [1, 16]"),
        ("", {"UNROLL": float("nan")}, "UNROLL=nan: neither"),
        ("", {"UNROLL": "four"}, "UNROLL=four: outside"),
        ("", {"KIND": "a b"}, "KIND=a b: neither"),
        ("TILE % UNROLL == 0", {"UNROLL": 5}, "needs TILE % UNROLL == 0; has TILE=32, UNROLL=5"),
        ("UNROLL <= 8 or TILE == 64", {"UNROLL": 9}, "UNROLL=9, TILE=32"),
        ("1 < UNROLL < TILE", {"UNROLL": 1}, "has UNROLL=1, TILE=32"),
        ("KIND in ('auto', 'dense') and not UNROLL == 7", {"KIND": "merge"}, "KIND=merge"),
        ("TILE // (UNROLL - 4) > 0", {}, "division"),
        ("KIND * 9 == 1", {}, "no number"),
        ("TILE", {}, "needs TILE; has TILE=32"),
    ],
)
def test_what_is_broken_is_said_with_its_values(restriction, chosen, said):
    assert said in broken(restriction, **chosen)


@pytest.mark.parametrize(
    "restriction",
    [
        "",
        "TILE % UNROLL == 0",
        "-UNROLL + 2 * TILE / 4 >= 12",
        "KIND != 'merge' or UNROLL not in (1, 2)",
        "1 < UNROLL < TILE",
    ],
)
def test_what_holds_says_nothing(restriction):
    assert broken(restriction) == ""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"params": [{"TILE": 8}]}, "params is a table: params.TILE = {default = 32"),
        ({"restrictions": ["TILE ** 9 > 1"]}, "Pow"),
        ({"restrictions": ["__import__('os')"]}, "Call"),
        ({"restrictions": ["TILE.x == 1"]}, "Attribute"),
        ({"restrictions": ["ROWS == 1"]}, "ROWS is no parameter"),
        ({"restrictions": ["TILE == None"]}, "None is no number"),
        ({"restrictions": ["TILE =="]}, "no expression"),
        ({"restrictions": ["(" * 300]}, "no expression"),
        ({"restrictions": ["1 <" * 300 + "TILE"]}, "longer"),
        ({"restrictions": "TILE"}, "list of texts"),
        ({"params": {"TILE": 1}}, "default"),
        ({"params": {"TILE": {"low": 1}}}, "default"),
        ({"params": {"TILE": {"default": 1, "colour": 1}}}, "colour"),
        ({"params": {"TILE": {"default": [1]}}}, "neither"),
        ({"params": {"TILE": {"default": 2**63}}}, "neither"),
        ({"params": {"TILE": {"default": 1, "low": "x"}}}, "low and high"),
        ({"params": {"TILE": {"default": 1, "when": "never"}}}, "build or run"),
        ({"params": [1]}, "default"),
        ({"params": {"X": {"default": 1, "name": "Y"}}}, "a C name"),
        ({"params": {"A b(c)": {"default": 1}}}, "a C name"),
        ({"params": {f"P{k}": {"default": 1} for k in range(65)}}, "more than 64"),
    ],
)
def test_a_header_that_says_something_else_is_refused(body, said):
    with pytest.raises(ValueError, match=said):
        declared({"params": PARAMS, **body})


def test_a_whole_number_for_a_double_is_one():
    value = kernel("solve").variant("sor").candidate({"omega": 1}).params["omega"]
    assert (value, type(value)) == (1.0, float)


def test_our_own_variants_leave_out_what_would_be_the_same_program_twice():
    variant = kernel("spgemm").variant("gustavson_omp")
    with pytest.raises(RegistryError, match="needs ACCUMULATOR == 'auto' or"):
        variant.candidate({"ACCUMULATOR": "dense", "MERGE_MAX": 64})
    grid = [{"ACCUMULATOR": a, "MERGE_MAX": m} for a in ("auto", "dense") for m in (0, 64)]
    found, skips = entries([variant], [1], [1], params=grid)
    assert [entry.name.partition("[")[2] for entry in found] == [
        "ACCUMULATOR=auto,MERGE_MAX=0]", "ACCUMULATOR=auto,MERGE_MAX=64]", "ACCUMULATOR=dense,MERGE_MAX=0]",
    ]  # fmt: skip
    assert [(skip.variant, skip.reason.partition("; ")[2]) for skip in skips] == [
        ("gustavson_omp[ACCUMULATOR=dense,MERGE_MAX=64]", "has ACCUMULATOR=dense, MERGE_MAX=64")
    ]
