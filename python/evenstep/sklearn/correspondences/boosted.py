"""Boosted trees, by the names of those who make them."""

from __future__ import annotations

import math
from typing import Any

from ..site import Site, find, is_nan
from .table import model
from .trees import class_weights

_TREES = "bins come from all rows and draws from identity: other trees, of one kind"


@model("sklearn.HistGradientBoostingClassifier", "sklearn.HistGradientBoostingRegressor")
def hist_gradient_boosting(site: Site) -> dict[str, object]:
    site.differs(_TREES)
    losses = {
        "log_loss": None,
        "squared_error": None,
        "absolute_error": "absolute",
        "poisson": "poisson",
        "gamma": "gamma",
        "quantile": "quantile",
    }
    objective = _known(site, "loss", losses)
    _categories(site)
    return {
        "use": "boosted_trees",
        "objective": objective,
        "quantile": site.parameter("quantile"),
        "trees": site.parameter("max_iter"),
        "learning_rate": site.parameter("learning_rate"),
        "leaves": site.parameter("max_leaf_nodes") or 32768,
        "depth": site.parameter("max_depth"),
        "min_rows": site.parameter("min_samples_leaf"),
        "min_rows_in_bin": 1,
        "l2": site.parameter("l2_regularization"),
        "column_sample_by_node": _unless(site.parameter("max_features"), 1.0),
        "bins": site.parameter("max_bins"),
        "monotone": _monotone(site, site.parameter("monotonic_cst")),
        "early_stopping": _early_stopping(site),
        "class_weights": class_weights(site),
    }


def _early_stopping(site: Site) -> dict[str, int] | None:
    asked, rounds = site.parameter("early_stopping"), site.parameter("n_iter_no_change")
    site.parameter("scoring"), site.parameter("tol"), site.parameter("validation_fraction")
    if asked == "auto":
        if site.rows is None:
            site.differs("no early stopping: whether there are more than 10,000 rows isn't known without `data`")
        asked = site.rows is not None and site.rows > 10_000
    if not asked:
        return None
    site.differs("early stopping watches a tenth of the rows, drawn by identity, without a tolerance")
    return {"rounds": rounds}


def _categories(site: Site) -> None:
    """Columns that are to be taken as categories."""
    wanted = site.parameter("categorical_features")
    if wanted is None or isinstance(wanted, str) and wanted == "from_dtype":
        return
    wanted = list(wanted)
    columns = site.one_by_one()
    if wanted and all(isinstance(flag, bool) or type(flag).__name__ == "bool" for flag in wanted):
        site.as_categories([column for column, flag in zip(columns, wanted, strict=True) if flag])
    elif all(isinstance(name, str) for name in wanted):
        site.as_categories(site.named(wanted))
    else:
        site.as_categories([columns[int(at)] for at in wanted])


@model("sklearn.GradientBoostingClassifier", "sklearn.GradientBoostingRegressor")
def gradient_boosting(site: Site) -> dict[str, object]:
    site.differs("cuts lie between bins of values, and draws come from identity: other trees, of one kind")
    losses = {
        "log_loss": None,
        "squared_error": None,
        "absolute_error": "absolute",
        "huber": "huber",
        "quantile": "quantile",
    }
    objective = _known(site, "loss", losses)
    if objective == "huber":
        share = site.parameter("alpha")
        site.differs(
            f"`huber_delta` is one error in the target's unit, by default from the targets, not what {share} of each round's "
            "errors don't exceed (`alpha`)"
        )
    depth, sample = site.parameter("max_depth"), site.parameter("subsample")
    site.parameter("criterion"), site.parameter("validation_fraction"), site.parameter("tol")
    rounds = site.parameter("n_iter_no_change")
    fewest = site.parameter("min_samples_leaf")
    if not isinstance(fewest, int):
        site.refuse("`min_rows` is a number of rows; give a whole `min_samples_leaf`")
    return {
        "use": "boosted_trees",
        "objective": objective,
        "quantile": site.parameter("alpha") if objective == "quantile" else None,
        "trees": site.parameter("n_estimators"),
        "learning_rate": site.parameter("learning_rate"),
        "leaves": site.parameter("max_leaf_nodes") or _leaves_of(depth),
        "growth": "depth",
        "depth": depth,
        "min_rows": fewest,
        "min_rows_in_bin": 1,
        "min_hessian": 0.0,
        "l2": 0.0,
        "row_sample": _unless(sample, 1.0),
        "early_stopping": {"rounds": rounds} if rounds else None,
    }


