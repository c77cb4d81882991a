"""The types of a frame are what its columns are: a text is a text, and a row of the frame is answered as the frame is."""

from __future__ import annotations

import datetime
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy
import pandas
import polars
import pyarrow
import pytest

import evenstep as es

ROWS = 120
DIGITS = [str(n * 7 % 10) for n in range(ROWS)]


def frame(z: Any) -> pandas.DataFrame:
    numbers = range(ROWS)
    rows = pandas.DataFrame({"x": [n % 7 + 0.5 for n in numbers], "y": [n * 3 % 11 * 1.5 for n in numbers]})
    return rows.assign(z=z)


def kind(bundle: es.Bundle) -> str:
    return str(bundle.inspect()["identity"]["contract"]["z"]["type"])


def trained(rows: es.Data) -> es.Bundle:
    return es.init(rows, target="y").train(rows, progress=False).bundle


@pytest.mark.parametrize(
    "cells",
    [
        DIGITS,
        ["0.5", "1.5", "2"] * 40,
        ["true", "false"] * 60,
        pandas.Categorical(DIGITS),
        pandas.Categorical([n % 10 for n in range(ROWS)]),
        pandas.Categorical([n % 10 / 4 for n in range(ROWS)]),
        pandas.Categorical([n % 2 == 0 for n in range(ROWS)]),
        pandas.cut(pandas.Series(range(ROWS)), 4),
    ],
)
def test_texts_and_categoricals_are_categories_whatever_they_read_as(cells: Any) -> None:
    rows = frame(cells)
    bundle = trained(rows)
    assert kind(bundle) == "category"
    scores = bundle.score(rows).to_pandas()["prediction"].tolist()
    answers = bundle.predict(rows.drop(columns="y").to_dict("records"))
    assert [answer["prediction"] for answer in answers] == scores
    as_text = rows.assign(z=rows["z"].map(lambda cell: str(cell).removesuffix(".0").replace("True", "true").replace("False", "false")))
    assert bundle.score(as_text).to_pandas()["prediction"].tolist() == scores, "by their texts"


def test_texts_of_polars_and_arrow_are_texts_and_their_dictionaries_of_numbers_are_numbers() -> None:
    rows = frame(DIGITS)
    digest = trained(rows).digest
    for table in (polars.DataFrame(rows), pyarrow.Table.from_pandas(rows), rows.astype({"z": "string"})):
        assert trained(table).digest == digest
    assert trained(polars.DataFrame(rows).with_columns(polars.col("z").cast(polars.Categorical))).digest == digest
    assert trained(pyarrow.Table.from_pandas(rows.astype({"z": "category"}))).digest == digest
    coded = pyarrow.table({"x": rows["x"], "y": rows["y"], "z": pyarrow.array([n % 10 for n in range(ROWS)]).dictionary_encode()})
    assert kind(trained(coded)) == "integer", "only how they are stored"


def test_objects_that_are_numbers_are_numbers() -> None:
    for cells, told in [
        ([1, 2.5, None] * 40, "number"),
        ([1, 2, None] * 40, "integer"),
        ([10**30, 7, 3] * 40, "number"),
        ([-(2**63), 7, None] * 40, "number"),
        ([Decimal("1.5"), Decimal("2.5")] * 60, "number"),
        ([Decimal("1.5"), 2, 2.5, pandas.NaT] * 30, "number"),
        ([1.5, pandas.NaT, 2.5] * 40, "number"),
        (["a", pandas.NaT, "b"] * 40, "category"),
        ([True, False, None] * 40, "boolean"),
    ]:
        assert kind(trained(frame(pandas.Series(cells, dtype=object)))) == told, cells[0]
    with pytest.raises(es.DataError, match="column `z` has an integer that is too large"):
        trained(frame(pandas.Series([10**400, 1] * 60, dtype=object)))
    with pytest.raises(es.DataError, match="column `z` is a categorical whose levels are of several types"):
        trained(frame(pandas.Categorical([1, "a"] * 60)))


