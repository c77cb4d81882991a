"""Whole pipelines: how they are walked through, what is refused, and what is told."""

import pickle
import re
import subprocess
import sys

import duckdb
import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest
from cases import NUMBERS, frame
from feature_engine import encoding, imputation
from feature_engine.creation import RelativeFeatures
from feature_engine.datetime import DatetimeFeatures
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from lightgbm import LGBMRegressor
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)
from trained import features, scores
from xgboost import XGBClassifier, XGBRegressor

import evenstep
from evenstep.sklearn import NoEqualError, Verdict, from_sklearn

# What peers warn of is theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore")
FRAME = frame()


def usual(model):
    """The pipeline of most tutorials."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    words = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    columns = ColumnTransformer([("numbers", numbers, [*NUMBERS, "gaps"]), ("words", words, ["city", "place"])])
    return Pipeline([("columns", columns), ("model", model)])


def test_the_usual_pipeline_predicts_the_same():
    rows = FRAME.assign(price=FRAME["number"] * 3 + FRAME["skewed"])
    original = usual(Ridge()).fit(rows, rows["price"])
    translation = from_sklearn(original, target="price", data=rows, test=0)
    assert translation.is_equal, translation
    np.testing.assert_allclose(scores(translation.toml, rows)["prediction"], original.predict(rows), rtol=1e-9)


def test_an_unfitted_pipeline_that_names_its_columns_needs_no_data():
    translation = from_sklearn(usual(LogisticRegression()), target="y", source="rows.csv", task="binary")
    assert [finding.path for finding in translation.findings] == [
        "columns__numbers__simpleimputer",
        "columns__numbers__standardscaler",
        "columns__words__simpleimputer",
        "columns__words__onehotencoder",
        "model",
    ]
    assert (
        'use = "select_columns"\ncolumns = ["city", "gaps", "number", "place", "skewed", "whole"]' in translation.toml
    )
    assert len(scores(translation.toml, FRAME)) == len(FRAME)


def test_without_names_or_data_steps_choose_columns_by_type():
    translation = from_sklearn(make_pipeline(SimpleImputer(), StandardScaler(), Ridge()), target="y")
    assert translation.toml.count('columns = { type = ["number", "boolean"] }') == 2
    rows = FRAME[[*NUMBERS, "gaps", "y"]]
    expected = make_pipeline(SimpleImputer(), StandardScaler(), Ridge()).fit(rows.drop(columns="y"), rows["y"])
    ours = scores(translation.toml.replace("split = { test = 0.2 }", "split = { test = 0.0 }"), rows)["prediction"]
    np.testing.assert_allclose(ours, expected.predict(rows.drop(columns="y")), rtol=1e-9)


def test_what_has_no_equal_is_refused_all_at_once_and_can_be_left_out():
    pipeline = make_pipeline(KNNImputer(), StandardScaler(), PCA(2), Ridge())
    with pytest.raises(NoEqualError) as refused:
        from_sklearn(pipeline, target="y", data=FRAME[[*NUMBERS, "y"]])
    assert "2 steps have no equal" in str(refused.value)
    assert "`leave_out=['knnimputer', 'pca']`" in str(refused.value)
    left = from_sklearn(pipeline, target="y", data=FRAME[[*NUMBERS, "y"]], leave_out=["knnimputer", "pca"])
    assert [finding.verdict for finding in left.findings] == [
        Verdict.LEFT_OUT,
        Verdict.EQUAL,
        Verdict.LEFT_OUT,
        Verdict.EQUAL,
    ]
    assert not left.is_equal
    scores(left.toml, FRAME[[*NUMBERS, "y"]])
    assert pickle.loads(pickle.dumps(refused.value)).findings == refused.value.findings


def test_leaving_out_what_is_no_such_step_is_refused_with_the_steps_there_are():
    with pytest.raises(ValueError, match="`leave_out` names `pca`.*steps are standardscaler, ridge"):
        from_sklearn(make_pipeline(StandardScaler(), Ridge()), target="y", leave_out=["pca"])


def test_a_class_that_extends_a_known_one_is_another():
    class Scaler(StandardScaler):
        def transform(self, X):
            return super().transform(X) * 2

    with pytest.raises(NoEqualError, match="no correspondence is known"):
        from_sklearn(make_pipeline(Scaler(), Ridge()), target="y", data=FRAME[[*NUMBERS, "y"]])


def test_code_is_refused_with_what_to_write():
    with pytest.raises(NoEqualError, match="it is code; write it as a formula"):
        from_sklearn(FunctionTransformer(lambda x: x + 1), target="y", data=FRAME[[*NUMBERS, "y"]])


def test_a_parameter_that_is_not_carried_over_is_a_difference():
    from sklearn.tree import DecisionTreeRegressor

    translation = from_sklearn(DecisionTreeRegressor(ccp_alpha=0.1), target="y", data=FRAME[[*NUMBERS, "y"]])
    assert "`ccp_alpha=0.1` isn't carried over" in translation.findings[0].notes


def test_a_column_that_goes_two_ways_is_copied_before_it_is_changed():
    both = ColumnTransformer(
        [
            ("plain", "passthrough", ["number"]),
            ("scaled", StandardScaler(), ["number"]),
            ("more", MinMaxScaler(), ["number"]),
        ]
    ).set_output(transform="pandas")
    rows = FRAME[["number", "y"]]
    both.fit(rows[["number"]])
    ours = features(from_sklearn(both, target="y", data=rows, test=0).toml, rows)
    theirs = both.transform(rows[["number"]])
    for mine, its in (
        ("number", "plain__number"),
        ("number_scaled", "scaled__number"),
        ("number_more", "more__number"),
    ):
        np.testing.assert_allclose(ours[mine], theirs[its], rtol=1e-9, atol=1e-12)


def test_one_hot_columns_are_scaled_like_the_others():
    pipeline = make_pipeline(
        ColumnTransformer(
            [("city", OneHotEncoder(sparse_output=False), ["city"]), ("number", "passthrough", ["number"])]
        ),
        StandardScaler(),
    ).set_output(transform="pandas")
    rows = FRAME[["city", "number", "y"]]
    theirs = pipeline.fit_transform(rows)
    ours = features(from_sklearn(pipeline, target="y", data=rows, test=0).toml, rows)
    for city in ("Oslo", "Ulm"):
        np.testing.assert_allclose(ours[f"city={city}"], theirs[f"city__city_{city}"], rtol=1e-9, atol=1e-12)


def test_a_search_gives_the_best_that_it_found():
    rows = FRAME[[*NUMBERS, "y"]]
    search = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [1e-6, 1.0]})
    search.fit(rows[NUMBERS], rows["y"])
    best = search.best_params_["logisticregression__C"]
    assert f"C = {best}" in from_sklearn(search, target="y", data=rows).toml


def test_columns_may_be_chosen_by_position_mask_slice_or_function():
    rows = FRAME[[*NUMBERS, "y"]]
    for chosen in ([0, 2], [True, False, True], slice("number", "skewed"), make_column_selector(pattern="^s")):
        transformer = ColumnTransformer([("scaled", StandardScaler(), chosen)], remainder="passthrough")
        transformer.set_output(transform="pandas")
        theirs = transformer.fit(rows[NUMBERS]).transform(rows[NUMBERS])
        ours = features(from_sklearn(transformer, target="y", data=rows, test=0).toml, rows)
        for name in theirs.columns:
            np.testing.assert_allclose(ours[name.split("__")[1]], theirs[name], rtol=1e-9, atol=1e-12)


def test_a_choice_by_function_without_data_says_what_to_give():
    pipeline = ColumnTransformer([("numbers", StandardScaler(), make_column_selector(dtype_include="number"))])
    with pytest.raises(NoEqualError, match="fit it, or give `data`"):
        from_sklearn(pipeline, target="y")


def test_a_pipeline_fitted_on_an_array_has_columns_by_number():
    rows = FRAME[NUMBERS].to_numpy()
    original = make_pipeline(StandardScaler(), SelectKBest(k=2), Ridge()).fit(rows, FRAME["y"])
    translation = from_sklearn(original, target="y")
    assert 'columns = ["x0", "x1", "x2"]' in translation.toml


def test_what_pandas_takes_for_missing_is_said_in_the_spec(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,b,y\n1,NA,1\n2,n/a,0\n3,x,1\n,z,0\n")
    translation = from_sklearn(make_pipeline(SimpleImputer(strategy="most_frequent")), target="y", data=path, test=0)
    assert 'missing = ["", "NA", "n/a"]' in translation.toml


def test_names_that_toml_or_formulas_must_quote():
    rows = pd.DataFrame({'a "b".c': [1.0, 2.0, 4.0, 3.0], "d é": [2.0, 1.0, 0.5, 9.0], "y": [1, 0, 1, 0]})
    transformer = make_pipeline(StandardScaler(), FunctionTransformer(np.exp))
    ours = features(from_sklearn(transformer, target="y", data=rows, test=0).toml, rows)
    theirs = transformer.fit_transform(rows.drop(columns="y"))
    np.testing.assert_allclose(ours['a "b".c_exp'], theirs[:, 0], rtol=1e-9)


def test_feature_engine_after_feature_engine():
    pipeline = make_pipeline(
        imputation.MeanMedianImputer(variables=["gaps"]),
        imputation.CategoricalImputer(variables=["place"]),
        encoding.RareLabelEncoder(variables=["city"], n_categories=1),
        encoding.OrdinalEncoder(variables=["city", "place", "rank"]),
        StandardScaler().set_output(transform="pandas"),
    )
    rows = FRAME[["gaps", "place", "city", "rank", "number", "y"]]
    theirs = pipeline.fit_transform(rows.drop(columns="y"), rows["y"])
    translation = from_sklearn(pipeline, target="y", data=rows, task="binary", positive="1", test=0)
    assert translation.is_equal, translation
    ours = features(translation.toml, rows)
    for name in theirs.columns:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9, atol=1e-9)


def test_parts_of_times_are_those_of_their_zone():
    pytest.importorskip("pyarrow")
    hours = pd.to_timedelta(np.arange(200) * 37, "h")
    rows = pd.DataFrame({"when": (pd.Timestamp("2021-01-01") + hours).tz_localize("Asia/Tokyo"), "y": np.arange(200) % 7.0})
    pipeline = make_pipeline(DatetimeFeatures(variables=["when"], features_to_extract=["hour", "day_of_month"]))
    theirs = pipeline.fit_transform(rows[["when"]])
    translation = from_sklearn(pipeline, target="y", data=rows, test=0)
    assert 'zone = "Asia/Tokyo"' in translation.toml
    ours = features(translation.toml, rows)
    for name, column in zip(["when_hour", "when_day_of_month"], theirs.columns, strict=True):
        np.testing.assert_array_equal(ours[name], theirs[column])


def test_what_is_far_from_the_same_is_not_said_to_be_near():
    translation = from_sklearn(usual(LogisticRegression(solver="liblinear")), target="y", task="binary")
    assert "draws the intercept towards 0" in str(translation) and "3 digits" not in str(translation)
    with pytest.raises(NoEqualError, match="only a null is missing, not -1"):
        from_sklearn(XGBRegressor(missing=-1), target="y", data=FRAME[[*NUMBERS, "y"]])
    dummy = "a model that knows the target alone takes its place"
    rows = FRAME[[*NUMBERS, "y"]]
    with pytest.raises(NoEqualError, match=dummy):
        from_sklearn(make_pipeline(StandardScaler(), Lasso()), target="y", data=rows)
    assert dummy in str(from_sklearn(make_pipeline(Lasso()), target="y", data=rows, leave_out=["lasso"]))
    with pytest.raises(NoEqualError) as refused:
        from_sklearn(make_pipeline(StandardScaler(), PCA(2)), target="y", data=rows)
    assert dummy not in str(refused.value)


def test_the_report_shows_itself_as_text_and_as_html():
    translation = from_sklearn(usual(LogisticRegression()), target="y", task="binary", name="<b>")
    assert str(translation).startswith("5 steps: 4 equal, 1 differs\n")
    page = translation._repr_html_()
    assert "<code>columns__words__onehotencoder</code>" in page
    assert "&lt;b&gt;" in page and '<b>"' not in page


def test_how_many_classes_there_are_is_told_by_the_data_or_by_the_model():
    rows = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "y": [1, 2, 1, 2]})
    unfitted = LogisticRegression()
    with pytest.raises(ValueError, match="give `data` or `task`, or fit the model"):
        from_sklearn(unfitted, target="y")
    for translation in (
        from_sklearn(unfitted, target="y", data=rows),
        from_sklearn(LogisticRegression().fit(rows[["a"]], rows["y"]), target="y"),
    ):
        assert 'task = "binary"\npositive = "2"' in translation.toml
    three = LogisticRegression().fit(rows[["a"]], [0, 1, 2, 2])
    assert 'task = "multiclass"' in from_sklearn(three, target="y").toml


def test_classes_that_read_as_something_else_are_said_to_be_categories():
    rows = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0] * 20, "y": ["True", "False"] * 40})
    told = from_sklearn(LogisticRegression().fit(rows[["a"]], rows["y"]), target="y", data=rows, test=0)
    assert 'positive = "True"' in told.toml and 'y = { type = "category" }' in told.toml
    assert told.spec.train(rows).bundle.predict_one({"a": 1.0})["prediction"] in ("True", "False")


NUMBERS_OF_KINDS = {
    "gaps": [10.0, 2.0, np.nan, -3.0, 1.0],
    "negative": [-2.5, -10.0, 0.1, 1e-7, 1e21],
    "objects": pd.Series([10, 2, np.nan, -3, 1], dtype=object),
    "flags": pd.Series([True, False, np.nan, True, True], dtype=object),
    "text": ["10", "9", "-1", "x", "10"],
    "whole": [10, 9, -1, 3, 10],
}


@pytest.mark.parametrize("is_fitted", [True, False])
@pytest.mark.parametrize("is_file", [True, False])
@pytest.mark.parametrize("column", NUMBERS_OF_KINDS)
def test_numbers_are_encoded_by_size_and_texts_by_text(column, is_file, is_fitted, tmp_path):
    rows = pd.concat([pd.DataFrame({"a": NUMBERS_OF_KINDS[column], "y": [0.0, 1.0, 2.0, 3.0, 4.0]})] * 9)
    data = tmp_path / "rows.csv"
    rows.to_csv(data, index=False)
    encoder = OrdinalEncoder()
    theirs = encoder.fit_transform(rows[["a"]])
    told = from_sklearn(encoder if is_fitted else OrdinalEncoder(), target="y", data=data if is_file else rows, test=0)
    assert told.is_equal, told
    ours = features(told.toml, data if is_file else rows)
    np.testing.assert_array_equal(ours["a"].astype(float), theirs[:, 0])


def test_numbers_that_are_listed_keep_their_places():
    rows = pd.DataFrame({"a": [2.0, 10.0] * 20, "b": [0.5, 1.5] * 20, "y": np.arange(40) % 3})
    encoder = OrdinalEncoder(categories=[[1.0, 2.0, 10.0], [-1.0, 0.5, 1.5]]).fit(rows[["a", "b"]])
    told = from_sklearn(encoder, target="y", data=rows, test=0)
    assert told.is_equal, told
    assert features(told.toml, rows)[["a", "b"]].to_numpy().tolist() == encoder.transform(rows[["a", "b"]]).tolist()


def test_texts_whose_gaps_were_filled_are_texts():
    filled = make_pipeline(SimpleImputer(strategy="most_frequent"), OrdinalEncoder())
    rows = pd.DataFrame({"a": ["10", "9", None, "x"] * 10, "y": np.arange(40) % 3})
    assert from_sklearn(filled, target="y", data=rows).is_equal
    assert not from_sklearn(filled, target="y", data=rows.assign(a=[0.5, 2.5, np.nan, -1] * 10)).is_equal


def test_a_null_that_is_no_nan_is_a_category_of_the_original():
    rows = pd.DataFrame({"a": pd.Series(["u", None] * 20, dtype=object), "y": np.arange(40) % 3})
    for encoder in (OrdinalEncoder(), OrdinalEncoder().fit(rows[["a"]])):
        assert "a null is null" in str(from_sklearn(encoder, target="y", data=rows))


@pytest.mark.parametrize("is_fitted", [True, False])
def test_what_a_null_that_is_no_nan_becomes_is_told(is_fitted):
    rows = pd.DataFrame({"a": pd.Series(["u", "v", None, "u"] * 10, dtype=object), "y": np.arange(40) % 3})
    encoder = OrdinalEncoder(encoded_missing_value=-1)
    told = from_sklearn(encoder.fit(rows[["a"]]) if is_fitted else encoder, target="y", data=rows, test=0)
    assert not told.is_equal and "a null is -1, where None is one more value, the last" in str(told)
    assert features(told.toml, rows)["a"].tolist()[:4] == [0, 1, -1, 0]
    for imputer in (SimpleImputer(strategy="most_frequent"), SimpleImputer(strategy="constant", fill_value="z"), MissingIndicator()):
        told = from_sklearn(imputer.fit(rows[["a"]]) if is_fitted else imputer, target="y", data=rows)
        assert not told.is_equal and "None in `a` is missing, too, where scikit-learn takes NaN alone" in str(told)
        gaps = rows.assign(a=rows["a"].where(rows["a"].notna(), np.nan))
        assert from_sklearn(imputer, target="y", data=gaps).is_equal
    none = SimpleImputer(strategy="most_frequent", missing_values=None)
    assert from_sklearn(none, target="y", data=rows).is_equal
    both = rows.assign(a=rows["a"].where(np.arange(40) > 0, np.nan))
    assert "NaN in `a` is missing, too, where scikit-learn takes None alone" in str(from_sklearn(none, target="y", data=both))
    unknown = ColumnTransformer([("filled", SimpleImputer(strategy="most_frequent"), ["a"])])
    assert "None and NaN are missing alike" in str(from_sklearn(unknown, target="y"))


@pytest.mark.parametrize("k", [1, 2, 4, 6])
def test_a_choice_among_one_hot_columns_is_carried_over(k):
    rows = FRAME[["city", "whole", "number", "y"]].assign(whole=FRAME["whole"] % 3)
    encoded = ColumnTransformer([("codes", OneHotEncoder(), ["city", "whole"])], remainder="passthrough")
    original = make_pipeline(encoded, SelectKBest(k=k), Ridge()).fit(rows.drop(columns="y"), rows["y"])
    told = from_sklearn(original, target="y", data=rows, test=0)
    assert [finding.verdict for finding in told.findings][-2] is Verdict.DIFFERS
    assert "dropped by name" in str(told)
    ours = scores(told.toml.replace('task = "binary"', 'task = "regression"'), rows)["prediction"]
    np.testing.assert_allclose(ours, original.predict(rows.drop(columns="y")), rtol=1e-9, atol=1e-9)


def test_a_choice_among_columns_that_cannot_be_named_is_refused():
    rows = FRAME[["place", "number", "y"]].assign(place=FRAME["place"].where(FRAME["place"] == "in"), y=FRAME["place"] == "in")
    encoded = ColumnTransformer([("codes", OneHotEncoder(), ["place"])], remainder="passthrough")
    original = make_pipeline(encoded, SelectKBest(k=1), LogisticRegression()).fit(rows[["place", "number"]], rows["number"] > 3)
    with pytest.raises(NoEqualError, match="`place_missing`, which exists only if training has a null"):
        from_sklearn(original, target="y", data=rows)
    grouped = make_pipeline(OneHotEncoder(max_categories=2), SelectKBest(k=1)).fit(FRAME[["city"]], FRAME["y"])
    with pytest.raises(NoEqualError, match="which columns come in isn't known before training"):
        from_sklearn(grouped, target="y", data=FRAME[["city", "y"]])


def test_objectives_keep_their_parameters():
    rows = FRAME[["skewed", "y"]]
    for model, lines, note in [
        (XGBRegressor(objective="reg:tweedie", tweedie_variance_power=1.2), ['"tweedie"', "tweedie_power = 1.2"], ""),
        (XGBRegressor(objective="reg:pseudohubererror", huber_slope=2), ['"huber"', "huber_delta = 2.0"], "not smoothly"),
        (XGBRegressor(objective="reg:pseudohubererror"), ["huber_delta = 1.0"], "not smoothly"),
        (LGBMRegressor(objective="huber", alpha=0.8), ['"huber"', "huber_delta = 0.8"], ""),
        (LGBMRegressor(objective="huber"), ["huber_delta = 0.9"], ""),
        (GradientBoostingRegressor(loss="huber", alpha=0.8), ['"huber"'], "0.8 of each round's errors"),
    ]:
        told = from_sklearn(model, target="y", data=rows, task="regression")
        assert all(line in told.toml for line in lines), told.toml
        assert note in str(told) and "isn't carried over" not in str(told) and not told.is_equal
        assert told.spec.check(rows), "the engine takes it"
    assert "`tweedie_variance_power=1.2` isn't carried over" in str(
        from_sklearn(XGBRegressor(tweedie_variance_power=1.2), target="y", data=rows)
    )


def test_a_column_that_the_data_do_not_have_is_refused_by_its_role(tmp_path):
    FRAME.to_csv(tmp_path / "rows.csv", index=False)
    for data in (FRAME[[*NUMBERS, "y"]], tmp_path / "rows.csv"):
        for model in (Ridge(), LogisticRegression()):
            with pytest.raises(ValueError, match="`target` names `nope`, and the data have no such column; they have number"):
                from_sklearn(model, target="nope", data=data)
        with pytest.raises(ValueError, match="`id` names `key`"):
            from_sklearn(Ridge(), target="y", id=["number", "key"], data=data)
        with pytest.raises(ValueError, match="`weight` names `w`"):
            from_sklearn(Ridge(), target="y", weight="w", data=data)


def inputs(told, rows):
    """What a training of the translation learns from."""
    return set(told.spec.train(rows, progress=False).bundle.inspect()["identity"]["inputs"])


@pytest.mark.parametrize("kind", ["pipeline", "model", "lightgbm", "csv", "parquet", "index", "range"])
def test_what_a_pipeline_was_not_fitted_on_is_no_input(kind, tmp_path):
    rows = FRAME[["whole", "skewed", "number", "y"]].rename(columns={"skewed": "a b"})
    read = ["number", "a b"]
    model = LGBMRegressor(n_estimators=3, verbose=-1) if kind == "lightgbm" else Ridge()
    original = (model if kind in ("model", "lightgbm") else make_pipeline(StandardScaler(), model)).fit(rows[read], rows["y"])
    if kind in ("index", "range"):
        rows = rows.drop(columns="whole")
        rows.index = pd.Index(rows["number"], name="key") if kind == "index" else pd.RangeIndex(len(rows), name="key")
    data = tmp_path / f"rows.{kind}" if kind in ("csv", "parquet") else rows
    rows.to_csv(tmp_path / "rows.csv", index=False)
    rows.set_axis(rows["number"].rank().to_numpy()).to_parquet(tmp_path / "rows.parquet")
    told = from_sklearn(original, target="y", data=data, test=0)
    assert inputs(told, data) == set(read)
    if told.is_equal:
        np.testing.assert_allclose(scores(told.toml, data)["prediction"], original.predict(rows[read]), rtol=1e-9)


def test_an_index_with_a_name_is_no_input_and_may_be_the_id():
    rows = FRAME[["number", "skewed", "y"]].set_index(pd.Index(range(len(FRAME)), name="key"))
    for of in (make_pipeline(StandardScaler(), Ridge()), make_pipeline(StandardScaler(), Ridge()).fit(rows[["number", "skewed"]], rows["y"])):
        assert inputs(from_sklearn(of, target="y", data=rows, test=0), rows) == {"number", "skewed"}
        assert inputs(from_sklearn(of, target="y", data=rows, id="key", test=0), rows) == {"number", "skewed"}


def test_what_was_fitted_on_an_array_takes_columns_by_their_order_if_there_are_as_many():
    rows = FRAME[["number", "skewed", "whole", "y"]]
    original = make_pipeline(StandardScaler(), Ridge()).fit(rows[["number", "skewed"]].to_numpy(), rows["y"])
    with pytest.raises(ValueError, match="fitted on an array of 2 columns, and the data have 3 beside the target: number, skewed, whole"):
        from_sklearn(original, target="y", data=rows)
    told = from_sklearn(original, target="y", data=rows.drop(columns="whole"))
    assert "it was fitted without names, and takes columns in this order: number, skewed" in str(told)
    nothing = ColumnTransformer([("gone", "drop", [0])]).fit(rows[["number", "skewed"]].to_numpy())
    assert not from_sklearn(nothing, target="y", data=rows.drop(columns="whole")).findings


@pytest.mark.parametrize("original", [make_pipeline(StandardScaler(), Ridge()), Ridge(), LGBMRegressor(n_estimators=3, verbose=-1)], ids=str)
def test_what_was_fitted_on_names_chooses_them_without_data(original):
    rows = FRAME[["whole", "number", "skewed", "y"]]
    told = from_sklearn(clone(original).fit(rows[["skewed", "number"]], rows["y"]), target="y", test=0)
    assert inputs(told, rows) == {"skewed", "number"}
    of_array = clone(original).fit(rows[["skewed", "number"]].to_numpy(), rows["y"])
    assert "select_columns" not in from_sklearn(of_array, target="y").toml


def test_data_without_a_column_that_the_pipeline_was_fitted_on_are_refused():
    original = make_pipeline(StandardScaler(), Ridge()).fit(FRAME[NUMBERS], FRAME["y"])
    with pytest.raises(ValueError, match="fitted on `whole`, and the data have no such column; they have number, skewed"):
        from_sklearn(original, target="y", data=FRAME[["number", "skewed", "y"]])


def test_a_pipeline_that_reads_its_target_is_refused():
    original = make_pipeline(StandardScaler(), Ridge()).fit(FRAME[NUMBERS], FRAME["y"])
    for more in ({"target": "whole"}, {"target": "y", "id": "whole"}, {"target": "y", "weight": "whole"}):
        with pytest.raises(NoEqualError, match="it reads `whole`, which the spec has as target, id or weight"):
            from_sklearn(original, data=FRAME[[*NUMBERS, "y"]], **more)
    chosen = ColumnTransformer([("scaled", StandardScaler(), ["number", "whole"]), ("gone", "drop", ["skewed", "y"])])
    assert from_sklearn(chosen, target="y", data=FRAME[[*NUMBERS, "y"]]).is_equal
    with pytest.raises(NoEqualError, match="`whole`"):
        from_sklearn(chosen, target="whole", data=FRAME[[*NUMBERS, "y"]])


def test_frames_of_all_libraries_tell_columns_and_nothing_else_does():
    rows = FRAME[["number", "skewed", "y"]]
    told = from_sklearn(StandardScaler(), target="y", data=rows).toml
    for data in (polars.DataFrame(rows), pa.Table.from_pandas(rows), duckdb.from_df(rows)):
        assert from_sklearn(StandardScaler(), target="y", data=data).toml == told
    with pytest.raises(evenstep.DataError, match="`frame.collect\\(\\)`"):
        from_sklearn(StandardScaler(), target="y", data=polars.DataFrame(rows).lazy())
    with pytest.raises(evenstep.DataError, match="`list` holds no rows"):
        from_sklearn(StandardScaler(), target="y", data=[1, 2])
    for nothing in (None, "passthrough"):
        with pytest.raises(ValueError, match="is no pipeline"):
            from_sklearn(nothing, target="y", data=rows)


def test_a_search_that_was_not_made_is_a_difference():
    rows = FRAME[[*NUMBERS, "y"]]
    search = GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": [0.1, 10.0]})
    told = from_sklearn(search, target="y", data=rows)
    assert not told.is_equal and told.findings[0].source == "GridSearchCV" and "nothing is searched" in str(told)
    assert from_sklearn(search.fit(rows[NUMBERS], rows["y"]), target="y", data=rows).is_equal
    unknown = GridSearchCV(search.estimator, search.param_grid, refit=False).fit(rows[NUMBERS], rows["y"])
    assert not from_sklearn(unknown, target="y", data=rows).is_equal


def test_what_numpy_makes_of_integers_is_another():
    rows = pd.DataFrame({"i": [1, 2, 4] * 20, "f": [0.5, 2.0, 4.0] * 20, "y": np.arange(60.0)})
    for function in (np.reciprocal, np.square):
        assert not from_sklearn(FunctionTransformer(function), target="y", data=rows[["i", "y"]]).is_equal
        assert from_sklearn(FunctionTransformer(function), target="y", data=rows[["f", "y"]]).is_equal
        assert "of columns of integers" in str(from_sklearn(ColumnTransformer([("f", FunctionTransformer(function), ["f"])]), target="y"))


def test_a_quotient_that_is_rounded_down_is_another():
    rows = pd.DataFrame({"a": [3.0, 1.0] * 20, "b": [0.1, 0.2] * 20, "y": np.arange(40.0)})
    assert not from_sklearn(RelativeFeatures(["a"], ["b"], ["floordiv"]), target="y", data=rows).is_equal


def test_flags_are_reckoned_with_as_0_and_1():
    flags = np.arange(60) % 3 == 0
    rows = pd.DataFrame({"b": flags, "a": np.arange(60) / 7, "y": np.arange(60) * 3 % 11.0})
    objects = rows.assign(b=pd.Series(flags, dtype=object))
    for transformer, data, name, its in [
        (PolynomialFeatures((1, 2)), rows, "b a", "b a"),
        (Binarizer(), objects, "b_above", "b"),
        (MinMaxScaler((-1, 1)), rows, "b_scaled", "b"),
    ]:
        told = from_sklearn(transformer, target="y", data=data, test=0)
        theirs = transformer.set_output(transform="pandas").fit_transform(data[["b", "a"]])
        assert told.is_equal, told
        np.testing.assert_allclose(features(told.toml, data)[name], theirs[its].astype(float), rtol=1e-12)


def test_an_integer_that_goes_two_ways_is_no_category_on_the_second():
    rows = pd.DataFrame({"i": np.arange(60) % 4, "y": np.arange(60) * 3 % 11.0})
    scaled, codes = ("s", StandardScaler(), ["i"]), ("o", OneHotEncoder(), ["i"])
    with pytest.raises(NoEqualError, match="`i_o` is a number by then, which is no category"):
        from_sklearn(ColumnTransformer([scaled, codes]), target="y", data=rows)
    told = from_sklearn(ColumnTransformer([codes, scaled]), target="y", data=rows, test=0)
    assert told.is_equal and {"i=3", "i_s"} <= set(features(told.toml, rows))


def test_a_null_that_no_row_has_gets_no_column():
    rows = FRAME[["city", "y"]]
    told = from_sklearn(OneHotEncoder(), target="y", data=rows, task="binary", test=0)
    assert "city_missing" not in features(told.toml, rows) and "_missing" not in str(told)
    gaps = rows.assign(city=rows["city"].where(FRAME["whole"] > 1))
    told = from_sklearn(OneHotEncoder(), target="y", data=gaps, task="binary", test=0)
    assert "city_missing" in features(told.toml, gaps)
    unknown = from_sklearn(ColumnTransformer([("c", OneHotEncoder(), ["city"])]), target="y", task="binary")
    assert "nulls have a column, `<column>_missing`, also where training has none" in str(unknown)


def test_an_empty_text_of_a_frame_is_a_value(tmp_path):
    rows = pd.DataFrame({"a": ["", "u", "v"] * 20, "y": np.arange(60) * 3 % 11.0})
    rows.to_parquet(tmp_path / "rows.parquet")
    for data in (rows, rows.astype({"a": "category"}), tmp_path / "rows.parquet"):
        told = from_sklearn(OrdinalEncoder(), target="y", data=data, test=0)
        assert told.is_equal and "missing = []" in told.toml
        assert features(told.toml, data)["a"].tolist()[:3] == [0, 1, 2]
    assert "missing" not in from_sklearn(OrdinalEncoder(), target="y", data=rows[rows["a"] != ""]).toml


def test_what_nobody_knows_to_be_numbers_or_texts_is_no_equal_encoding(tmp_path):
    columns = ColumnTransformer([("codes", OrdinalEncoder(), ["a"])])
    assert "fit it, or give `data`" in from_sklearn(columns, target="y").findings[0].notes[0]
    (tmp_path / "rows.csv").write_text("a,y\n1.5,0\n1.50,1\n-2,2\n")
    told = from_sklearn(columns, target="y", data=tmp_path / "rows.csv")
    assert not told.is_equal and "spelt in several ways" in str(told)


def test_a_variance_of_nulls_is_another():
    rows = pd.DataFrame({"a": [1.0, np.nan] * 20, "b": np.arange(40.0), "y": np.arange(40) % 2})
    assert not from_sklearn(VarianceThreshold(), target="y", data=rows).is_equal
    assert not from_sklearn(VarianceThreshold(), target="y").is_equal
    filled = make_pipeline(SimpleImputer(), VarianceThreshold())
    assert from_sklearn(filled, target="y", data=rows).is_equal
    assert from_sklearn(VarianceThreshold(), target="y", data=rows.drop(columns="a")).is_equal


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (HistGradientBoostingClassifier(learning_rate=np.float64(0.01)), "learning_rate = 0.01"),
        (RandomForestClassifier(n_estimators=np.int64(5)), "trees = 5"),
        (RandomForestClassifier(random_state=np.int64(7)), "seed = 7"),
        (RandomForestClassifier(random_state=7), "seed = 7"),
        (GridSearchCV(Ridge(random_state=np.int64(7)), {}), "seed = 7"),
        (Ridge(alpha=np.float32(0.5)), "alpha = 0.5"),
        (KBinsDiscretizer(np.int64(3), encode="ordinal", strategy="uniform"), "bins = 3"),
        (MinMaxScaler((np.int64(-1), np.float64(2.5))), "* 3.5 + -1"),
        (SimpleImputer(strategy="constant", fill_value=np.float64(1.5)), "value = 1.5"),
        (XGBRegressor(objective="reg:quantileerror", quantile_alpha=np.array([0.25])), "quantile = 0.25"),
    ],
    ids=str,
)
def test_numbers_of_numpy_are_written_as_others(step, line):
    rows = FRAME[["number", "skewed", "y"]]
    told = from_sklearn(step, target="y", data=rows, task="regression", test=np.float64(0.5))
    assert line in told.toml and "np." not in told.toml
    assert told.spec.target == "y"


@pytest.mark.parametrize(
    "constraints", ["(1,0)", "[1, 0]", [1.0, 0.0], np.array([1, 0]), {"number": 1}, {"number": 1, "skewed": 0}], ids=str
)
def test_constraints_follow_columns_that_get_another_name(constraints):
    rows = FRAME[["number", "skewed", "y"]]
    scaler = MinMaxScaler((0, 2)).set_output(transform="pandas")
    told = from_sklearn(make_pipeline(scaler, XGBClassifier(monotone_constraints=constraints)), target="y", data=rows)
    assert 'monotone = { number_scaled = "increasing" }' in told.toml


@pytest.mark.parametrize(
    ("constraints", "why"),
    [
        ("(1,0,1)", "columns are 2, and constraints 3"),
        ("up", "columns are 2, and constraints 1"),
        ("(up,0)", "`up` is no constraint of `number`"),
        ({"else": 1}, "there is no column `else`"),
        ([1, 7], "`7` is no constraint of `skewed`"),
    ],
)
def test_constraints_that_say_nothing_are_refused_in_words(constraints, why):
    with pytest.raises(NoEqualError, match=re.escape(why)):
        from_sklearn(
            XGBClassifier(monotone_constraints=constraints), target="y", data=FRAME[["number", "skewed", "y"]]
        )


def test_encoders_of_columns_that_nobody_knows_are_refused_unless_they_choose_by_type():
    with pytest.raises(NoEqualError, match="which columns come in isn't known"):
        from_sklearn(OneHotEncoder(), target="y")
    by_type = from_sklearn(encoding.OneHotEncoder(), target="y")
    assert 'columns = { type = ["category", "text"] }' in by_type.toml
    assert 'columns = { type = "number" }' in from_sklearn(imputation.MeanMedianImputer(), target="y").toml


def test_columns_are_found_by_the_names_that_a_branch_gave_them():
    first = ColumnTransformer(
        [("filled", SimpleImputer(), ["gaps"]), ("city", OneHotEncoder(sparse_output=False), ["city"])]
    )
    second = ColumnTransformer([("scaled", StandardScaler(), ["filled__gaps", "city__city_Rome"])])
    pipeline = make_pipeline(first, second).set_output(transform="pandas")
    rows = FRAME[["gaps", "city", "y"]]
    theirs = pipeline.fit_transform(rows)
    ours = features(from_sklearn(pipeline, target="y", data=rows, test=0).toml, rows)
    np.testing.assert_allclose(ours["gaps"], theirs["scaled__filled__gaps"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours["city=Rome"], theirs["scaled__city__city_Rome"], rtol=1e-9, atol=1e-12)


def test_to_translate_imports_no_library_that_the_pipeline_did_not():
    heavy = "{'numpy', 'pandas', 'pyarrow', 'sklearn'} & set(sys.modules)"
    code = f"import sys, evenstep; evenstep.from_sklearn; assert not {heavy}, {heavy}"
    subprocess.run([sys.executable, "-c", code], check=True)
