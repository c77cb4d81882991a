"""Trees and forests."""

from __future__ import annotations

import math

from ..classes import text_of
from ..site import Site
from .table import model

_CUTS = (
    "cuts lie between bins of values, of three rows at least, and what is drawn is drawn by name and identity, once "
    "for each node: other trees, of one kind; on columns of 0 and 1, shallower ones"
)


@model("sklearn.RandomForestClassifier", "sklearn.RandomForestRegressor")
def random_forest(site: Site) -> dict[str, object]:
    return _forest(site, "random_forest", bootstrap_default=True)


@model("sklearn.ExtraTreesClassifier", "sklearn.ExtraTreesRegressor")
def extra_trees(site: Site) -> dict[str, object]:
    return _forest(site, "extra_trees", bootstrap_default=False)


def _forest(site: Site, use: str, *, bootstrap_default: bool) -> dict[str, object]:
    share = _share_of_features(site)
    bootstrap = site.parameter("bootstrap")
    section = _tree(site, use)
    section |= {
        "trees": site.parameter("n_estimators"),
        "column_sample_by_node": share,
        "bootstrap": None if bootstrap == bootstrap_default else bootstrap,
    }
    return section


@model("sklearn.DecisionTreeClassifier", "sklearn.DecisionTreeRegressor")
def decision_tree(site: Site) -> dict[str, object]:
    if site.parameter("splitter") == "random":
        site.refuse("`decision_tree` takes the best cut; `extra_trees` with `trees = 1` draws them")
    if site.parameter("max_features") is not None:
        site.refuse("`decision_tree` looks at all features; `extra_trees` and `random_forest` draw some")
    return _tree(site, "decision_tree")


def _tree(site: Site, use: str) -> dict[str, object]:
    site.differs(_CUTS)
    criterion = site.parameter("criterion")
    if criterion not in ("gini", "squared_error"):
        site.differs(f"splits lower squared errors (for classes, Gini), not `{criterion}`")
    fewest = site.parameter("min_samples_leaf")
    if not isinstance(fewest, int):
        if site.rows is None:
            site.refuse("`min_rows` is a number of rows: give `data`, or a whole `min_samples_leaf`")
        fewest = math.ceil(fewest * site.rows)
    return {
        "use": use,
        "depth": site.parameter("max_depth"),
        "leaves": site.parameter("max_leaf_nodes"),
        "min_rows": fewest,
        "class_weights": class_weights(site),
    }


def class_weights(site: Site) -> dict[str, float] | str | None:
    """`class_weight` by the names of classes, or "balanced"."""
    weights = site.parameter("class_weight")
    if weights is None:
        return None
    if isinstance(weights, str) and weights == "balanced":
        return weights
    if not isinstance(weights, dict):
        site.refuse(f"`class_weight={weights!r}` depends on the data; name each class's weight")
    return {text_of(of): float(weight) for of, weight in weights.items()}


def _share_of_features(site: Site) -> float | None:
    """`max_features` as a share; None for what the model does by itself."""
    wanted = site.parameter("max_features")
    is_classifier = type(site.source).__name__.endswith("Classifier")
    if wanted == ("sqrt" if is_classifier else 1.0):
        return None
    if wanted is None or wanted == 1.0 and isinstance(wanted, float):
        return 1.0
    if isinstance(wanted, float):
        return wanted
    if any(column.family for column in site.columns):
        site.refuse(f"how many features there are isn't known, so `max_features={wanted!r}` is no share; give one")
    count = len(site.columns)
    features = {"sqrt": math.isqrt(count), "log2": int(math.log2(count))}.get(wanted, wanted)
    return max(1, int(features)) / count
