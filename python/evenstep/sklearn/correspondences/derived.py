"""Columns that are made of others: products, formulas, angles, dates."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, combinations, combinations_with_replacement
from typing import Any

from ..flow import Column
from ..site import DATETIMES, Site, find
from .table import step

# More terms than these make a spec that nobody reads.
_MOST_TERMS = 200


@step("sklearn.PolynomialFeatures")
def polynomial_features(site: Site) -> list[Column]:
    degree, alone = site.parameter("degree"), site.parameter("interaction_only")
    lowest, highest = degree if isinstance(degree, list) else (1, degree)
    columns = site.one_by_one()
    if lowest > 1:
        site.refuse("columns themselves stay, beside their products")
    choose = combinations if alone else combinations_with_replacement
    terms = list(chain.from_iterable(choose(columns, size) for size in range(2, highest + 1)))
    if len(terms) > _MOST_TERMS:
        site.refuse(f"{len(terms)} products would each be a step")
    if site.parameter("include_bias"):
        site.note("there is no column of ones: models have an intercept")
    made = []
    for term in terms:
        name = " ".join(_power(column, term.count(column)) for column in dict.fromkeys(term))
        made.append(site.add(name, " * ".join(map(site.number, term)), term))
    return columns + made


def _power(column: Column, exponent: int) -> str:
    return column.name if exponent == 1 else f"{column.name}^{exponent}"


_MATHS = {
    "sum": lambda xs: " + ".join(xs),
    "mean": lambda xs: f"({' + '.join(xs)}) / {len(xs)}",
    "prod": lambda xs: " * ".join(xs),
    "min": lambda xs: f"min({', '.join(xs)})",
    "max": lambda xs: f"max({', '.join(xs)})",
}


@step("feature_engine.MathFeatures")
def math_features(site: Site) -> list[Column]:
    functions, names = site.parameter("func"), site.parameter("new_variables_names")
    functions = list(functions) if isinstance(functions, (list, tuple)) else [functions]
    variables = site.parameter("variables")
    columns = site.named(variables)
    if site.parameter("missing_values") == "ignore":
        site.differs("a null makes the result null, where feature-engine leaves it out")
    made = []
    for at, function in enumerate(functions):
        function = getattr(function, "__name__", function)
        if function not in _MATHS:
            site.refuse(f"no formula is known for `{function}`; they are {', '.join(_MATHS)}")
        new = names[at] if names else f"{function}_{'_'.join(map(str, variables))}"
        made.append(site.add(new, _MATHS[function](list(map(site.number, columns))), columns))
    return _dropped(site, columns if site.parameter("drop_original") else []) + made


_RELATIVE = {
    "add": "{} + {}",
    "sub": "{} - {}",
    "mul": "{} * {}",
    "div": "{} / {}",
    "truediv": "{} / {}",
    "floordiv": "floor({} / {})",
    "pow": "pow({}, {})",
}


@step("feature_engine.RelativeFeatures")
def relative_features(site: Site) -> list[Column]:
    functions = site.parameter("func")
    columns, references = site.named(site.parameter("variables")), site.named(site.parameter("reference"))
    fill_value = site.parameter("fill_value")
    site.parameter("missing_values")
    made = []
    for function in functions:
        if function not in _RELATIVE:
            site.refuse(f"no formula is known for `{function}`; they are {', '.join(_RELATIVE)}")
        for reference in references:
            for column in columns:
                formula = _RELATIVE[function].format(site.number(column), site.number(reference))
                if "div" in function and fill_value is not None:
                    formula = f"if({site.number(reference)} == 0, {fill_value!r}, {formula})"
                new = f"{column.called}_{function}_{reference.called}"
                made.append(site.add(new, formula, [column, reference]))
    if "floordiv" in functions:
        site.differs("it is the quotient that is rounded down, and there the exact one: 3 // 0.1 is 30 here, and 29 there")
    if fill_value is None and any("div" in function for function in functions):
        site.note("a quotient by 0 is null, where feature-engine refuses")
    dropped = dict.fromkeys([*columns, *references]) if site.parameter("drop_original") else []
    return _dropped(site, dropped) + made


@step("feature_engine.CyclicalFeatures")
def cyclical_features(site: Site) -> list[Column]:
    given = site.parameter("max_values") or site.learned("max_values_")
    if not given:
        site.refuse("it learns the period as the greatest training value; name `max_values`, or fit it")
    if not site.parameter("max_values"):
        site.note("the period is what it learned, and is learned no more")
    keep = not site.parameter("drop_original")
    columns = site.named(given)
    for column in columns:
        site.step("cyclical", [column], period=float(given[column.called]), keep=True if keep else None)
    made = [Column(f"{c.name}_{part}", "number", f"{c.called}_{part}") for c in columns for part in ("sin", "cos")]
    return [column for column in site.columns if keep or column not in columns] + made


# What feature-engine calls the parts of a date, and what they are here. Flags beyond these have no equal.
_PARTS = {
    "month": "month",
    "quarter": "quarter",
    "year": "year",
    "week": "iso_week",
    "day_of_week": "day_of_week",
    "day_of_month": "day_of_month",
    "day_of_year": "day_of_year",
    "weekend": "weekend",
    "hour": "hour",
    "minute": "minute",
    "second": "second",
}
_FE_DEFAULT = ["month", "year", "day_of_week", "day_of_month", "hour", "minute", "second"]


@step("feature_engine.DatetimeFeatures")
def datetime_features(site: Site) -> list[Column]:
    asked = site.parameter("features_to_extract")
    asked = _FE_DEFAULT if asked is None else list(_PARTS) if asked == "all" else asked
    parts = [asked] if isinstance(asked, str) else list(asked)
    unknown = [part for part in parts if part not in _PARTS]
    if unknown:
        site.refuse(f"`datetime_parts` has no {', '.join(unknown)}")
    if site.parameter("features_to_extract") == "all":
        site.differs("`all` are those that both know")
    if site.parameter("dayfirst") or site.parameter("yearfirst"):
        site.refuse("dates are read by one `format`, given in `[contract]`, not guessed")
    chosen = site.chosen(DATETIMES)
    if any(column.is_everything for column in chosen):
        site.refuse("which columns are dates isn't known: name its `variables`, fit it, or give `data`")
    keep = not site.parameter("drop_original")
    site.parameter("missing_values")
    zones = {None if site.parameter("utc") else site.zone(column) for column in chosen}
    if len(zones) > 1:
        site.refuse("its columns are of several time zones: give each zone a step of its own")
    _read_as(site, chosen, site.parameter("format"))
    names = [_PARTS[part] for part in parts]
    zone = next(iter(zones), None)
    site.step("datetime_parts", chosen, parts=names, keep=True if keep else None, zone=None if zone == "UTC" else zone)
    if "week" in parts:
        site.note("the week is called `<column>_iso_week`")
    made = [
        Column(f"{c.name}_{_PARTS[part]}", "boolean" if part == "weekend" else "integer", f"{c.called}_{part}")
        for c in chosen
        for part in parts
    ]
    return [column for column in site.columns if keep or column not in chosen] + made


def _read_as(site: Site, columns: list[Column], pattern: str | None) -> None:
    if pattern is None:
        site.note("dates are ISO 8601, or have a `format` in `[contract]`")
        return
    for column in columns:
        site.rule(column, format=pattern)


_UNITS = {"D": "days", "h": "hours", "m": "minutes", "s": "seconds"}


@step("feature_engine.DatetimeSubtraction")
def datetime_subtraction(site: Site) -> list[Column]:
    unit = site.parameter("output_unit")
    if unit not in _UNITS:
        site.refuse(f"`datetime_difference` has no unit `{unit}`")
    for guess in ("dayfirst", "yearfirst"):
        if site.parameter(guess):
            site.refuse("dates are read by one `format`, given in `[contract]`, not guessed")
    site.parameter("missing_values"), site.parameter("utc")
    names = site.parameter("new_variables_names")
    ends, starts = (_listed(site.parameter(which)) for which in ("variables", "reference"))
    if not ends or not starts:
        site.refuse("name its `variables` and `reference`")
    pairs = [(find(site.columns, end), find(site.columns, start)) for end in ends for start in starts]
    for columns in pairs:
        _read_as(site, list(columns), site.parameter("format"))
    made = []
    for at, (end, start) in enumerate(pairs):
        new = _listed(names)[at] if names else f"{end.called}_sub_{start.called}"
        made.append(site.difference(start, end, new, _UNITS[unit]))
    used = dict.fromkeys(chain.from_iterable(pairs))
    return _dropped(site, used if site.parameter("drop_original") else []) + made


def _listed(names: Any) -> list[str]:
    if names is None:
        return []
    return [str(names)] if isinstance(names, (str, int)) else [str(name) for name in names]


def _dropped(site: Site, columns: Iterable[Column]) -> list[Column]:
    gone = list(columns)
    site.drop(gone)
    return [column for column in site.columns if column not in gone]
