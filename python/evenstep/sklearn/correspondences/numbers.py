"""Scales, powers, logarithms and outliers."""

from __future__ import annotations

from typing import Any

from ..flow import Column
from ..site import NUMBERS, Site
from .table import step


@step("sklearn.StandardScaler")
def standard_scaler(site: Site) -> list[Column]:
    with_mean, with_std = site.parameter("with_mean"), site.parameter("with_std")
    site.step("standard_scale", with_mean=None if with_mean else False, with_sd=None if with_std else False)
    return _numbers(site)


@step("sklearn.MinMaxScaler")
def min_max_scaler(site: Site) -> list[Column]:
    low, high = site.parameter("feature_range")
    clip = site.parameter("clip")
    site.step("min_max_scale", clip=True if clip else None)
    if (low, high) == (0, 1):
        return _numbers(site)
    site.one_by_one()
    return [site.rewrite(c, lambda x: f"{x} * {high - low!r} + {low!r}", "scaled") for c in _numbers(site)]


@step("sklearn.MaxAbsScaler")
def max_abs_scaler(site: Site) -> list[Column]:
    learned = site.learned("scale_")
    if learned is None:
        site.refuse("no step learns the value furthest from 0; once it is fitted, what it divides by can be carried over")
    site.note("what it divides by is what it learned, and is learned no more")
    bound = "max(min({}, 1), 0 - 1)" if site.parameter("clip") else "{}"
    formulas = [bound.format(f"{{}} / {float(by)!r}") for by in learned]
    return [site.rewrite(c, formula.format, "scaled") for c, formula in zip(site.one_by_one(), formulas, strict=True)]


@step("sklearn.RobustScaler")
def robust_scaler(site: Site) -> list[Column]:
    if not (site.parameter("with_centering") and site.parameter("with_scaling")):
        site.refuse("`robust_scale` both centres and scales")
    if site.parameter("unit_variance"):
        site.refuse("`robust_scale` divides by the range as it is (`unit_variance`)")
    low, high = (float(percent) for percent in site.parameter("quantile_range"))
    site.step("robust_scale", quantile_range=None if (low, high) == (25.0, 75.0) else [low, high])
    return _numbers(site)


@step("sklearn.PowerTransformer")
def power_transformer(site: Site) -> list[Column]:
    use = {"yeo-johnson": "yeo_johnson", "box-cox": "box_cox"}[site.parameter("method")]
    site.step(use)
    if site.parameter("standardize"):
        site.step("standard_scale")
    site.differs("λ has more digits than their search finds, and is bounded: values agree to about 6 digits")
    return _numbers(site)


@step("feature_engine.YeoJohnsonTransformer", "feature_engine.BoxCoxTransformer")
def bend(site: Site) -> list[Column]:
    use = "yeo_johnson" if type(site.source).__name__.startswith("Yeo") else "box_cox"
    chosen = site.chosen(NUMBERS)
    site.step(use, chosen)
    site.differs("λ has more digits than their search finds, and is bounded: values agree to about 6 digits")
    return site.change(chosen, "number")


# What is done by a step, and what by a formula; both keep to a function of numpy.
_STEPS: dict[str, tuple[str, dict[str, Any]]] = {
    "log": ("log", {}),
    "log2": ("log", {"base": "2"}),
    "log10": ("log", {"base": "10"}),
    "log1p": ("log_plus_constant", {"constant": 1.0}),
    "sqrt": ("power", {}),
    "square": ("power", {"exponent": 2.0}),
    "reciprocal": ("power", {"exponent": -1.0}),
}
_FORMULAS = {
    "exp": "exp({})",
    "expm1": "exp({}) - 1",
    "abs": "abs({})",
    "absolute": "abs({})",
    "negative": "0 - {}",
    "floor": "floor({})",
    "ceil": "ceil({})",
    "sign": "if({0} > 0, 1, if({0} < 0, 0 - 1, 0))",
}
# What numpy makes of integers is an integer again.
_OF_INTEGERS = {
    "square": "a square may be any number, where numpy's integers overflow",
    "reciprocal": "a fraction stays one, where numpy rounds that of an integer towards 0",
}


