"""The estimators keep to scikit-learn's manners: its own checks, and what people do with estimators."""

import pickle

import numpy as np
import pandas as pd
import polars
import pytest
from cases import NUMBERS, frame
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

import evenstep
from evenstep.sklearn import EvenstepClassifier, EvenstepRegressor, EvenstepTransformer

# What peers warn of is theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore")
FRAME = frame()
COUNTING_ROWS = {
    "check_sample_weight_equivalence_on_dense_data": "leaves and bins of trees ask for a number of rows, whatever these weigh"
}


@pytest.mark.parametrize(
    ("estimator", "fewest"),
    [
        (EvenstepClassifier(), 55),
        (EvenstepRegressor(), 52),
        (EvenstepRegressor("ridge"), 53),
        (EvenstepTransformer(), 45),
        (EvenstepTransformer("yeo_johnson"), 45),
        (EvenstepTransformer("impute_median"), 45),
    ],
    ids=str,
)
def test_every_check_of_scikit_learn_passes_but_one_that_is_explained_and_none_is_skipped(estimator, fewest):
    expected = COUNTING_ROWS if type(estimator) in (EvenstepClassifier, EvenstepRegressor) and estimator.model == "boosted_trees" else {}
    checks = check_estimator(estimator, on_fail=None, on_skip=None, expected_failed_checks=expected)
    others = {check["check_name"]: check["status"] for check in checks if check["status"] != "passed"}
    assert others == dict.fromkeys(expected, "xfail")
    assert len(checks) >= fewest


def test_rows_in_another_order_and_an_array_of_the_same_give_the_same_bits():
    rows, y = FRAME[NUMBERS].to_numpy(), FRAME["y"].to_numpy()
    order = np.random.default_rng(1).permutation(len(rows))
    one = EvenstepClassifier(row_sample=0.8).fit(rows, y)
    other = EvenstepClassifier(row_sample=0.8).fit(rows[order], y[order])
    assert one.bundle_.digest == other.bundle_.digest
    assert (one.predict_proba(rows)[order] == other.predict_proba(rows[order])).all()


def test_predictions_are_those_of_the_bundle_on_its_own(tmp_path):
    model = EvenstepClassifier(trees=20).fit(FRAME[[*NUMBERS, "city"]], FRAME["y"])
    (tmp_path / "model.evenstep").write_bytes(model.bundle_.to_bytes())
    opened = evenstep.open(tmp_path / "model.evenstep")
    told = opened.score(FRAME[[*NUMBERS, "city"]]).to_pandas()
    assert (told["probability_1"].to_numpy() == model.predict_proba(FRAME[[*NUMBERS, "city"]])[:, 1]).all()


def test_a_spec_trains_to_the_digest_of_the_estimator():
    model = EvenstepRegressor(trees=10).fit(FRAME[NUMBERS], FRAME["number"].rename("again") * 2)
    rows = FRAME[NUMBERS].assign(again=FRAME["number"] * 2)
    assert evenstep.Spec.from_toml(model.spec_).train(data=rows).digest == model.bundle_.digest


def test_steps_go_before_the_model():
    steps = [{"use": "impute_median", "columns": ["gaps"]}, {"use": "one_hot", "columns": ["city"]}]
    model = EvenstepClassifier("logistic_regression", steps=steps, C=0.5)
    model.fit(FRAME[["gaps", "city"]], FRAME["y"])
    assert model.score(FRAME[["gaps", "city"]], FRAME["y"]) > 0.6


def test_importances_are_shares_of_the_columns_and_choose_some():
    model = EvenstepClassifier(trees=5).fit(FRAME[NUMBERS], FRAME["y"])
    assert len(model.feature_importances_) == len(NUMBERS) and model.feature_importances_.sum() == pytest.approx(1)
    kept = SelectFromModel(model, threshold="median", prefit=True).transform(FRAME[NUMBERS].to_numpy())
    assert 1 <= kept.shape[1] <= len(NUMBERS)
    steps = [{"use": "one_hot", "columns": ["city"]}]
    model = EvenstepClassifier(steps=steps, trees=5).fit(FRAME[["gaps", "city"]], FRAME["y"])
    assert not hasattr(model, "feature_importances_"), "the model reads what the step made"


