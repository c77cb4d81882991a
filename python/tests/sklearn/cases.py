"""What `from_sklearn` is asked to translate: each entry of the table at least once, and what is to come of it.

Frames are small, of all types, and have nulls only where a case wants them.
"""

# ruff: noqa: E402

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

# scikit-learn checks arrays of other libraries only if scipy was told so before it is imported.
os.environ["SCIPY_ARRAY_API"] = "1"
# Peers' threads wait for each other in a busy loop, which on a shared machine takes longer than their work.
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
from feature_engine import creation, datetime, discretisation, encoding, imputation, outliers, selection, transformation
from feature_engine.preprocessing import MatchCategories, MatchVariables
from feature_engine.wrappers import SklearnTransformerWrapper
from sklearn import feature_selection as choose
from sklearn import preprocessing as prep
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline

ROWS = 400


def frame() -> pd.DataFrame:
    """Rows of all types: `number`, `skewed` (positive), `whole`, `city`, `rank` (text that has an order), `seen_at`,
    `born`, with nulls in `gaps` and `place`, and `town`, which is `city` again; and the target `y`, 0 or 1."""
    draw = np.random.default_rng(7)
    number = draw.normal(3.0, 2.0, ROWS)
    skewed = draw.lognormal(1.0, 0.8, ROWS)
    whole = draw.integers(0, 12, ROWS)
    city = draw.choice(["Oslo", "Rome", "Lima", "Pau", "Ulm"], ROWS, p=[0.4, 0.3, 0.2, 0.07, 0.03])
    y = (number + (city == "Rome") + draw.normal(0, 1, ROWS) > 3.3).astype(int)
    return pd.DataFrame(
        {
            "number": number,
            "skewed": skewed,
            "whole": whole,
            "gaps": np.where(draw.random(ROWS) < 0.2, np.nan, number * 2 + draw.normal(0, 1, ROWS)),
            "city": city,
            "town": city,
            "place": np.where(draw.random(ROWS) < 0.15, None, draw.choice(["in", "out", "by"], ROWS)),
            "rank": draw.choice(["low", "mid", "high"], ROWS),
            "seen_at": pd.Timestamp("2023-11-05 03:04:05")
            + pd.to_timedelta(draw.integers(0, 5_000_000, ROWS), unit="min"),
            "born": pd.Timestamp("1970-01-01") + pd.to_timedelta(draw.integers(0, 12_000, ROWS), unit="D"),
            "y": y,
        }
    )


NUMBERS = ["number", "skewed", "whole"]


@dataclass(frozen=True)
class Case:
    """A transformer on some columns. `close` is the largest difference that is allowed, none if values aren't
    compared; `renamed` says what columns of the original are called in the spec."""

    transformer: Any
    columns: list[str]
    verdict: str = "equal"
    close: float | None = 1e-9
    renamed: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{type(self.transformer).__module__.split('.')[0]}-{type(self.transformer).__name__}"


def _one_hot(column: str, values: str, null: str | None = None) -> dict[str, str]:
    renamed = {f"{column}_{value}": f"{column}={value}" for value in values.split()}
    return renamed | ({f"{column}_{null}": f"{column}_missing"} if null else {})


CITIES = _one_hot("city", "Oslo Rome Lima Pau Ulm")

