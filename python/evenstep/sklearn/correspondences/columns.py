"""Choosing columns."""

from __future__ import annotations

from ..flow import Column
from ..site import NUMBERS, Site
from .table import step

_FROZEN = "the choice that it made stays: columns are dropped by name, and not chosen anew by training"


@step("feature_engine.DropFeatures")
def drop_features(site: Site) -> list[Column]:
    gone = site.named(site.parameter("features_to_drop"))
    site.drop(gone)
    return [column for column in site.columns if column not in gone]


@step("feature_engine.DropConstantFeatures")
def drop_constant_features(site: Site) -> list[Column]:
    names = site.parameter("variables")
    chosen = site.named([names] if isinstance(names, str) else names) if names else site.columns
    tolerance = float(site.parameter("tol"))
    site.step("drop_constant", chosen, tolerance=None if tolerance == 1 else tolerance)
    if site.parameter("missing_values") == "ignore":
        site.differs("null counts as a value")
    else:
        site.note("a null counts as a value, where feature-engine refuses")
    return site.columns


@step("sklearn.VarianceThreshold")
def variance_threshold(site: Site) -> list[Column]:
    if site.parameter("threshold") != 0:
        return _frozen_mask(site)
    if any(site.may_be_null(column) for column in site.columns):
        site.differs("a column of one value and nulls stays, where scikit-learn drops it")
    site.step("drop_constant")
    return site.columns


@step("feature_engine.DropCorrelatedFeatures")
def drop_correlated_features(site: Site) -> list[Column]:
    if site.parameter("method") != "pearson":
        return _frozen_names(site)
    site.step("drop_correlated", site.chosen(NUMBERS), threshold=site.parameter("threshold"))
    site.differs("of two the one with fewer nulls stays, then the first by name; there the one that stands first")
    return site.columns


@step("feature_engine.SmartCorrelatedSelection")
def smart_correlated_selection(site: Site) -> list[Column]:
    if site.parameter("method") != "pearson" or site.parameter("selection_method") != "missing_values":
        return _frozen_names(site)
    site.step("drop_correlated", site.chosen(NUMBERS), threshold=site.parameter("threshold"))
    site.differs("a column goes if it correlates with one that stays, and of equals the first by name stays")
    return site.columns


@step("feature_engine.MatchVariables", "feature_engine.MatchCategories")
def match(site: Site) -> list[Column]:
    for name in ("fill_value", "missing_values", "match_dtypes"):
        site.parameter(name)
    site.note("`[contract]` says which columns and values there are, and what becomes of others")
    return site.columns


@step(
    "feature_engine.DropDuplicateFeatures",
    "feature_engine.DropHighPSIFeatures",
    "feature_engine.MRMR",
    "feature_engine.ProbeFeatureSelection",
    "feature_engine.RecursiveFeatureAddition",
    "feature_engine.RecursiveFeatureElimination",
    "feature_engine.SelectByInformationValue",
    "feature_engine.SelectByShuffling",
    "feature_engine.SelectBySingleFeaturePerformance",
    "feature_engine.SelectByTargetMeanPerformance",
)
def feature_engine_selection(site: Site) -> list[Column]:
    return _frozen_names(site)


@step(
    "sklearn.RFE",
    "sklearn.RFECV",
    "sklearn.SelectFdr",
    "sklearn.SelectFpr",
    "sklearn.SelectFromModel",
    "sklearn.SelectFwe",
    "sklearn.SelectKBest",
    "sklearn.SelectPercentile",
    "sklearn.SequentialFeatureSelector",
)
def selection(site: Site) -> list[Column]:
    return _frozen_mask(site)


def _frozen_names(site: Site) -> list[Column]:
    """Drops what a fitted selection of feature-engine dropped."""
    names = site.learned("features_to_drop_")
    if names is None:
        site.refuse("no step chooses so; once it is fitted, its choice can be carried over")
    _read_all(site)
    site.differs(_FROZEN)
    gone = site.named(names)
    site.drop(gone)
    return [column for column in site.columns if column not in gone]


def _frozen_mask(site: Site) -> list[Column]:
    """Drops what a fitted selection of scikit-learn dropped."""
    if not any(name.endswith("_") and not name.startswith("_") for name in vars(site.source)):
        site.refuse("no step chooses so; once it is fitted, its choice can be carried over")
    _read_all(site)
    site.differs(_FROZEN)
    keep = [bool(kept) for kept in site.source.get_support()]
    if any(column.family and not column.members for column in site.columns):
        site.refuse("which columns come in isn't known before training; give `data`, or name columns")
    names = [list(column.members) if column.family else [column.name] for column in site.columns]
    if sum(map(len, names)) != len(keep):
        site.refuse(f"it chose among {len(keep)} columns, and {sum(map(len, names))} come in")
    chosen = iter(keep)
    out = []
    for column, members in zip(site.columns, names, strict=True):
        kept = [name for name in members if next(chosen)]
        if len(kept) < len(members):
            _drop_but(site, column, kept)
        if kept:
            out.append(column.only(kept) if column.family else column)
    return out


def _drop_but(site: Site, column: Column, kept: list[str]) -> None:
    """Drops a column, or a family but for some of its members: training anew may find others."""
    if column.uncertain:
        site.refuse(f"it drops `{column.name}`, which exists only if training has a null: it can't be named")
    site.drop([column.without(kept)])


def _read_all(site: Site) -> None:
    """What its parameters say is in its choice."""
    for name in site.source.get_params(deep=False):
        site.parameter(name)