def test_searches_and_cross_validation_see_the_parameters_of_the_model():
    search = GridSearchCV(EvenstepClassifier(trees=10), {"leaves": [2, 8], "learning_rate": [0.1, 0.3]}, cv=2)
    search.fit(FRAME[NUMBERS], FRAME["y"])
    assert set(search.best_params_) == {"leaves", "learning_rate"}
    scores = cross_val_score(EvenstepRegressor("ridge", alpha=0.1), FRAME[NUMBERS], FRAME["number"], cv=3)
    assert (scores > 0.99).all()


def test_parameters_are_cloned_shown_and_reached_by_name():
    model = clone(EvenstepClassifier(trees=7, seed=3)).set_params(trees=8, leaves=4)
    assert (model.trees, model.leaves, model.seed) == (8, 4, 3)
    assert repr(model) == "EvenstepClassifier(leaves=4, seed=3, trees=8)"
    with pytest.raises(AttributeError, match="has no attribute `depth`"):
        _ = model.depth


def test_a_parameter_that_is_set_as_an_attribute_is_one():
    model = EvenstepClassifier(trees=5)
    model.trees, model.learning_rate = 7, 0.2
    assert (model.get_params()["trees"], clone(model).learning_rate) == (7, 0.2)
    assert "trees = 7\n" in model.fit(FRAME[NUMBERS], FRAME["y"]).spec_


@pytest.mark.parametrize("columns", [np.array(NUMBERS), pd.Index(NUMBERS), tuple(NUMBERS), [np.str_(name) for name in NUMBERS]])
def test_columns_are_named_by_whatever_lists_them(columns):
    assert EvenstepTransformer(columns=columns).fit(FRAME).bundle_.digest == EvenstepTransformer(columns=NUMBERS).fit(FRAME).bundle_.digest
    model = EvenstepClassifier(np.str_("ridge"), steps=[{"use": "standard_scale", "columns": columns}], l2=np.float64(2))
    with pytest.raises(ValueError, match="ridge"):
        model.fit(FRAME[NUMBERS], FRAME["y"])


def test_texts_are_classes_of_their_own_whatever_they_read_as():
    codes = pd.DataFrame({"code": np.array(["1", "1.0", "01"])[np.arange(300) % 3]})
    model = EvenstepClassifier(trees=20).fit(codes, codes["code"] == "1.0")
    assert (model.predict(codes) == (codes["code"] == "1.0")).all()


@pytest.mark.parametrize("gap", [None, np.nan, pd.NA])
def test_a_column_without_any_value_says_nothing(gap):
    rows = FRAME[NUMBERS].assign(empty=pd.Series([gap] * len(FRAME), dtype=object))
    model = EvenstepClassifier(trees=5).fit(rows, FRAME["y"])
    told = model.predict_proba(rows)
    for later in (rows.assign(empty="a"), rows.assign(empty=1.5), rows.assign(empty=np.nan)):
        np.testing.assert_array_equal(model.predict_proba(later), told)
    table = polars.DataFrame(FRAME[NUMBERS]).with_columns(empty=polars.lit(None))
    np.testing.assert_array_equal(EvenstepClassifier(trees=5).fit(table, FRAME["y"]).predict_proba(table), told)


def test_numbers_beyond_64_bits_are_numbers():
    large = pd.Series([10**30 * n for n in range(len(FRAME))], dtype=object)
    floats = FRAME[NUMBERS].assign(large=large.astype(float))
    told = EvenstepClassifier(trees=5).fit(floats, FRAME["y"]).predict_proba(floats)
    rows = FRAME[NUMBERS].assign(large=large)
    np.testing.assert_array_equal(EvenstepClassifier(trees=5).fit(rows, FRAME["y"]).predict_proba(rows), told)
    with pytest.raises(ValueError, match="column `large` has an integer that is too large"):
        EvenstepClassifier().fit(rows.assign(large=[10**400, *large[1:]]), FRAME["y"])


@pytest.mark.parametrize("of", [">f8", np.longdouble])
def test_numbers_are_read_whatever_bytes_they_are_of(of):
    rows, y = FRAME[NUMBERS].astype(float), FRAME["y"].astype(float)
    told = EvenstepRegressor(trees=5).fit(rows, y).predict(rows)
    for given in (rows.astype(of), rows.astype(of).to_numpy()):
        np.testing.assert_array_equal(EvenstepRegressor(trees=5).fit(given, y.astype(of)).predict(given), told)


