"""Linear models, and the baseline."""

from __future__ import annotations

import math

from ..site import Site
from .table import model
from .trees import class_weights


@model("sklearn.LogisticRegression")
def logistic_regression(site: Site) -> dict[str, object]:
    penalty, ratio = site.parameter("penalty"), site.parameter("l1_ratio")
    if penalty in ("l1", "elasticnet") and ratio != 0 or penalty == "l1" or ratio:
        site.refuse("`logistic_regression` has a penalty on squares alone")
    inverse = float(site.parameter("C"))
    if penalty is None or math.isinf(inverse):
        site.refuse("`logistic_regression` has a penalty; a large `C` makes it small")
    if not site.parameter("fit_intercept"):
        site.refuse("`logistic_regression` has an intercept")
    for name in ("tol", "dual", "intercept_scaling"):
        site.parameter(name)
    if site.parameter("solver") == "liblinear":
        site.differs(
            "`liblinear` draws the intercept towards 0, too, and this doesn't: probabilities may be far apart, "
            "more so where features are not around 0"
        )
    else:
        site.differs("it stops at another tolerance: probabilities agree to about 3 digits, or better")
    rounds = site.parameter("max_iter")
    return {"use": "logistic_regression", "C": inverse, "max_iter": rounds, "class_weights": class_weights(site)}


@model("sklearn.Ridge")
def ridge(site: Site) -> dict[str, object]:
    _ordinary(site)
    solver = site.parameter("solver")
    if solver not in ("auto", "svd", "cholesky"):
        site.differs(f"the equations are solved; `solver={solver!r}` comes near their solution")
    site.parameter("tol"), site.parameter("max_iter")
    alpha = site.parameter("alpha")
    if not isinstance(alpha, (int, float)):
        site.refuse("there is one target, and so one `alpha`")
    return {"use": "ridge", "alpha": float(alpha)}


@model("sklearn.LinearRegression")
def linear_regression(site: Site) -> dict[str, object]:
    _ordinary(site)
    site.parameter("tol")
    site.note("a feature that is a sum of multiples of others gets coefficient 0, where they share")
    return {"use": "ridge", "alpha": 0.0}


def _ordinary(site: Site) -> None:
    if not site.parameter("fit_intercept"):
        site.refuse("`ridge` has an intercept")
    if site.parameter("positive"):
        site.refuse("coefficients of `ridge` have any sign")


@model("sklearn.DummyClassifier")
def dummy_classifier(site: Site) -> dict[str, object]:
    strategy = site.parameter("strategy")
    if strategy == "most_frequent":
        site.differs(
            "probabilities are the shares of classes, not 0 and 1; two classes of equal share are the positive"
        )
    elif strategy == "prior":
        site.note("two classes of equal share are the positive")
    else:
        site.refuse(f"`dummy` gives each class its share, not `{strategy}`")
    return {"use": "dummy"}


@model("sklearn.DummyRegressor")
def dummy_regressor(site: Site) -> dict[str, object]:
    if site.parameter("strategy") != "mean":
        site.refuse(f"`dummy` gives the mean, not `{site.parameter('strategy')}`")
    return {"use": "dummy"}