def test_a_frame_and_its_file_give_one_digest(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    for cells in (
        ["1", "2", "3", "?"] * 30,
        ["2024-01-0%d" % (n % 9 + 1) for n in range(ROWS)],
        [True, False] * 60,
        [10**30 * n for n in range(ROWS)],
        [2**63 + n % 9 for n in range(ROWS)],
        [2**64 + n if n % 5 else 0.5 for n in range(ROWS)],
        ["a", None, "b"] * 40,
    ):
        frame(pandas.Series(cells, dtype=object)).to_csv(path, index=False)
        spec = es.init(path, target="y", name="p")
        rows = pandas.read_csv(path)
        assert spec.train(rows).digest == spec.train().digest == es.init(rows, target="y", name="p").train(rows).digest


def test_a_spec_gives_one_digest_also_where_one_that_is_proposed_anew_would_be_another(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    frame(["NA", "b", "c"] * 40).to_csv(path, index=False)
    spec, rows = es.init(path, target="y", name="p"), pandas.read_csv(path)
    assert spec.train(rows).digest == spec.train().digest
    proposed = es.init(rows, target="y", name="p")
    assert (spec.to_dict()["data"]["missing"], proposed.to_dict()["data"]["missing"]) == (["", "NA"], [""])
    assert proposed.train(rows).digest != spec.train().digest, "what stands for a missing value is of the digest"


CATEGORY = """\
[pipeline]
name = "p"
seed = 1
[data]
target = "y"
id = "id"
[contract]
id = { type = "category" }
z = { type = "category", unseen = "reject" }
[model]
use = "boosted_trees"
trees = 3
"""


def test_integers_of_more_than_64_bits_keep_their_digits_as_ids_and_as_categories() -> None:
    bundle = es.Spec(CATEGORY.replace("reject", "other")).train(frame(DIGITS).assign(id=range(ROWS)), progress=False).bundle
    for ids in ([2**63, 2**63 + 1], [2**64 + 1, 2**64 + 2], [-(2**70), 5], [10**60, 10**60 + 1]):
        rows = pandas.DataFrame({"id": pandas.Series(ids, dtype=object), "x": 1.5, "z": pandas.Series(ids, dtype=object)})
        told = [str(id) for id in ids]
        assert bundle.score(rows).to_arrow()["id"].to_pylist() == told
        assert [answer["id"] for answer in bundle.predict(rows.to_dict("records"))] == told
    small = pandas.DataFrame({"id": numpy.arange(2, dtype="uint64") + numpy.uint64(2**63), "x": 1.5, "z": "1"})
    assert [answer["id"] for answer in bundle.predict(small.to_dict("records"))] == bundle.score(small).to_arrow()["id"].to_pylist()


@pytest.mark.parametrize(
    "cells",
    [
        [datetime.date(2024, 1, 1 + n % 9) for n in range(ROWS)],
        [datetime.datetime(2024, 1, 1 + n % 9, 12) for n in range(ROWS)],
        [datetime.datetime(2024, 1, 1 + n % 9, 12, 0, 0, 250000, datetime.timezone(datetime.timedelta(hours=2))) for n in range(ROWS)],
        [datetime.time(n % 9, 30) for n in range(ROWS)],
        [Decimal(n % 9) / 4 for n in range(ROWS)],
        [Decimal(n % 9).scaleb(2) for n in range(ROWS)],
        [uuid.UUID(int=n % 9) for n in range(ROWS)],
        [n % 9 / 4 for n in range(ROWS)],
    ],
)
def test_a_category_is_spelled_alike_in_frames_and_in_rows(cells: Any) -> None:
    rows = frame(pandas.Series(cells, dtype=object)).assign(id=range(ROWS))
    bundle = es.Spec(CATEGORY).train(rows, progress=False).bundle
    scores = bundle.score(rows).to_arrow()
    answers = bundle.predict(rows.drop(columns="y").to_dict("records"))
    assert [answer["prediction"] for answer in answers] == scores["prediction"].to_pylist()


def test_what_no_cell_can_be_is_refused_without_what_tells_of_people() -> None:
    zoned = datetime.time(1, 30, tzinfo=datetime.timezone.utc)
    bundle = es.Spec(CATEGORY.replace('"reject"', '"reject", personal = true')).train(frame(DIGITS).assign(id=range(ROWS))).bundle
    for cells, what in (([zoned, None], "a `time`"), ([{"secret": 1}, None], "a `dict`"), ([{"secret": 1}, "a"], "a `str`")):
        rows = pandas.DataFrame({"id": range(2), "x": 1.5, "z": pandas.Series(cells, dtype=object)})
        with pytest.raises(es.DataError, match=f"column `z` holds objects(?s:.*){what}") as raised:
            bundle.score(rows)
        assert "secret" not in str(raised.value) and "1, 30" not in str(raised.value)
        with pytest.raises(es.DataError, match=f"column `z` holds objects(?s:.*){what}, "):
            es.init(rows, target="x")
    with pytest.raises(es.DataError, match="`z`: no cell can be a time"):
        bundle.predict([{"id": "1", "x": 1.5, "z": zoned}])


def test_sparse_columns_are_columns() -> None:
    rows = frame([n % 3 == 0 for n in range(ROWS)])
    sparse = rows.assign(z=pandas.arrays.SparseArray(rows["z"]))
    assert trained(sparse).digest == trained(rows).digest


def test_columns_are_named_by_texts() -> None:
    rows = frame(DIGITS)
    with pytest.raises(es.DataError, match=r"a column is named by 2 parts, `\('x', 1\)`"):
        trained(rows.set_axis(pandas.MultiIndex.from_product([["x"], [1, 2, 3]]), axis=1))
    numbered = rows.set_axis([0, 1, 2], axis=1)
    for target in (1, numbered.columns[1]):
        with pytest.raises(es.DataError, match="(?s)a column is named by a text, and .*1.* is `'1'` here"):
            es.init(numbered, target=target)
    assert es.init(numbered, target="1").target == "1"


def test_an_index_that_counts_and_has_a_name_is_a_column() -> None:
    rows = frame(DIGITS)
    assert es.init(rows.set_axis(pandas.RangeIndex(ROWS, name=0)), target="y").to_dict()["data"]["id"] == "0"
    named = rows.set_axis(pandas.RangeIndex(ROWS, name="id"))
    told = rows.assign(id=range(ROWS))
    assert es.init(named, target="y").to_dict() == es.init(told, target="y").to_dict()
    assert trained(named).digest == trained(told).digest
    assert named.index.equals(pandas.RangeIndex(ROWS)), "the frame itself is as it was"


def test_quantities_that_are_texts_are_told_and_read_as_numbers_where_the_contract_says_so() -> None:
    rows = frame([f"{n % 20 * 0.5}" for n in range(ROWS)])
    [note] = [note for note in es.init(rows.assign(z=rows["z"].astype(float)), target="y").train(rows).notes if "`z`" in note]
    assert "`z` is text, and each text is a word of its own, though all of its 120 values are numbers" in note
    spec = es.Spec('[pipeline]\nname = "p"\nseed = 1\n[data]\ntarget = "y"\n[contract]\nz = { type = "number" }\n[model]\nuse = "ridge"\n')
    told = spec.train(rows)
    assert told.digest == spec.train(rows.assign(z=rows["z"].astype(float))).digest
    assert not [note for note in told.notes if "`z`" in note]
    assert not [note for note in es.init(frame(DIGITS), target="y").train(frame(DIGITS)).notes if "`z`" in note], "codes"


def test_a_target_of_numbers_that_are_texts_is_told_what_to_do() -> None:
    spec = es.Spec('[pipeline]\nname = "p"\nseed = 1\n[data]\ntarget = "z"\ntask = "regression"\n[model]\nuse = "ridge"\n')
    with pytest.raises(es.SpecError, match=r"the target `z` is of type category(?s:.*)all its texts are numbers: give numbers, or say"):
        spec.train(frame(DIGITS))
    with pytest.raises(es.SpecError) as raised:
        spec.train(frame(["a", "b"] * 60))
    assert raised.value.help is None