def test_integers_of_128_bits_of_polars_are_read():
    rows = polars.DataFrame(FRAME[NUMBERS])
    long = rows.with_columns(polars.col("whole").cast(polars.Int128))
    told = EvenstepClassifier(trees=5).fit(rows, FRAME["y"]).predict_proba(rows)
    # Draws follow the identity of rows, which tells integers from floats.
    np.testing.assert_allclose(EvenstepClassifier(trees=5).fit(long, FRAME["y"]).predict_proba(long), told, atol=0.03)


def test_a_target_of_another_length_is_refused_with_both():
    rows = FRAME[NUMBERS]
    for estimator, y in [
        (EvenstepClassifier(), FRAME["y"][:50]),
        (EvenstepClassifier(), ["a"] * 50),
        (EvenstepRegressor(), FRAME["number"][:50]),
        (EvenstepTransformer("discretize_tree", columns=NUMBERS, order="target"), FRAME["y"][:50]),
    ]:
        with pytest.raises(ValueError, match=f"y has 50 values, and X has {len(FRAME)} rows: give one value for each row"):
            estimator.fit(rows, y)


def test_predictions_come_in_the_order_of_rows_and_classes_as_they_were_given():
    rows = FRAME[NUMBERS].set_axis(np.arange(len(FRAME)) * 10)
    for y in (FRAME["y"], FRAME["y"] == 1, FRAME["y"].astype("int8")):
        told = EvenstepClassifier(trees=5).fit(rows, y.to_numpy()).predict(rows)
        assert isinstance(told, np.ndarray) and told.dtype == y.dtype
        assert rows.assign(p=told).loc[70, "p"] == told[7]


def test_a_parameter_that_the_model_does_not_have_is_refused_with_what_was_meant():
    with pytest.raises(ValueError, match="learning_rate"):
        EvenstepClassifier(learning_rat=0.1).fit(FRAME[NUMBERS], FRAME["y"])
    with pytest.raises(ValueError, match="did you mean `impute_median`"):
        EvenstepTransformer("impute_medain").fit(FRAME[NUMBERS])


@pytest.mark.parametrize(
    "classes",
    [
        *(["no", "yes"], [True, False], [1.0, 2.0], [-1, 1], ["", "x"], ["a", "b", "c"], [1, "1"]),
        *(["True", "False"], ["1.0", "2"], ["1", "1.0"], ["+1", "-1"], ["2024-01-01", "2024-01-02"], ["01", "1"]),
        [np.uint64(2**64 - 1), np.uint64(3)],
    ],
)
def test_classes_of_any_type_come_back_as_they_were(classes):
    y = np.array(classes, dtype=object if len({type(of) for of in classes}) > 1 else None)[
        np.arange(400) % len(classes)
    ]
    if y.dtype == object:
        with pytest.raises((TypeError, ValueError)):
            EvenstepClassifier().fit(FRAME[NUMBERS], y)
        return
    rows = pd.get_dummies(pd.Series(y)).to_numpy(dtype=float)
    model = EvenstepClassifier(trees=20).fit(rows, y)
    assert model.classes_.tolist() == np.unique(y).tolist()
    assert (model.predict(rows) == y).all()


def test_a_pickle_holds_the_bundle_and_a_changed_byte_is_refused():
    model = EvenstepClassifier(trees=5).fit(FRAME[NUMBERS], FRAME["y"])
    stored = pickle.dumps(model)
    assert model.bundle_.to_bytes() in stored
    assert (pickle.loads(stored).predict_proba(FRAME[NUMBERS]) == model.predict_proba(FRAME[NUMBERS])).all()
    at = stored.index(model.bundle_.to_bytes()) + 500
    with pytest.raises(evenstep.BundleError):
        pickle.loads(stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :])