# Other names that LightGBM takes, and the one that its wrapper has.
_LIGHTGBM_ALIASES = {
    "num_iterations": "n_estimators",
    "num_boost_round": "n_estimators",
    "eta": "learning_rate",
    "min_data_in_leaf": "min_child_samples",
    "min_sum_hessian_in_leaf": "min_child_weight",
    "bagging_fraction": "subsample",
    "bagging_freq": "subsample_freq",
    "feature_fraction": "colsample_bytree",
    "lambda_l1": "reg_alpha",
    "lambda_l2": "reg_lambda",
    "min_gain_to_split": "min_split_gain",
}


@model("lightgbm.LGBMClassifier", "lightgbm.LGBMRegressor")
def lightgbm(site: Site) -> dict[str, object]:
    site.differs(_TREES)
    if site.parameter("boosting_type") != "gbdt":
        site.refuse(f"`boosting_type={site.parameter('boosting_type')!r}` isn't carried over; see `dart` and `goss`")
    aliases = {alias: site.parameter(alias) for alias in _LIGHTGBM_ALIASES}
    given = {_LIGHTGBM_ALIASES[alias]: value for alias, value in aliases.items() if value is not None}

    def value(name: str) -> Any:
        own = site.parameter(name)
        return given.get(name, own)

    objectives = {
        None: None,
        "regression": None,
        "binary": None,
        "multiclass": None,
        "regression_l2": None,
        "l2": None,
        "mse": None,
        "regression_l1": "absolute",
        "l1": "absolute",
        "mae": "absolute",
        "huber": "huber",
        "quantile": "quantile",
        "poisson": "poisson",
        "gamma": "gamma",
        "tweedie": "tweedie",
    }
    objective = _known(site, "objective", objectives)
    every = value("subsample_freq")
    site.parameter("subsample_for_bin")
    depth, sample = value("max_depth"), value("subsample")
    if sample != 1.0 and not every:
        site.note(f"`subsample={sample}` has no effect there without `subsample_freq`, and is left out")
    return {
        "use": "boosted_trees",
        "objective": objective,
        "quantile": _or(site.parameter("alpha"), 0.9) if objective == "quantile" else None,
        "huber_delta": float(_or(site.parameter("alpha"), 0.9)) if objective == "huber" else None,
        "tweedie_power": site.parameter("tweedie_variance_power") if objective == "tweedie" else None,
        "trees": value("n_estimators"),
        "learning_rate": value("learning_rate"),
        "leaves": site.parameter("num_leaves"),
        "depth": depth if depth is not None and depth > 0 else None,
        "min_rows": _or(value("min_child_samples"), 20),
        "min_hessian": value("min_child_weight"),
        "min_gain": value("min_split_gain"),
        "l1": value("reg_alpha"),
        "l2": _or(value("reg_lambda"), 0.0),
        "row_sample": sample if every and sample != 1.0 else None,
        "row_sample_every": every if every and sample != 1.0 else None,
        "column_sample": _unless(value("colsample_bytree"), 1.0),
        "column_sample_by_node": site.parameter("feature_fraction_bynode"),
        "bins": site.parameter("max_bin"),
        "min_rows_in_bin": site.parameter("min_data_in_bin"),
        "positive_weight": site.parameter("scale_pos_weight"),
        "monotone": _monotone(site, site.parameter("monotone_constraints")),
        "class_weights": class_weights(site),
    }