EQUAL = [
    Case(SimpleImputer(), ["gaps", "number"]),
    Case(
        SimpleImputer(strategy="median", add_indicator=True),
        ["gaps"],
        renamed={"missingindicator_gaps": "gaps_missing"},
    ),
    Case(SimpleImputer(strategy="most_frequent"), ["place"]),
    Case(SimpleImputer(strategy="constant", fill_value=-1.0), ["gaps"]),
    Case(SimpleImputer(strategy="constant", fill_value="none"), ["place"]),
    Case(MissingIndicator(), ["gaps"], renamed={"missingindicator_gaps": "gaps_missing"}),
    Case(prep.StandardScaler(), NUMBERS),
    Case(prep.StandardScaler(with_mean=False), ["gaps"]),
    Case(prep.StandardScaler(with_std=False), NUMBERS),
    Case(prep.MinMaxScaler(), NUMBERS),
    Case(prep.MinMaxScaler((-1, 2.5), clip=True), NUMBERS, renamed={name: f"{name}_scaled" for name in NUMBERS}),
    Case(prep.MaxAbsScaler(), [*NUMBERS, "gaps"], renamed={name: f"{name}_scaled" for name in [*NUMBERS, "gaps"]}),
    Case(prep.RobustScaler(), NUMBERS),
    Case(prep.RobustScaler(quantile_range=(10, 80)), ["gaps"]),
    Case(prep.OneHotEncoder(), ["city"], renamed=CITIES),
    Case(prep.OneHotEncoder(handle_unknown="ignore"), ["place"], renamed=_one_hot("place", "in out by", "nan")),
    Case(
        prep.OneHotEncoder(min_frequency=0.1, handle_unknown="infrequent_if_exist"),
        ["city"],
        verdict="differs",
        renamed=_one_hot("city", "Oslo Rome Lima") | {"city_infrequent_sklearn": "city=Rare"},
    ),
    Case(prep.OneHotEncoder(), ["whole"], renamed=_one_hot("whole", "0 1 2 3 4 5 6 7 8 9 10 11")),
    Case(prep.OrdinalEncoder(), ["city", "rank"]),
    Case(prep.OrdinalEncoder(categories=[["low", "mid", "high"]]), ["rank"]),
    Case(prep.OrdinalEncoder(encoded_missing_value=-5), ["place"]),
    Case(
        prep.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1), ["place"]
    ),
    Case(
        prep.KBinsDiscretizer(4, strategy="uniform"),
        ["number", "skewed"],
        renamed={f"{c}_{float(bin)}": f"{c}={bin}" for c in ("number", "skewed") for bin in range(4)},
    ),
    Case(prep.KBinsDiscretizer(7, strategy="uniform", encode="ordinal"), NUMBERS),
    Case(
        prep.PolynomialFeatures(2),
        ["number", "skewed"],
        renamed={"1": ""},
    ),
    Case(prep.PolynomialFeatures(3, interaction_only=True, include_bias=False), NUMBERS),
    Case(prep.FunctionTransformer(), NUMBERS),
    Case(prep.FunctionTransformer(np.log, feature_names_out="one-to-one"), ["skewed"]),
    Case(prep.FunctionTransformer(np.log1p, feature_names_out="one-to-one"), ["skewed", "whole"]),
    Case(prep.FunctionTransformer(np.sqrt, feature_names_out="one-to-one"), ["skewed"]),
    Case(
        prep.FunctionTransformer(np.exp, feature_names_out="one-to-one"), ["number"], renamed={"number": "number_exp"}
    ),
    Case(prep.Binarizer(threshold=-0.5), ["number"], renamed={"number": "number_above"}),
    Case(prep.Binarizer(threshold=2.0), ["number"], renamed={"number": "number_above"}),
    Case(choose.VarianceThreshold(), ["number", "whole"]),
    Case(imputation.MeanMedianImputer("mean"), ["gaps", "number"]),
    Case(imputation.MeanMedianImputer(), ["gaps", "number"]),
    Case(imputation.ArbitraryNumberImputer(-7), ["gaps"]),
    Case(imputation.ArbitraryNumberImputer(imputer_dict={"gaps": 4.5}), ["gaps", "number"]),
    Case(imputation.CategoricalImputer(), ["place"]),
    Case(imputation.CategoricalImputer("frequent"), ["place"]),
    Case(imputation.EndTailImputer(), ["gaps"]),
    Case(imputation.EndTailImputer("iqr", "left", 2), ["gaps"]),
    Case(imputation.EndTailImputer("max"), ["gaps"]),
    Case(imputation.AddMissingIndicator(), ["gaps", "number"], renamed={"gaps_na": "gaps_missing"}),
    Case(encoding.OneHotEncoder(), ["city"], renamed=CITIES),
    Case(encoding.OneHotEncoder(top_categories=2), ["city"], renamed=_one_hot("city", "Oslo Rome")),
    Case(encoding.OrdinalEncoder(), ["city"]),
    Case(encoding.OrdinalEncoder("ordered", unseen="encode"), ["city"]),
    Case(encoding.CountFrequencyEncoder(unseen="encode"), ["city"]),
    Case(encoding.CountFrequencyEncoder("frequency", unseen="encode"), ["city", "rank"]),
    Case(encoding.RareLabelEncoder(0.1, n_categories=1), ["city"]),
    Case(transformation.LogTransformer(base="10"), ["skewed"]),
    Case(transformation.LogCpTransformer(), ["number", "skewed"]),
    Case(transformation.LogCpTransformer(C={"whole": 2}), ["whole"]),
    Case(transformation.ReciprocalTransformer(), ["skewed"]),
    Case(transformation.PowerTransformer(exp=1.5), ["skewed"]),
    Case(discretisation.EqualWidthDiscretiser(bins=6), NUMBERS),
    Case(outliers.Winsorizer(), NUMBERS),
    Case(outliers.Winsorizer("iqr", "both"), NUMBERS),
    Case(outliers.Winsorizer("quantiles", "left", 0.1), NUMBERS),
    Case(
        outliers.ArbitraryOutlierCapper({"number": 4.0}, {"number": -1.0, "skewed": 2.0}),
        ["number", "skewed"],
        renamed={"number": "number_capped", "skewed": "skewed_capped"},
    ),
    Case(
        datetime.DatetimeFeatures(features_to_extract=["month", "week", "weekend", "day_of_year", "minute"]),
        ["seen_at"],
        renamed={"seen_at_week": "seen_at_iso_week"},
    ),
    Case(datetime.DatetimeFeatures(), ["seen_at"]),
    Case(datetime.DatetimeSubtraction(["seen_at"], ["born"], ["age"], "h", drop_original=True), ["seen_at", "born"]),
    Case(creation.CyclicalFeatures(["whole"], max_values={"whole": 12}, drop_original=True), ["whole"], close=1e-12),
    Case(creation.CyclicalFeatures(["whole"]), ["whole"]),
    Case(creation.MathFeatures(["number", "skewed", "whole"], ["sum", "mean", "prod", "max"]), NUMBERS),
    Case(creation.RelativeFeatures(["number", "whole"], ["skewed"], ["add", "sub", "mul", "div"]), NUMBERS),
    Case(selection.DropFeatures(["whole"]), NUMBERS),
    Case(selection.DropConstantFeatures(), NUMBERS),
    Case(MatchVariables(), NUMBERS),
    Case(MatchCategories(), ["city"], close=None),
    Case(SklearnTransformerWrapper(prep.StandardScaler(), ["number"]), NUMBERS),
    Case(
        FeatureUnion(
            [
                ("scaled", prep.StandardScaler()),
                ("bins", prep.KBinsDiscretizer(3, encode="ordinal", strategy="uniform")),
            ]
        ),
        ["number", "skewed"],
        renamed={f"scaled__{c}": c for c in ("number", "skewed")}
        | {f"bins__{c}": f"{c}_bins" for c in ("number", "skewed")},
    ),
    Case(
        ColumnTransformer(
            [
                ("gone", "drop", ["skewed"]),
                ("filled", make_pipeline(SimpleImputer(), prep.StandardScaler()), make_column_selector("gaps")),
                ("codes", prep.OrdinalEncoder(), make_column_selector(dtype_exclude="number")),
            ],
            remainder="passthrough",
            verbose_feature_names_out=False,
        ),
        ["skewed", "number", "gaps", "city", "whole"],
    ),
]

