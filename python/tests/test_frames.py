"""Frames as they come: a clear error or the right answer."""

from __future__ import annotations

import datetime
import threading
from pathlib import Path

import numpy
import pandas
import polars
import pyarrow
import pytest

import evenstep as es

SPEC = """\
[pipeline]
name = "p"
seed = 1
[data]
target = "y"
[[step]]
use = "drop_columns"
columns = { type = "category" }
[model]
use = "ridge"
"""


def frame(rows: int = 60) -> pandas.DataFrame:
    numbers = range(rows)
    return pandas.DataFrame(
        {"x": [n % 7 + 0.5 for n in numbers], "c": ["abc"[n % 3] for n in numbers], "y": [n * 3 % 11 for n in numbers]}
    )


def digest(data: es.Data) -> str:
    return es.Spec(SPEC).train(data, progress=False).digest


def test_columns_of_polars_without_a_value_and_of_long_integers_are_read() -> None:
    rows = polars.DataFrame({"a": [1, 2, 3, 4] * 20, "empty": [None] * 80, "y": [1.0, 2.0, 3.0, 5.0] * 20})
    long = rows.with_columns(polars.col("a").cast(polars.Int128))
    spec = es.init(rows, target="y")
    assert spec.train(long).digest == spec.train(rows).digest


def test_an_index_is_no_data() -> None:
    rows = frame()
    told = digest(rows)
    assert digest(rows.set_index(pandas.Index([0] * len(rows)))) == told, "a duplicate index"
    assert digest(rows.sample(frac=1, random_state=1)) == told, "rows in another order"
    assert digest(rows.set_index(pandas.MultiIndex.from_arrays([rows["y"], rows["y"]]))) == told, "several levels"
    assert digest(rows.set_index("c")) == told, "an index with a name is a column"


def test_an_index_without_a_name_may_hold_anything_and_one_with_a_name_is_checked() -> None:
    rows = frame()
    told = digest(rows)
    for labels in ([("a", n) for n in range(60)], [*range(59), "total"], [2**70 + n for n in range(60)]):
        assert digest(rows.set_axis(pandas.Index(labels, dtype=object))) == told
    named = rows.set_axis(pandas.Index([*range(59), "total"], dtype=object, name="c2"))
    with pytest.raises(es.DataError, match="column `c2` holds objects of several types"):
        digest(named)


def test_levels_that_are_no_numbers_are_texts() -> None:
    rows = frame().assign(l=pandas.Categorical([1.0, 2.0, numpy.inf] * 20))
    assert digest(rows) == digest(rows.assign(l=pandas.Categorical(["1", "2", "inf"] * 20)))


def test_moments_are_not_altered() -> None:
    day, moment = datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 1, 3)
    fine, zoned = pandas.Timestamp("2020-01-01 00:00:00.000000001"), pandas.Timestamp("2020-01-01", tz="UTC")
    with_moments = lambda *cells: frame().assign(m=pandas.Series(cells * 30, dtype=object))  # noqa: E731
    for cells, words in (([day, moment], "several types"), ([zoned, moment], "some have a zone")):
        with pytest.raises(es.DataError, match=words):
            es.init(with_moments(*cells), target="y")
    with pytest.raises(es.DataError, match="several types"):
        es.init(with_moments(day, moment).assign(m=lambda rows: rows["m"].where(rows.index != 3, pandas.NaT)), target="y")
    assert "finer than a microsecond" in es.init(with_moments(fine, moment), target="y").toml()


def test_what_others_say_of_personal_cells_is_not_told() -> None:
    spec = es.Spec(SPEC.replace("[[step]]", "[contract]\ne = { type = \"text\", personal = true }\n[[step]]", 1))

    class Unreadable:
        def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
            raise ValueError("Zoe is no cell")

    with pytest.raises(es.DataError) as refused:
        spec.train(Unreadable(), progress=False)
    assert str(refused.value) == "the frame can't be read: ValueError"


def test_numbers_are_read_whatever_bytes_they_are_of() -> None:
    rows = frame()
    numbers = rows.select_dtypes("number").columns
    told = digest(rows)
    for of in (">f8", numpy.longdouble):
        given = rows.astype({name: of if rows[name].dtype.kind == "f" else ">i8" for name in numbers})
        assert digest(given) == told, of
    with pytest.raises(es.DataError, match="holds complex numbers"):
        digest(rows.astype({numbers[0]: complex}))


