"""Frames, files and requests of the same values: one digest, and equal bits."""

from __future__ import annotations

import duckdb
import pandas
import polars
import pyarrow.csv
import pytest
from conftest import Example, program

import evenstep as es

TEXT = {"": None, "NA": None}


def arrow(example: Example) -> pyarrow.Table:
    """The file's cells as text: what they mean is for the spec to say."""
    names = pyarrow.csv.open_csv(example.csv).schema.names
    types = pyarrow.csv.ConvertOptions(column_types={name: pyarrow.string() for name in names})
    return pyarrow.csv.read_csv(example.csv, convert_options=types)


def frames(example: Example) -> dict[str, es.Data]:
    table = pyarrow.csv.read_csv(
        example.csv, convert_options=pyarrow.csv.ConvertOptions(null_values=["", "NA"], strings_can_be_null=True)
    )
    parquet = example.folder / "rows.parquet"
    pyarrow.parquet.write_table(table, parquet)
    return {
        "text": arrow(example),
        "pyarrow": table,
        "pandas": table.to_pandas(),
        "polars": polars.DataFrame(table),
        "duckdb": duckdb.sql(f"from '{parquet}'"),
        "parquet": str(parquet),
        "csv": example.csv,
    }


def test_every_kind_of_frame_gives_the_digest_of_the_command_line(example: Example) -> None:
    spec = es.Spec.read(example.spec)
    digests = {kind: spec.train(data, progress=False).digest for kind, data in frames(example).items()}
    digests["the spec's own source"] = spec.train().digest
    assert digests == dict.fromkeys(digests, example.told["digest"])


def test_scores_have_the_bits_of_the_command_line_and_of_a_request(example: Example) -> None:
    scores = example.folder / "scores.parquet"
    program("score", example.bundle, "--input", example.csv, "--output", scores, folder=example.folder)
    told = pyarrow.parquet.read_table(scores)
    bundle = es.open(example.bundle)
    for kind, data in frames(example).items():
        assert bundle.score(data).to_arrow().equals(told), kind
    rows = pandas.read_csv(example.csv, dtype=str, keep_default_na=False).drop(columns=bundle_target(bundle))
    rows = rows[:50].to_dict("records")
    wanted = set(bundle.inspect()["identity"]["inputs"]) | set(bundle.inspect()["identity"]["data"]["id"])
    answers = bundle.predict([{name: cell for name, cell in row.items() if name in wanted} for row in rows])
    assert [answer["prediction"] for answer in answers] == told["prediction"].to_pylist()[:50]
    assert [bundle.predict_one({n: c for n, c in row.items() if n in wanted}) for row in rows[:3]] == answers[:3]


def bundle_target(bundle: es.Bundle) -> str:
    target = bundle.inspect()["identity"]["data"]["target"]
    assert isinstance(target, str)
    return target
