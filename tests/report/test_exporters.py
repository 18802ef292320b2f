"""What is written for other tools is read back, by their own readers where there are such."""

import io
import json
from importlib import resources

import pandas as pd
import pytest

from hpcbench.report import frames
from hpcbench.report.exporters import csv, gbench, parquet, reframe, t4
from hpcbench.spec import Code


def test_csv_and_parquet_hold_what_the_frames_hold(evidence):
    table = pd.read_csv(io.BytesIO(csv.render(evidence)))
    assert list(table["variant"]) == list(frames.results_frame(evidence)["variant"])
    samples = pd.read_parquet(io.BytesIO(parquet.render(evidence)))
    expected = frames.samples_frame(evidence)
    assert len(samples) == len(expected) > 0
    assert (samples["wall_s"] == expected["wall_s"]).all()


def test_t4_is_what_kernel_tuner_asks_for(evidence):
    import jsonschema

    schema = json.loads(
        resources.files("kernel_tuner.schema.T4").joinpath("1.0.0/results-schema.json").read_text()
    )
    body = json.loads(t4.render(evidence))
    jsonschema.validate(body, schema)
    assert len(body["results"]) == len(evidence.results)
    allowed = set(schema["properties"]["results"]["items"]["properties"]["invalidity"]["enum"])
    codes = set(Code.__args__)
    assert {t4.INVALIDITY.get(code, code) for code in codes} <= allowed
    for row, result in zip(body["results"], evidence.results, strict=True):
        assert (row["correctness"] == 1) == (result.verdict == "correct")
        if result.call_s is not None:
            assert row["measurements"][0]["value"] == pytest.approx(1e3 * result.call_s)
    assert any(row["times"]["runtimes"] for row in body["results"])


def test_google_benchmark_has_a_repetition_per_round(evidence):
    body = json.loads(gbench.render(evidence))
    assert {"host_name", "num_cpus", "caches"} <= set(body["context"])
    table = pd.DataFrame(body["benchmarks"])
    assert (
        table.groupby("name")["repetition_index"].max() + 1 == table.groupby("name")["repetitions"].first()
    ).all()
    for result in (r for r in evidence.results if r.case == "er60k"):
        mine = table[
            table["name"].str.contains(
                f"/{result.case}/{result.variant}/ranks:{result.setting.ranks}/", regex=False
            )
        ]
        if len(mine) and result.call_s:
            assert mine["real_time"].median() == pytest.approx(1e6 * result.call_s, rel=0.2)


def test_a_reframe_log_names_every_field_and_ends_every_line_alike(evidence):
    table = pd.read_csv(io.BytesIO(reframe.render(evidence)), sep="|")
    assert len(table) == len(evidence.results)
    assert set(table["result"]) <= {"pass", "fail"}
    assert list(table["num_tasks"]) == [r.setting.ranks for r in evidence.results]
    right = table[table["result"] == "pass"]
    assert (right["pval"] > 0).all()