def test_types_of_frames_don_t_matter() -> None:
    rows = frame()
    told = digest(rows)
    assert digest(rows.astype({"c": "category", "y": "int8"})) == told
    assert digest(rows.astype({"c": object})) == told
    assert digest(rows.convert_dtypes()) == told
    assert digest(polars.DataFrame(rows).with_columns(polars.col("c").cast(polars.Categorical))) == told
    assert digest(polars.DataFrame(rows).lazy().collect()) == told
    assert digest(pyarrow.Table.from_pandas(rows).combine_chunks().to_batches()[0]) == told
    assert digest(pyarrow.RecordBatchReader.from_batches(*_batches(rows))) == told
    assert digest(pyarrow.concat_tables([pyarrow.table(polars.DataFrame(rows[:7])), pyarrow.table(polars.DataFrame(rows[7:]))])) == told


def _batches(rows: pandas.DataFrame) -> tuple[pyarrow.Schema, list[pyarrow.RecordBatch]]:
    table = pyarrow.Table.from_pandas(rows)
    return table.schema, table.to_batches(max_chunksize=9)


def test_missing_values_are_one() -> None:
    with_gaps = frame()
    with_gaps["z"] = [None if n % 5 == 0 else n for n in range(len(with_gaps))]
    spec = es.Spec(SPEC.replace("[model]", '[[step]]\nuse = "impute_median"\ncolumns = ["z"]\n[model]'))
    nan = spec.train(with_gaps).digest
    assert spec.train(with_gaps.convert_dtypes()).digest == nan
    assert spec.train(polars.DataFrame(with_gaps.to_dict("list"))).digest == nan
    assert spec.train(polars.DataFrame(with_gaps.to_dict("list")).fill_null(float("nan"))).digest == nan


def test_columns_that_no_table_holds_are_refused_by_name() -> None:
    rows = frame()
    with pytest.raises(es.DataError, match="column `o` holds objects of several types .*in row 1 .*a `int`, 1"):
        digest(rows.assign(o=["a", 1] * 30))
    with pytest.raises(es.DataError, match="column `o` .*`Lock`|column `o` holds objects"):
        digest(rows.assign(o=[threading.Lock() for _ in range(len(rows))]))
    for cells, told in [
        (["a", 1.5] * 30, r"row 1 \(counted from 0\) a `float`, 1.5"),
        ([1.5, "a"] * 30, r"row 1 \(counted from 0\) a `str`, 'a'"),
        ([None, "a", pandas.NA, 3] * 15, r"row 3 \(counted from 0\) a `int`, 3"),
    ]:
        with pytest.raises(es.DataError, match=f"column `o` holds objects of several types .*in {told}"):
            digest(rows.assign(o=pandas.Series(cells, dtype=object)))
    for cells, told in [([b"a", None], "`bytes`, b'a'"), ([[1], [2]], "`list`, "), ([{"a": 1}, None], "`dict`, ")]:
        with pytest.raises(es.DataError, match=rf"column `o` holds objects that no cell can be: in row 0 \(counted from 0\) a {told}"):
            digest(rows.assign(o=pandas.Series(cells * 30, dtype=object)))
    for series in (rows["x"], polars.Series([1.0, 2.0])):
        with pytest.raises(es.DataError, match="a `Series` is one column"):
            digest(series)
    lists = polars.DataFrame(rows).with_columns(o=polars.lit([1]))
    assert digest(lists) == digest(rows), "a list that nothing reads is left alone, as in files"
    with pytest.raises(es.DataError, match="two columns are named `x`"):
        digest(pandas.concat([rows, rows[["x"]]], axis=1))
    with pytest.raises(es.DataError, match="`int` holds no rows"):
        digest(7)  # type: ignore[arg-type]
    with pytest.raises(es.DataError, match="no rows"):
        digest(rows[:0])
    with pytest.raises(es.SpecError, match="the data have no column `y`"):
        digest(pandas.DataFrame())


