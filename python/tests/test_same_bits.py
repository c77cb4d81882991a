"""Frames, files and requests of the same values: one digest, and equal bits."""

from __future__ import annotations

from typing import Any

import duckdb
import polars
import pyarrow.csv
import pyarrow.parquet
from conftest import Example, program

import evenstep as es

# What the target's column holds.
PREDICTED = {"houses": "float64", "titanic": "int64", "credit": "string"}


def arrow(example: Example) -> pyarrow.Table:
    """The file's cells as text: what else they are is for the spec to say."""
    names = pyarrow.csv.open_csv(example.csv).schema.names
    types = pyarrow.csv.ConvertOptions(column_types={name: pyarrow.string() for name in names})
    return pyarrow.csv.read_csv(example.csv, convert_options=types)


def table(example: Example) -> pyarrow.Table:
    """The file's cells as the types that they have."""
    missing = pyarrow.csv.ConvertOptions(null_values=["", "NA"], strings_can_be_null=True)
    return pyarrow.csv.read_csv(example.csv, convert_options=missing)


def frames(example: Example) -> dict[str, es.Data]:
    rows = table(example)
    parquet = example.folder / "rows.parquet"
    pyarrow.parquet.write_table(rows, parquet)
    return {
        "pyarrow": rows,
        "pandas": rows.to_pandas(),
        "polars": polars.DataFrame(rows),
        "duckdb": duckdb.sql(f"from '{parquet}'"),
        "parquet": str(parquet),
        "csv": example.csv,
    }


def test_every_kind_of_frame_gives_the_digest_of_the_command_line(example: Example) -> None:
    spec = es.Spec.read(example.spec)
    digests = {kind: spec.train(data, progress=False).digest for kind, data in frames(example).items()}
    digests["the spec's own source"] = spec.train().digest
    digests["text"] = declared(spec, es.open(example.bundle)).train(arrow(example), progress=False).digest
    assert digests == dict.fromkeys(digests, example.told["digest"])


def declared(spec: es.Spec, bundle: es.Bundle) -> es.Spec:
    """The spec with the types of all columns, as they were locked."""
    parts = spec.to_dict()
    for name, rule in bundle.inspect()["identity"]["contract"].items():
        parts.setdefault("contract", {}).setdefault(name, {})["type"] = rule["type"]
    return es.Spec.from_dict(parts, folder=spec.path.removesuffix("/pipeline.toml"))


def test_scores_have_the_bits_of_the_command_line_and_of_a_request(example: Example) -> None:
    scores = example.folder / "scores.parquet"
    program("score", example.bundle, "--input", example.csv, "--output", scores, folder=example.folder)
    told = pyarrow.parquet.read_table(scores)
    bundle = es.open(example.bundle)
    classes = told.schema.get_field_index("prediction"), "prediction", told["prediction"].cast(PREDICTED[example.name])
    for kind, data in {"text": arrow(example), **frames(example)}.items():
        assert bundle.score(data).to_arrow().equals(told.set_column(*classes)), kind
    rows = requests(bundle, table(example)[:50])
    answers = bundle.predict(rows)
    assert [answer["prediction"] for answer in answers] == told["prediction"].to_pylist()[:50]
    assert [bundle.predict_one(row) | {"id": answer["id"]} for row, answer in zip(rows, answers)] == answers
    with bundle.serve() as server:
        assert server.predict(rows) == answers


def requests(bundle: es.Bundle, rows: pyarrow.Table) -> list[dict[str, Any]]:
    """The rows as clients send them: what the bundle reads, and what tells them apart."""
    identity = bundle.inspect()["identity"]
    texts = {name for name, rule in identity["contract"].items() if rule["type"] == "category"}
    wanted = [name for name in rows.column_names if name in {*identity["inputs"], *identity["data"]["id"]}]
    cell = lambda name, cell: str(cell) if name in texts and cell is not None else cell  # noqa: E731
    return [{name: cell(name, row[name]) for name in wanted} for row in rows.to_pylist()]