DIFFERS = [
    Case(prep.OneHotEncoder(drop="first"), ["city"], "differs", None),
    Case(prep.OneHotEncoder(max_categories=3), ["city"], "differs", None),
    Case(prep.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-5), ["place"], "differs", None),
    Case(prep.TargetEncoder(), ["city"], "differs", None),
    Case(prep.TargetEncoder(smooth=10.0), ["city"], "differs", None),
    Case(prep.KBinsDiscretizer(5, encode="ordinal"), ["number"], "differs", None),
    Case(prep.PowerTransformer(), ["number", "skewed"], "differs", 1e-5),
    Case(prep.PowerTransformer("box-cox", standardize=False), ["skewed"], "differs", 1e-4),
    Case(imputation.RandomSampleImputer(), ["gaps"], "differs", None),
    Case(creation.RelativeFeatures(["number"], ["skewed"], ["floordiv"]), NUMBERS, "differs", None),
    Case(prep.FunctionTransformer(np.square), ["whole"], "differs", None),
    Case(encoding.CountFrequencyEncoder(), ["city"], "differs"),
    Case(encoding.OrdinalEncoder("arbitrary"), ["city"], "differs", None),
    Case(encoding.RareLabelEncoder(), ["city"], "differs", None),
    Case(encoding.MeanEncoder(), ["city"], "differs", None),
    Case(encoding.OneHotEncoder(drop_last=True), ["city"], "differs", None),
    Case(transformation.YeoJohnsonTransformer(), ["number"], "differs", 1e-4),
    Case(transformation.BoxCoxTransformer(), ["skewed"], "differs", 1e-4),
    Case(discretisation.EqualFrequencyDiscretiser(), ["number"], "differs", None),
    Case(outliers.Winsorizer("mad"), NUMBERS, "differs", 1e-3),
    Case(selection.DropCorrelatedFeatures(), NUMBERS, "differs", None),
    Case(selection.SmartCorrelatedSelection(), NUMBERS, "differs", None),
    Case(choose.SelectKBest(k=2), NUMBERS, "differs"),
    Case(choose.SelectPercentile(percentile=40), NUMBERS, "differs"),
    Case(choose.SelectFpr(alpha=0.9), NUMBERS, "differs"),
    Case(choose.SelectFdr(alpha=0.9), NUMBERS, "differs"),
    Case(choose.SelectFwe(alpha=0.9), NUMBERS, "differs"),
    Case(choose.SelectFromModel(LogisticRegression()), NUMBERS, "differs"),
    Case(choose.RFE(LogisticRegression(), n_features_to_select=1), NUMBERS, "differs"),
    Case(choose.RFECV(LogisticRegression()), NUMBERS, "differs"),
    Case(choose.RFECV(LogisticRegression(C=0.01)), NUMBERS, "differs"),
    Case(choose.SequentialFeatureSelector(LogisticRegression(), n_features_to_select=1), NUMBERS, "differs"),
    Case(choose.VarianceThreshold(0.5), NUMBERS, "differs"),
    Case(selection.DropDuplicateFeatures(), NUMBERS, "differs"),
    Case(selection.DropDuplicateFeatures(), ["city", "town"], "differs"),
    Case(selection.DropHighPSIFeatures(), NUMBERS, "differs"),
    Case(selection.DropHighPSIFeatures(threshold=0.1), NUMBERS, "differs"),
    Case(selection.SelectByInformationValue(variables=["city", "rank"], threshold=0.05), ["city", "rank"], "differs"),
    Case(selection.SelectByShuffling(LogisticRegression(), random_state=1), NUMBERS, "differs"),
    Case(selection.SelectBySingleFeaturePerformance(LogisticRegression()), NUMBERS, "differs"),
    Case(selection.SelectByTargetMeanPerformance(), NUMBERS, "differs"),
    Case(selection.RecursiveFeatureAddition(LogisticRegression()), NUMBERS, "differs"),
    Case(selection.RecursiveFeatureElimination(LogisticRegression()), NUMBERS, "differs"),
    Case(selection.ProbeFeatureSelection(LogisticRegression()), NUMBERS, "differs"),
    Case(selection.MRMR(), NUMBERS, "differs"),
]