@step("sklearn.FunctionTransformer")
def function_transformer(site: Site) -> list[Column]:
    function, arguments = site.parameter("func"), site.parameter("kw_args")
    if function is None:
        return site.columns
    name = getattr(function, "__name__", "")
    of_numpy = type(function).__name__ == "ufunc" and not arguments
    if of_numpy and name in _STEPS:
        use, parameters = _STEPS[name]
        if name in _OF_INTEGERS and any(column.kind in ("integer", "boolean") for column in site.columns):
            site.differs(_OF_INTEGERS[name])
        elif name in _OF_INTEGERS and any(not column.kind for column in site.columns):
            site.note(f"of columns of integers: {_OF_INTEGERS[name]}")
        site.step(use, **parameters)
        site.note("what has no result is null, not NaN or infinite")
        return _numbers(site)
    if of_numpy and name in _FORMULAS:
        if name in ("exp", "expm1"):
            site.note("what has no result is null, not NaN or infinite")
        return [site.rewrite(column, _FORMULAS[name].format, name) for column in site.one_by_one()]
    site.refuse("it is code; write it as a formula of the step `expression`")


@step("sklearn.Binarizer")
def binarizer(site: Site) -> list[Column]:
    threshold = site.parameter("threshold")
    return [site.rewrite(c, lambda x: f"if({x} > {_number(threshold)}, 1, 0)", "above") for c in site.one_by_one()]


@step("feature_engine.LogTransformer")
def log_transformer(site: Site) -> list[Column]:
    base = site.parameter("base")
    chosen = site.chosen(NUMBERS)
    site.step("log", chosen, base=None if base == "e" else base)
    return _lenient(site, chosen)


@step("feature_engine.LogCpTransformer")
def log_cp_transformer(site: Site) -> list[Column]:
    if site.parameter("base") != "e":
        site.refuse("`log_plus_constant` takes the natural logarithm")
    constant = site.parameter("C")
    if isinstance(constant, dict):
        chosen = site.named(constant)
        for column in chosen:
            site.step("log_plus_constant", [column], constant=float(constant[column.called]))
    else:
        chosen = site.chosen(NUMBERS)
        site.step("log_plus_constant", chosen, constant=None if constant == "auto" else float(constant))
    return _lenient(site, chosen)


@step("feature_engine.ReciprocalTransformer")
def reciprocal_transformer(site: Site) -> list[Column]:
    chosen = site.chosen(NUMBERS)
    site.step("power", chosen, exponent=-1.0)
    return _lenient(site, chosen)


@step("feature_engine.PowerTransformer")
def feature_engine_power(site: Site) -> list[Column]:
    chosen = site.chosen(NUMBERS)
    site.step("power", chosen, exponent=float(site.parameter("exp")))
    return _lenient(site, chosen)


@step("feature_engine.Winsorizer")
def winsorizer(site: Site) -> list[Column]:
    if site.parameter("add_indicators"):
        site.refuse("no step says which values were capped (`add_indicators`)")
    method, tail, fold = (site.parameter(name) for name in ("capping_method", "tail", "fold"))
    chosen = site.chosen(NUMBERS)
    site.step("cap_outliers", chosen, method=method, tail=tail, fold="auto" if fold == "auto" else float(fold))
    if method == "mad":
        site.differs("1.4826 times the median distance, not that divided by 0.67449: caps agree to 5 digits")
    site.parameter("missing_values")
    return site.change(chosen, "number")


@step("feature_engine.ArbitraryOutlierCapper")
def arbitrary_outlier_capper(site: Site) -> list[Column]:
    high, low = site.parameter("max_capping_dict") or {}, site.parameter("min_capping_dict") or {}
    site.parameter("missing_values")
    swapped = {}
    for column in site.named({**high, **low}):

        def capped(x: str, name: str = column.called) -> str:
            below = f"min({x}, {_number(high[name])})" if name in high else x
            return f"max({below}, {_number(low[name])})" if name in low else below

        swapped[column] = [site.rewrite(column, capped, "capped")]
    return site.swap(swapped)


def _number(value: float) -> str:
    """A number as formulas write it, which have no sign."""
    return repr(value) if value >= 0 else f"(0 - {-value!r})"


def _numbers(site: Site) -> list[Column]:
    return [column.of("number") for column in site.columns]


def _lenient(site: Site, chosen: list[Column]) -> list[Column]:
    site.note("a number that has no result becomes null, where feature-engine refuses the batch")
    return site.change(chosen, "number")
