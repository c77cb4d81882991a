"""Answers to frames: by their index, with classes as the target had them, and rows told by their position."""

from __future__ import annotations

from typing import Any

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
[contract]
x = {{ type = "number", max = 5, out_of_range = "{policy}", invalid = "{invalid}" }}
[model]
use = "boosted_trees"
trees = 5
"""
ROWS = 60


def frame(y: Any) -> pandas.DataFrame:
    return pandas.DataFrame({"x": [n % 5 + 0.5 for n in range(ROWS)], "y": y}, index=[f"r{n}" for n in range(ROWS)])


def spec(policy: str = "flag", invalid: str = "reject") -> es.Spec:
    return es.Spec(SPEC.format(policy=policy, invalid=invalid))


NUMBERS = [n * 3 % 11 * 1.5 for n in range(ROWS)]


def test_contributions_add_up_to_the_score_of_each_row() -> None:
    rows = frame(NUMBERS)
    trained = spec().train(data=rows)
    told = trained.bundle.explain(rows).to_pandas()
    assert list(told.index) == list(rows.index)
    assert numpy.allclose(told["base"] + told["contribution_x"], told["prediction"], rtol=0, atol=1e-9)
    assert [(one["feature"], one["share"]) for one in trained.importance] == [("x", 1.0)]
    rows = frame(["a", "b", "c"] * (ROWS // 3))
    told = spec().train(data=rows).bundle.explain(rows).to_pandas()
    assert list(told.index[:4]) == ["r0", "r0", "r0", "r1"] and list(told["class"][:4]) == ["a", "b", "c", "a"]


def test_scores_have_the_index_of_the_frame() -> None:
    rows = frame(NUMBERS)
    bundle = spec().train(rows).bundle
    told = bundle.score(rows).to_pandas()
    assert told.index.equals(rows.index) and told["row"].tolist() == list(range(ROWS))
    shuffled = rows.sample(frac=1, random_state=1)
    shuffled["p"] = bundle.score(shuffled).to_pandas()["prediction"]
    assert shuffled.loc[rows.index, "p"].tolist() == told["prediction"].tolist()
    assert bundle.transform(rows[10:20]).to_pandas().index.equals(rows.index[10:20])
    several = rows.set_index(pandas.MultiIndex.from_arrays([rows.index, range(ROWS)]))
    assert bundle.score(several).to_pandas().index.equals(several.index)
    assert bundle.score(polars.DataFrame(rows)).to_pandas().index.equals(pandas.RangeIndex(ROWS))


@pytest.mark.parametrize(
    ("y", "classes", "dtype"),
    [
        ([n % 2 for n in range(ROWS)], [0, 1], "int64"),
        ([n % 2 == 0 for n in range(ROWS)], [False, True], "bool"),
        ([n % 2 / 2 for n in range(ROWS)], [0.0, 0.5], "float64"),
        (["ab"[n % 2] for n in range(ROWS)], ["a", "b"], "str"),
        (["01"[n % 2] for n in range(ROWS)], ["0", "1"], "str"),
        (pandas.Categorical([n % 3 for n in range(ROWS)]), ["0", "1", "2"], "str"),
    ],
)
def test_classes_are_predicted_as_the_target_had_them(y: Any, classes: list[Any], dtype: str) -> None:
    rows = frame(y)
    task = "binary" if len(classes) == 2 else "multiclass"
    bundle = spec().set({"data.task": task, **({"data.positive": str(classes[1]).lower()} if len(classes) == 2 else {})}).train(rows).bundle
    assert bundle.classes == classes and [type(one) for one in bundle.classes] == [type(one) for one in classes]
    scores = bundle.score(rows)
    told = scores.to_pandas()["prediction"]
    assert str(told.dtype).replace("object", "str") == dtype and set(told) <= set(classes)
    assert scores.to_polars()["prediction"].to_list() == scores.to_arrow()["prediction"].to_pylist() == told.tolist()
    answers = bundle.predict(rows[["x"]].to_dict("records"))
    texts = [str(one).lower() if isinstance(one, bool) else f"{one:g}" if isinstance(one, float) else str(one) for one in told]
    assert [answer["prediction"] for answer in answers] == texts, "as the server tells them"


def test_a_row_without_an_answer_has_no_class() -> None:
    rows = frame([n % 2 for n in range(ROWS)])
    bundle = spec(invalid="quarantine").train(rows).bundle
    told = bundle.score(rows.assign(x=rows["x"].where(rows.index != "r3", numpy.inf))).to_arrow()
    assert told["prediction"].null_count == 1 and told["prediction"][3].as_py() is None
    assert told["prediction"].type == pyarrow.int64()


def test_a_model_of_numbers_has_no_classes() -> None:
    assert spec().train(frame(NUMBERS)).bundle.classes == []


def test_rows_of_a_frame_are_counted_from_0_and_told_by_their_index() -> None:
    rows = frame(NUMBERS)
    high = rows.assign(x=rows["x"].where(rows.index != "r4", 9).where(rows.index != "r7", 8))
    bundle = spec("reject").train(rows).bundle
    for act in (lambda data: bundle.score(data), lambda data: spec("reject").train(data)):
        with pytest.raises(es.DataError) as raised:
            act(high)
        assert "the frame, row 4 (counted from 0, index 'r4'), column `x`" in str(raised.value)
        cell = raised.value.cells[0]
        assert (cell["row"], cell["index"], high.iloc[cell["row"]]["x"]) == (4, "r4", 9)
        with pytest.raises(es.DataError) as of_counted:
            act(high.reset_index(drop=True))
        assert "the frame, row 4 (counted from 0), column `x`" in str(of_counted.value)
        assert "index" not in of_counted.value.cells[0]
        with pytest.raises(es.DataError, match=r"the frame, row 4 \(counted from 0\), column `x`"):
            act(polars.DataFrame(high))
    [cell, _] = spec("reject").check(high).rejected
    assert (cell["row"], cell["index"]) == (4, "r4")


def test_an_index_that_tells_of_people_is_no_label() -> None:
    rows = frame(NUMBERS).rename_axis("who")
    rule = 'who = { type = "text", personal = true }'
    text = SPEC.format(policy="reject", invalid="quarantine").replace("[contract]", f"[contract]\n{rule}")
    text = text.replace("[data]", '[data]\nid = "who"')
    bundle = es.Spec(text).train(rows).bundle
    high = rows.assign(x=rows["x"].where(rows.index != "r4", 9))
    infinite = rows.assign(x=rows["x"].where(rows.index != "r4", numpy.inf))
    for act in (bundle.score, es.Spec(text).train):
        with pytest.raises(es.DataError, match=r"row 4 \(counted from 0\)") as raised:
            act(high)
        assert "index" not in raised.value.cells[0]
    for [cell] in (es.Spec(text).check(high).rejected, bundle.score(infinite).quarantine):
        assert "index" not in cell and cell["row"] == 4
    with pytest.raises(es.DataError, match=r"row 4 \(counted from 0, index 'r4'\)"):
        es.Spec(text.replace(", personal = true", "")).train(high)


def test_cells_that_are_set_aside_are_told_by_position_and_index() -> None:
    rows = frame(NUMBERS).set_axis(numpy.arange(ROWS) * 10)
    bundle = spec(invalid="quarantine").train(rows).bundle
    scored = bundle.score(rows.assign(x=rows["x"].where(rows.index != 40, numpy.inf)))
    [cell] = scored.quarantine
    assert (cell["row"], cell["index"]) == (4, 40) and type(cell["index"]) is int
    assert scored.to_pandas()["prediction"].isna().idxmax() == 40


def test_rows_that_are_dictionaries_are_counted_from_0() -> None:
    bundle = spec("reject").train(frame(NUMBERS)).bundle
    with pytest.raises(es.DataError, match=r"1 cell breaks the contract, in rows counted from 0\n  row 1, `x`"):
        bundle.predict([{"x": 1}, {"x": 9}])
    with pytest.raises(es.DataError, match=r"row 1 \(counted from 0\) is a `int`"):
        bundle.predict([{"x": 1}, 9])  # type: ignore[list-item]
    with pytest.raises(es.DataError, match=r"in row 1 \(counted from 0, index 'r1'\) a `int`, 1"):
        bundle.score(frame(NUMBERS).assign(x=["a", 1] * 30))