def test_weights_count_rows_so_often():
    rows, y = FRAME[NUMBERS], FRAME["number"] + FRAME["whole"]
    weights = np.arange(len(rows)) % 3
    weighted = EvenstepRegressor("ridge").fit(rows, y, sample_weight=weights)
    repeated = EvenstepRegressor("ridge").fit(rows.loc[rows.index.repeat(weights)], y.repeat(weights))
    np.testing.assert_allclose(weighted.predict(rows), repeated.predict(rows), rtol=1e-9)


def test_a_transformer_takes_any_step_and_tells_its_columns():
    rows = FRAME[["city", "number"]]
    encoder = EvenstepTransformer("one_hot", columns=["city"], top=2).set_output(transform="pandas").fit(rows)
    out = encoder.transform(rows)
    assert out.columns.tolist() == ["number", "city=Oslo", "city=Rome"]
    assert out["city=Rome"].tolist() == (FRAME["city"] == "Rome").astype(float).tolist()
    formula = EvenstepTransformer("expression", new="twice", formula="number * 2").fit(rows[["number"]])
    assert formula.get_feature_names_out().tolist() == ["number", "twice"]


def test_rows_in_another_order_make_the_same_transformer():
    rows = FRAME[["number", "city"]].iloc[:50]
    one, other = (EvenstepTransformer("rare_labels", columns=["city"]).fit(part) for part in (rows, rows[::-1]))
    assert one.bundle_.digest == other.bundle_.digest


def test_columns_of_an_array_stay_in_their_order():
    rows = np.random.default_rng(2).normal(size=(50, 12))
    scaled = EvenstepTransformer().fit_transform(rows)
    np.testing.assert_allclose(scaled, (rows - rows.mean(axis=0)) / rows.std(axis=0), rtol=1e-9)


def test_a_step_that_makes_text_gives_a_frame():
    rare = EvenstepTransformer("rare_labels", columns=["city"], min_frequency=0.1).fit(FRAME[["city", "number"]])
    out = rare.transform(FRAME[["city", "number"]])
    assert set(out["city"]) == {"Oslo", "Rome", "Lima", "Rare"}
    assert out["number"].tolist() == FRAME["number"].tolist()


def test_a_frame_keeps_its_index_whatever_it_holds():
    rows = pd.DataFrame({"a": [1.0, 2.0, 4.0], "c": ["u", "v", "u"]}, index=[10, 11, 12])
    scale = EvenstepTransformer("standard_scale", columns=["a"])
    for columns in (["a"], ["a", "c"]):
        scaled = clone(scale).set_output(transform="pandas").fit_transform(rows[columns])
        assert list(scaled.index) == [10, 11, 12]
    assert list(scale.fit_transform(rows).index) == [10, 11, 12]


def test_a_step_that_looks_at_the_target_is_given_it():
    ordered = EvenstepTransformer("ordinal", order="target").fit(FRAME[["city"]], FRAME["y"])
    means = FRAME.groupby("city")["y"].mean().rank() - 1
    assert ordered.transform(FRAME[["city"]])[:, 0].tolist() == FRAME["city"].map(means).tolist()
    with pytest.raises(ValueError, match="`steps`"):
        EvenstepTransformer("target_encode").fit(FRAME[["city"]], FRAME["y"])


def test_transformers_stand_in_pipelines_of_scikit_learn():
    columns = make_column_transformer(
        (EvenstepTransformer("impute_median"), ["gaps"]), (EvenstepTransformer("one_hot"), ["city"])
    )
    pipeline = make_pipeline(columns, LogisticRegression())
    pipeline.fit(FRAME[["gaps", "city"]], FRAME["y"])
    assert "evensteptransformer-2__city=Rome" in columns.get_feature_names_out()


def test_fractions_may_come_where_training_saw_whole_numbers():
    model = EvenstepRegressor("ridge").fit(np.arange(20).reshape(-1, 1), np.arange(20))
    assert abs(model.predict([[3.5]])[0] - 3.5) < 0.1


def test_one_identity_a_row_if_a_column_tells_it():
    rows = FRAME[NUMBERS].assign(key=range(len(FRAME)))
    model = EvenstepClassifier("random_forest", trees=5, id="key").fit(rows, FRAME["y"])
    assert 'id = "key"' in model.spec_
    assert (model.predict(rows[::-1]) == model.predict(rows)[::-1]).all()