def test_a_frame_that_changes_during_a_call_is_read_as_it_was() -> None:
    rows = pandas.DataFrame({"i": numpy.arange(60_000), "x": numpy.arange(60_000) % 1000 / 8, "y": numpy.arange(60_000) % 13 * 1.0})
    spec = es.Spec(SPEC.replace('[[step]]\nuse = "drop_columns"\ncolumns = { type = "category" }\n', "").replace("[data]", '[data]\nid = "i"'))
    told = spec.train(rows).digest
    cells, over = rows["x"].to_numpy(copy=False), threading.Event()
    cells.flags.writeable = True
    before = cells.copy()

    def change() -> None:
        while not over.is_set():
            cells[:] = -1.5

    digests = []
    for _ in range(3):
        cells[:] = before
        writer = threading.Timer(0.02, change)
        writer.start()
        digests.append(spec.train(rows).digest)
        over.set()
        writer.join()
        over.clear()
    cells[:] = -1.5
    assert set(digests) <= {told, spec.train(rows).digest}, "each is of all cells before, or all after the change"


def test_cells_of_requests_may_be_numpy_s_and_python_s() -> None:
    bundle = es.Spec(SPEC).train(frame()).bundle
    told = bundle.predict_one({"x": 1.5})
    assert bundle.predict_one({"x": numpy.float32(1.5)}) == told
    assert bundle.predict_one({"x": numpy.float64(1.5)}) == told
    two = bundle.predict_one({"x": 2})
    assert bundle.predict_one({"x": numpy.int64(2)}) == two
    for cell in [float("inf"), datetime.date(2026, 1, 1), "2"]:
        with pytest.raises(es.DataError):
            bundle.predict_one({"x": cell})
    missing = bundle.predict_one({"x": None})
    assert missing != told
    for cell in [float("nan"), numpy.float64("nan"), pandas.NA, pandas.NaT]:
        assert bundle.predict_one({"x": cell}) == missing


def test_a_table_is_read_by_all(tmp_path: Path) -> None:
    table = es.Spec(SPEC).train(frame()).bundle.score(frame())
    assert table.columns == ["row", "prediction", "flags"] and len(table) == 60
    assert table.to_pandas()["prediction"].tolist() == table.to_polars()["prediction"].to_list()
    assert table.to_arrow().equals(pyarrow.table(table)), "it can be read again"
    assert table.scored["rows"] == 60 and table.quarantine == []


def test_text_that_is_not_utf8_is_refused_with_its_column() -> None:
    broken = pyarrow.array([b"\xff\xfe"] * 400, pyarrow.large_binary()).view(pyarrow.large_string())
    table = pyarrow.table({"x": broken, "y": range(400)})
    with pytest.raises(es.DataError, match="column `x`: .*Invalid UTF8"):
        es.init(table, "y")


def test_a_file_of_a_categorical_of_flags_is_read(tmp_path: Path) -> None:
    flags = pandas.Categorical([True, False, None] * 200)
    pandas.DataFrame({"x": flags, "y": range(600)}).to_parquet(tmp_path / "f.parquet")
    spec = es.init(str(tmp_path / "f.parquet"), "y")
    trained = spec.train()
    assert trained.bundle.inspect()["contract"]["x"]["type"] == "boolean"


@pytest.mark.parametrize("dtype", [None, object])
def test_periods_and_intervals_are_texts(dtype: object) -> None:
    months = pandas.Series(pandas.period_range("2020-01", periods=6, freq="M").repeat(10))
    bins = pandas.Series(pandas.cut(range(60), 4))
    for column in (months, bins.astype("interval")):
        rows = frame().assign(c=column if dtype is None else column.astype(dtype))
        assert digest(rows) == digest(frame().assign(c=column.astype("string")))
    days = frame().assign(d=pandas.period_range("2020-01-01", periods=60, freq="D"))
    assert es.init(days, target="y").check(days).columns["d"]["kind"] == "date"


def test_rows_that_are_still_to_be_fetched_or_were_read_before_are_said_to_be() -> None:
    bundle = es.Spec(SPEC).train(frame()).bundle
    with pytest.raises(es.DataError, match=r"a `LazyFrame` is a query .*\n  help: give its rows: `frame.collect\(\)`"):
        bundle.score(polars.DataFrame(frame()).lazy())
    reader = pyarrow.RecordBatchReader.from_batches(*_batches(frame()))
    assert len(bundle.score(reader)) == 60
    with pytest.raises(es.DataError, match="the reader has no rows, or none any more\n  help: a reader is read once"):
        bundle.score(reader)
