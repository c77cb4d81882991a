"""Missing values."""

from __future__ import annotations

from ..flow import Column
from ..site import CATEGORIES, NUMBERS, Site, is_nan
from .table import step


@step("sklearn.SimpleImputer")
def simple_imputer(site: Site) -> list[Column]:
    missing = site.parameter("missing_values")
    if not is_nan(missing):
        site.refuse("what stands for a missing value is said for all columns, by `missing` in `[data]`")
    added = _indicators(site, site.columns) if site.parameter("add_indicator") else []
    strategy = site.parameter("strategy")
    site.parameter("keep_empty_features")
    # Means and medians are of numbers, where None becomes NaN.
    if strategy in ("most_frequent", "constant"):
        _tell_other_nulls(site, missing)
    if strategy in ("mean", "median"):
        site.step(f"impute_{strategy}")
        filled = [column.of("number") for column in site.columns]
    elif strategy == "most_frequent":
        filled = _told(site, site.columns)
        site.step("impute_most_frequent", filled)
    elif strategy == "constant":
        filled = _constant(site)
    else:
        site.refuse(f"`strategy={strategy!r}` is code")
    site.note("a column without any value is an error, not dropped")
    return [column.without_null() for column in filled] + added


def _tell_other_nulls(site: Site, missing: object) -> None:
    """Of NaN and None the original takes one for missing, and leaves the other."""
    if any(site.is_source(column) and not site.is_known(column) for column in site.columns):
        site.note("None and NaN are missing alike; among texts scikit-learn takes one of them for it (`missing_values`)")
    for column in site.columns:
        if missing is not None and site.has_none(column):
            site.differs(f"None in `{column.called}` is missing, too, where scikit-learn takes NaN alone for it (`missing_values`)")
        if missing is None and site.has_nan(column):
            site.differs(f"NaN in `{column.called}` is missing, too, where scikit-learn takes None alone for it (`missing_values`)")


def _constant(site: Site) -> list[Column]:
    value = site.parameter("fill_value")
    if value is None:
        kinds = {column.kind in CATEGORIES for column in site.columns if column.kind}
        if len(kinds) != 1 or any(not column.kind for column in site.columns):
            site.refuse("the default of `fill_value` depends on the data's types; name one, or give `data`")
        value = "missing_value" if kinds == {True} else 0
    filled = site.as_categories(site.columns) if isinstance(value, str) else site.columns
    site.step("impute_constant", filled, value=value)
    return filled


def _told(site: Site, columns: list[Column]) -> list[Column]:
    """Text that is to stay text, even if it looks like numbers."""
    return [site.as_categories([column])[0] if column.kind in CATEGORIES else column for column in columns]


def _indicators(site: Site, columns: list[Column]) -> list[Column]:
    site.step("missing_indicator", columns)
    return [
        Column(f"{column.name}_missing", "boolean", f"missingindicator_{column.called}", uncertain=True)
        for column in columns
        if not column.family
    ]


@step("sklearn.MissingIndicator")
def missing_indicator(site: Site) -> list[Column]:
    if not is_nan(site.parameter("missing_values")):
        site.refuse("what stands for a missing value is said for all columns, by `missing` in `[data]`")
    _tell_other_nulls(site, site.parameter("missing_values"))
    missing_only = site.parameter("features") == "missing-only"
    if site.parameter("error_on_new"):
        site.note("a null in a column that had none in training is no error")
    columns = site.one_by_one()
    site.step("missing_indicator", missing_only=None if missing_only else False)
    site.drop(columns)
    return [
        Column(f"{c.name}_missing", "boolean", f"missingindicator_{c.called}", uncertain=missing_only) for c in columns
    ]


@step("feature_engine.AddMissingIndicator")
def add_missing_indicator(site: Site) -> list[Column]:
    missing_only = bool(site.parameter("missing_only"))
    chosen = site.named(names) if (names := site.parameter("variables")) else site.columns
    site.step("missing_indicator", chosen, missing_only=None if missing_only else False)
    site.note("indicators are called `<column>_missing`, not `<column>_na`")
    added = [
        Column(f"{column.name}_missing", "boolean", f"{column.called}_na", uncertain=missing_only)
        for column in chosen
        if not column.family
    ]
    return site.columns + added


@step("feature_engine.MeanMedianImputer")
def mean_median_imputer(site: Site) -> list[Column]:
    chosen = site.chosen(NUMBERS)
    site.step(f"impute_{site.parameter('imputation_method')}", chosen)
    return _filled(site, chosen, "number")


@step("feature_engine.ArbitraryNumberImputer")
def arbitrary_number_imputer(site: Site) -> list[Column]:
    by_name = site.parameter("imputer_dict")
    if by_name:
        site.parameter("arbitrary_number")
        chosen = site.named(by_name)
        for column in chosen:
            site.step("impute_constant", [column], value=by_name[column.called])
    else:
        chosen = site.chosen(NUMBERS)
        if any(column.is_everything for column in chosen):
            site.refuse("which columns are numbers isn't known: name its `variables`, fit it, or give `data`")
        site.step("impute_constant", chosen, value=site.parameter("arbitrary_number"))
    site.note("a fraction can't fill a column of whole numbers")
    return _filled(site, chosen)


@step("feature_engine.CategoricalImputer")
def categorical_imputer(site: Site) -> list[Column]:
    fill_value = site.parameter("fill_value")
    chosen = site.chosen(CATEGORIES)
    if any(column.is_everything for column in chosen):
        site.refuse("which columns are categories isn't known: name its `variables`, fit it, or give `data`")
    chosen_as = site.as_categories(chosen) if isinstance(fill_value, str) else chosen
    if site.parameter("imputation_method") == "frequent":
        site.step("impute_most_frequent", chosen_as)
        site.note("of equally frequent values the smallest, where feature-engine refuses")
    else:
        site.step("impute_constant", chosen_as, value=fill_value)
    return _filled(site, chosen, "category")


@step("feature_engine.EndTailImputer")
def end_tail_imputer(site: Site) -> list[Column]:
    chosen = site.chosen(NUMBERS)
    method, tail = site.parameter("imputation_method"), site.parameter("tail")
    site.step("impute_end_of_tail", chosen, method=method, tail=tail, fold=float(site.parameter("fold")))
    return _filled(site, chosen, "number")


@step("feature_engine.RandomSampleImputer")
def random_sample_imputer(site: Site) -> list[Column]:
    site.parameter("seed"), site.parameter("seeding_method")
    chosen = site.chosen(()) if site.learned("variables_") or site.parameter("variables") else site.columns
    site.step("impute_random_sample", chosen)
    site.differs("other draws: by seed and row, not by position; give the data an `id`, so that equal rows differ")
    return _filled(site, chosen)


def _filled(site: Site, chosen: list[Column], kind: str | None = None) -> list[Column]:
    filled = {column: [(column.of(kind) if kind else column).without_null()] for column in chosen if not column.family}
    return site.swap(filled)