@model("xgboost.XGBClassifier", "xgboost.XGBRegressor")
def xgboost(site: Site) -> dict[str, object]:
    site.differs(_TREES)

    def value(name: str, default: Any) -> Any:
        given = site.parameter(name)
        return default if given is None else given

    if value("booster", "gbtree") != "gbtree":
        site.refuse(f"`booster={site.parameter('booster')!r}` isn't carried over; see `dart` and `ridge`")
    objectives = {
        None: None,
        "binary:logistic": None,
        "multi:softprob": None,
        "multi:softmax": None,
        "reg:squarederror": None,
        "reg:absoluteerror": "absolute",
        "count:poisson": "poisson",
        "reg:gamma": "gamma",
        "reg:tweedie": "tweedie",
        "reg:pseudohubererror": "huber",
        "reg:quantileerror": "quantile",
    }
    objective = _known(site, "objective", objectives)
    depth, by_leaf = value("max_depth", 6), value("grow_policy", "depthwise") == "lossguide"
    bins = value("max_bin", 256)
    missing = site.parameter("missing")
    if not is_nan(missing) and missing is not None:
        site.refuse(f"only a null is missing, not {missing!r}: replace it before, and leave `missing` out")
    for name in (
        "eval_metric",
        "tree_method",
        "device",
        "enable_categorical",
        "callbacks",
        "validate_parameters",
        "max_cat_to_onehot",
        "max_cat_threshold",
    ):
        site.parameter(name)
    if value("gamma", 0) != 0:
        site.differs("`min_gain` is in the unit of the loss, where `gamma` counts half of it")
    if objective == "huber":
        site.differs("the loss turns from squares to sizes at `huber_delta`, not smoothly around `huber_slope`")
    rounds = site.parameter("early_stopping_rounds")
    return {
        "use": "boosted_trees",
        "objective": objective,
        "quantile": _quantile(site) if objective == "quantile" else None,
        "huber_delta": float(value("huber_slope", 1.0)) if objective == "huber" else None,
        "tweedie_power": value("tweedie_variance_power", None) if objective == "tweedie" else None,
        "trees": value("n_estimators", 100),
        "learning_rate": value("learning_rate", 0.3),
        "leaves": value("max_leaves", 0) or _leaves_of(depth),
        "growth": None if by_leaf else "depth",
        "depth": depth or None,
        "min_rows": 1,
        "min_rows_in_bin": 1,
        "min_hessian": float(value("min_child_weight", 1)),
        "min_gain": value("gamma", None),
        "l1": value("reg_alpha", None),
        "l2": float(value("reg_lambda", 1)),
        "max_leaf_value": value("max_delta_step", 0) or None,
        "row_sample": _unless(value("subsample", 1.0), 1.0),
        "column_sample": _unless(value("colsample_bytree", 1.0), 1.0),
        "column_sample_by_level": _unless(value("colsample_bylevel", 1.0), 1.0),
        "column_sample_by_node": _unless(value("colsample_bynode", 1.0), 1.0),
        "bins": bins if bins != 256 else 255,
        "positive_weight": value("scale_pos_weight", None),
        "monotone": _monotone(site, site.parameter("monotone_constraints")),
        "early_stopping": {"rounds": rounds} if rounds else None,
    }


def _quantile(site: Site) -> Any:
    wanted = site.parameter("quantile_alpha")
    if isinstance(wanted, list):
        if len(wanted) != 1:
            site.refuse("a model tells one quantile; make a pipeline for each (`quantile_alpha`)")
        return wanted[0]
    return wanted


def _known(site: Site, parameter: str, words: dict[Any, str | None]) -> str | None:
    word = site.parameter(parameter)
    if not isinstance(word, (str, type(None))) or word not in words:
        site.refuse(f"`{parameter}={word!r}` has no counterpart; there are {', '.join(str(w) for w in words if w)}")
    return words[word]


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _unless(value: Any, default: Any) -> Any:
    return None if value is None or value == default else value


def _leaves_of(depth: int | None) -> int:
    """So many leaves that only the depth bounds a tree; no tree has more than 32,768."""
    return 2**depth if depth is not None and 0 < depth < 15 else 32768


def _monotone(site: Site, constraints: Any) -> dict[str, str] | None:
    if constraints is None:
        return None
    if isinstance(constraints, str):
        constraints = constraints.strip("()[] ").split(",")
    if isinstance(constraints, dict):
        ways = [(find(site.columns, str(name)), way) for name, way in constraints.items()]
    else:
        columns = site.one_by_one()
        if len(constraints) != len(columns):
            site.refuse(f"columns are {len(columns)}, and constraints {len(constraints)}")
        ways = list(zip(columns, constraints, strict=True))
    words = {1.0: "increasing", -1.0: "decreasing"}
    found = {}
    for column, way in ways:
        try:
            number = float(way)
        except (TypeError, ValueError):
            number = math.nan
        if number not in (1, 0, -1):
            site.refuse(f"`{way}` is no constraint of `{column.called}`; they are 1, 0 and -1")
        if number in words:
            found[column.name] = words[number]
    return found or None