@pytest.mark.parametrize(
    ("rows", "y", "message"),
    [
        (FRAME[NUMBERS], np.zeros(len(FRAME)), "one class"),
        (pd.DataFrame({"a": [1, "x", 2.0, None]}), [0, 1, 0, 1], "several types"),
        (np.array([[1.0], [np.inf], [2.0]]), [0, 1, 0], "infinity"),
        (np.array([[1.0], [3.0], [2.0]]), ["a", "b", None], "contains NaN"),
        (np.array([[1.0], [3.0], [2.0]]), [0.0, 1.0, np.nan], "NaN"),
        (np.array([[1.0], [3.0], [2.0]]), pd.Series(["a", "b", pd.NA], dtype="string"), "contains NaN"),
        (np.array([[1.0], [3.0], [2.0]]), pd.Series([0, 1, pd.NA], dtype="Int64"), "NaN"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(rows, y, message):
    with pytest.raises(ValueError, match=message):
        EvenstepClassifier().fit(rows, y)


def test_a_target_that_is_a_frame_of_one_column_is_taken():
    y = pd.DataFrame({"name": FRAME["y"]})
    told = EvenstepClassifier(trees=5).fit(FRAME[NUMBERS], y)
    assert told.bundle_.digest == EvenstepClassifier(trees=5).fit(FRAME[NUMBERS], FRAME["y"]).bundle_.digest
    assert 'target = "y"' in EvenstepRegressor(trees=5).fit(FRAME[NUMBERS], y).spec_


def test_an_estimator_that_is_not_fitted_says_so():
    with pytest.raises(NotFittedError):
        EvenstepTransformer().transform(FRAME[NUMBERS])


def test_frames_of_polars_go_in_and_come_out():
    polars = pytest.importorskip("polars")
    rows = polars.from_pandas(FRAME[[*NUMBERS, "city"]])
    model = EvenstepClassifier(trees=5).fit(rows, FRAME["y"])
    same = EvenstepClassifier(trees=5).fit(FRAME[[*NUMBERS, "city"]], FRAME["y"])
    assert model.bundle_.digest == same.bundle_.digest
    assert model.feature_names_in_.tolist() == [*NUMBERS, "city"]
    scaler = EvenstepTransformer(columns=NUMBERS).set_output(transform="polars").fit(rows)
    assert isinstance(scaler.transform(rows), polars.DataFrame)


def test_work_is_shared_with_other_processes():
    model = EvenstepClassifier(trees=5, n_jobs=1)
    alone = cross_val_score(model, FRAME[NUMBERS], FRAME["y"], cv=2)
    assert (cross_val_score(model, FRAME[NUMBERS], FRAME["y"], cv=2, n_jobs=2) == alone).all()


class Own(pd.DataFrame):
    """A frame of a library that extends pandas."""

    @property
    def _constructor(self):
        return Own


def test_a_frame_of_a_class_that_extends_pandas_is_one_and_its_index_is_no_feature():
    y = np.array(["a", "b"] * 100)
    rows = Own({"x": np.random.default_rng(0).normal(size=200)})
    rows.index = np.where(y == "a", 0, 1) * 1000 + np.arange(200)
    model = EvenstepClassifier().fit(rows, y)
    assert model.score(rows, y) < 0.9
    model.predict(rows.reset_index(drop=True))


def test_columns_that_nothing_reads_are_told():
    known = np.random.default_rng(0).integers(0, 4, 200)
    months = pd.PeriodIndex(np.array(["2020-01", "2020-02", "2020-03", "2020-04"])[known], freq="M")
    rows = pd.DataFrame({"x": np.arange(200) % 17, "k": pd.to_timedelta(known, "h"), "cut": pd.cut(known, 3), "month": months})
    with pytest.warns(UserWarning) as told:
        model = EvenstepClassifier().fit(rows, np.where(known % 2, "a", "b"))
    said = " ".join(str(warning.message) for warning in told)
    assert "`k` isn't learned from: cells of type `duration" in said and "cut" not in said
    assert {"cut", "month"} <= set(model.bundle_.inspect()["identity"]["inputs"]), "bins and periods are categories"
    assert "month" not in said and model.bundle_.inspect()["identity"]["contract"]["month"]["type"] == "category"


def test_a_row_that_a_linear_model_cannot_answer_is_refused_with_what_to_do():
    rows, gaps = FRAME[NUMBERS], FRAME[NUMBERS].assign(skewed=FRAME["skewed"].where(FRAME.index != 3))
    regressor = EvenstepRegressor("ridge").fit(rows, FRAME["number"])
    classifier = EvenstepClassifier("logistic_regression").fit(rows, FRAME["y"])
    for ask in (regressor.predict, classifier.predict, classifier.predict_proba, classifier.predict_log_proba):
        with pytest.raises(ValueError, match=r"row 3 \(counted from 0\) has no prediction: .*\(NaN\).*`impute_median`"):
            ask(gaps)
    filled = EvenstepRegressor("ridge", steps=[{"use": "impute_median", "columns": NUMBERS}]).fit(rows, FRAME["number"])
    assert not np.isnan(filled.predict(gaps)).any()


def test_logarithms_are_those_of_the_probabilities():
    model = EvenstepClassifier(trees=5).fit(FRAME[NUMBERS], FRAME["y"])
    np.testing.assert_array_equal(model.predict_log_proba(FRAME[NUMBERS]), np.log(model.predict_proba(FRAME[NUMBERS])))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_an_empty_text_is_a_text_if_training_has_one(library):
    texts = pd.DataFrame({"a": ["", "u", "v", None] * 50, "b": np.arange(200) % 7})
    rows = texts if library == "pandas" else polars.DataFrame(texts)
    filled = EvenstepTransformer("impute_constant", columns=["a"], value="gone").fit(rows).transform(rows)
    assert filled["a"].tolist()[:4] == ["", "u", "v", "gone"]
    y = texts["a"] == ""
    model = EvenstepClassifier(trees=20, min_rows=5).fit(rows, y)
    assert (model.predict(rows) == y).all()


def test_a_frame_is_taken_by_the_order_of_its_columns_after_an_array():
    rows = FRAME[NUMBERS]
    model = EvenstepClassifier(trees=5).fit(rows.to_numpy(), FRAME["y"])
    for frame_of_names in (rows, polars.DataFrame(rows)):
        with pytest.warns(UserWarning, match="X has feature names, but EvenstepClassifier was fitted without feature names"):
            told = model.predict_proba(frame_of_names)
        np.testing.assert_array_equal(told, model.predict_proba(rows.to_numpy()))
    with pytest.raises(ValueError, match="X has 2 features, but EvenstepClassifier is expecting 3"):
        model.predict(rows[NUMBERS[:2]])


def test_parameters_that_are_no_such_thing_are_refused_in_words():
    for given, message in [
        ({"steps": {"use": "one_hot"}}, "steps=.* give a list of tables"),
        ({"steps": ["one_hot"]}, "steps=.* give a list of tables"),
        ({"n_jobs": "x"}, "n_jobs='x': give a whole number"),
        ({"seed": None}, "seed=None: give a whole number"),
    ]:
        with pytest.raises(ValueError, match=message):
            EvenstepRegressor(**given).fit(FRAME[NUMBERS], FRAME["number"])
    named_by_numbers = FRAME[["number", "city"]].set_axis([0, 1], axis=1)
    with pytest.raises(ValueError, match=r"named by numbers .*X.columns.astype\(str\)"):
        EvenstepClassifier().fit(named_by_numbers, FRAME["y"])


def test_classes_are_weighed_by_themselves():
    weighed = EvenstepClassifier(trees=5, class_weights={0: 1, 1: 3}).fit(FRAME[NUMBERS], FRAME["y"])
    by_text = EvenstepClassifier(trees=5, class_weights={"0": 1, "1": 3}).fit(FRAME[NUMBERS], FRAME["y"])
    assert weighed.bundle_.digest == by_text.bundle_.digest


def test_a_column_of_lists_is_in_no_transformer_s_way():
    rows = polars.DataFrame({"c": ["u", "v"] * 20, "l": [[1], [2]] * 20})
    for encoder in (EvenstepTransformer("one_hot", columns=["c"]), EvenstepTransformer("one_hot")):
        encoder.fit(rows)
        assert encoder.get_feature_names_out().tolist() == ["c=u", "c=v"]
        assert encoder.transform(rows).shape == (40, 2)
