"""Categories."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..classes import text_of
from ..flow import Column
from ..site import CATEGORIES, Site, is_nan, spelled
from .table import step

_UNSEEN_REFUSED = 'an unseen value is no error, but flagged; `unseen = "reject"` in `[contract]` refuses it'


@step("sklearn.OneHotEncoder")
def one_hot_encoder(site: Site) -> list[Column]:
    unknown, drop = site.parameter("handle_unknown"), site.parameter("drop")
    if not _is_auto(site.parameter("categories")):
        site.differs("columns are those of the values in training, not of the given `categories`")
    columns = site.as_categories(site.columns)
    if unknown == "error":
        site.note(_UNSEEN_REFUSED)
    top = _group_rare(site, columns, unknown)
    drop_last = None
    if drop == "first" and top is None:
        drop_last = True
        site.differs(
            "the last value goes without a column, not the first; a linear model without penalty says the same"
        )
    elif drop is not None:
        site.differs(f"no column is left out, as `drop={drop!r}` does")
    keep_null = [column for column in columns if not column.filled and _may_be_null(site, column)]
    if keep_null and site.learned("categories_") is None and not all(map(site.is_known, keep_null)):
        site.note("nulls have a column, `<column>_missing`, also where training has none: fit it, or give `data`")
    rest = [column for column in columns if column not in keep_null]
    site.step("one_hot", keep_null, top=top, drop_last=drop_last, missing="category")
    site.step("one_hot", rest, top=top, drop_last=drop_last)
    is_whole = top is None and not drop_last and site.parameter("min_frequency") is None
    out = []
    for at, column in enumerate(columns):
        out.append(_family(column, _levels(site, at) if is_whole else []))
        if column in keep_null and not column.family:
            out.append(Column(f"{column.name}_missing", "boolean", f"{column.called}_nan", uncertain=True))
    return out


def _levels(site: Site, at: int) -> list[str]:
    """The texts of the values for which a fitted encoder has a column, in its order."""
    categories = site.learned("categories_")
    if categories is None or at >= len(categories):
        return []
    return [text_of(value) for value in categories[at] if not is_nan(value)]


def _group_rare(site: Site, columns: list[Column], unknown: str) -> int | None:
    """Groups rare values, if asked for; returns how many values have a column, if that is bounded."""
    least, most = site.parameter("min_frequency"), site.parameter("max_categories")
    if isinstance(least, int):
        site.refuse("`rare_labels` takes a share of the rows, not a number of them: `min_frequency` below 1")
    if least is not None:
        site.step("rare_labels", columns, min_frequency=least)
        site.note("the column of rare values is called `<column>=Rare`")
        if unknown != "infrequent_if_exist":
            site.differs("an unseen value counts as a rare one")
        if not all(column.filled for column in columns):
            site.differs("shares are of the rows that have a value, and a null is never rare")
    if most is None:
        return None
    site.differs(f"the {most - 1} most frequent values have a column, and the others none together")
    return int(most) - 1


def _may_be_null(site: Site, column: Column) -> bool:
    """Whether a column had a null when the encoder was fitted, or may have one."""
    categories = site.learned("categories_")
    at = site.columns.index(column) if column in site.columns else None
    if at is None:
        at = next(i for i, other in enumerate(site.columns) if other.name == column.name)
    if categories is None:
        return site.may_be_null(column)
    return at >= len(categories) or any(is_nan(value) for value in categories[at])


def _family(column: Column, levels: Iterable[str] = ()) -> Column:
    if column.is_everything:
        return column
    members = tuple(f"{column.name}={level}" for level in levels)
    return Column(f"{column.name}=*", "boolean", f"{column.called}_", family=True, members=members)


@step("feature_engine.OneHotEncoder")
def feature_engine_one_hot(site: Site) -> list[Column]:
    chosen = site.chosen(CATEGORIES)
    top, drop_last = site.parameter("top_categories"), site.parameter("drop_last")
    if site.parameter("drop_last_binary"):
        site.differs("both values of a column with two have a column")
    if top is not None:
        site.note("of equally frequent values the smallest is taken, not the first in the data")
    if drop_last:
        site.differs("the last value in the order of bytes goes without a column, not the last in the data")
    as_categories = site.as_categories(chosen)
    site.step("one_hot", as_categories, top=top, drop_last=True if drop_last else None)
    site.note("columns are called `<column>=<value>`, not `<column>_<value>`")
    return site.swap({column: [_family(column)] for column in chosen})


@step("sklearn.OrdinalEncoder")
def ordinal_encoder(site: Site) -> list[Column]:
    unknown, value = site.parameter("handle_unknown"), site.parameter("unknown_value")
    null = site.parameter("encoded_missing_value")
    if site.parameter("min_frequency") is not None or site.parameter("max_categories") is not None:
        site.refuse("`ordinal` doesn't group rare values; put `rare_labels` before it")
    given = site.parameter("categories")
    given = [None] * len(site.columns) if _is_auto(given) else given
    has_none = any(site.has_none(column) for column in site.columns)
    by_value = []
    for column, values in zip(site.columns, given, strict=True):
        taken, order = _ordered(site, column, values)
        if order is None:
            by_value.append(taken)
        else:
            site.step("ordinal", [taken], order=order)
    if by_value:
        site.step("ordinal", by_value)
    columns = [column.of("integer") for column in site.columns]
    if unknown == "error":
        site.note(_UNSEEN_REFUSED)
        value = null
    if has_none:
        filled = value if not is_nan(value) and value == null else "null"
        site.differs(f"a null is {filled}, where None is one more value, the last")
    if not is_nan(value) and value == null:
        site.step("impute_constant", columns, value=value)
    elif not is_nan(value):
        site.differs(f"an unseen value is null, not {value}")
    elif not is_nan(null):
        site.differs(f"a missing value is null, not {null}")
    return columns


def _ordered(site: Site, column: Column, given: list[Any] | None) -> tuple[Column, list[str] | None]:
    """The column as `ordinal` takes it, and its values in order, if that isn't the order that it finds itself."""
    values = site.values(column) if given is None else [value for value in given if not is_nan(value)]
    has_type = column.kind in ("integer", "boolean") or not site.is_source(column)
    if values and all(map(_is_number, values)) and not has_type:
        return _ordered_numbers(site, column, values, given is not None)
    if given is None and not has_type and not site.holds_text(column):
        site.differs(f"if `{column.name}` holds other values than text, they go by their text: fit it, or give `data`")
    [taken] = site.as_categories([column])
    return taken, None if given is None else [text_of(value) for value in values or []]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _ordered_numbers(
    site: Site, column: Column, values: list[float], is_given: bool
) -> tuple[Column, list[str] | None]:
    """Numbers by size: as whole ones if they are, else as categories that are listed."""
    if all(float(value).is_integer() and abs(value) < 2**53 for value in values):
        return site.as_integers(column), [spelled(value) for value in values] if is_given else None
    order = site.spellings(column, values)
    if len(order) > len(values):
        site.differs(f"`{column.name}` has numbers that are spelt in several ways, each of which counts as a value")
    [taken] = site.as_categories([column])
    return taken, order


@step("feature_engine.OrdinalEncoder")
def feature_engine_ordinal(site: Site) -> list[Column]:
    chosen = site.chosen(CATEGORIES)
    ordered = site.parameter("encoding_method") == "ordered"
    if not ordered:
        site.differs("numbers go by value, not by the first appearance in the data")
    columns = site.as_categories(chosen)
    site.step("ordinal", columns, order="target" if ordered else None)
    unseen = site.parameter("unseen")
    if unseen == "raise":
        site.note(_UNSEEN_REFUSED)
    elif unseen == "encode":
        site.step("impute_constant", [column.of("integer") for column in columns], value=-1)
    return site.change(chosen, "integer")


@step("feature_engine.CountFrequencyEncoder")
def count_frequency_encoder(site: Site) -> list[Column]:
    chosen = site.chosen(CATEGORIES)
    shares = site.parameter("encoding_method") == "frequency"
    site.step("count_encode", site.as_categories(chosen), normalize=True if shares else None)
    unseen = site.parameter("unseen")
    if unseen == "raise":
        site.note(_UNSEEN_REFUSED)
    elif unseen == "ignore":
        site.differs("an unseen value is 0, not null")
    if site.parameter("missing_values") == "raise":
        site.note("a null is counted like a value, where feature-engine refuses")
    else:
        site.differs("a null is counted like a value")
    return site.change(chosen, "number")


@step("feature_engine.RareLabelEncoder")
def rare_label_encoder(site: Site) -> list[Column]:
    if site.parameter("max_n_categories") is not None:
        site.refuse("`rare_labels` keeps values by their share, not a number of them")
    chosen = site.chosen(CATEGORIES)
    least = site.parameter("n_categories")
    rare = site.parameter("replace_with")
    columns = site.as_categories(chosen)
    site.step("rare_labels", columns, min_frequency=site.parameter("tol"), replace_with=str(rare))
    if least > 1:
        site.differs(f"columns of {least} values or fewer are grouped, too (`n_categories`)")
    if site.parameter("missing_values") != "raise":
        site.differs("shares are of the rows that have a value")
    return site.change(chosen, "category")


@step("sklearn.TargetEncoder")
def target_encoder(site: Site) -> list[Column]:
    if not _is_auto(site.parameter("categories")):
        site.differs("values are those in training, not the given `categories`")
    site.parameter("target_type"), site.parameter("shuffle")
    smooth, folds = site.parameter("smooth"), site.parameter("cv")
    if not isinstance(folds, int):
        site.differs(f"5 folds, drawn by row, not `cv={folds!r}`")
        folds = None
    smoothing = smooth if smooth == "auto" else float(smooth)
    site.step("target_encode", site.as_categories(site.columns), smoothing=smoothing, folds=folds)
    site.differs("training rows are encoded by folds that are drawn by row identity; new rows get the same values")
    return [column.of("number") for column in site.columns]


@step("feature_engine.MeanEncoder")
def mean_encoder(site: Site) -> list[Column]:
    chosen = site.chosen(CATEGORIES)
    smoothing = site.parameter("smoothing")
    smoothing = smoothing if smoothing == "auto" else float(smoothing)
    site.step("target_encode", site.as_categories(chosen), smoothing=smoothing)
    site.differs("training rows are encoded from other folds, without their own labels; new rows get the same values")
    unseen = site.parameter("unseen")
    if unseen == "ignore":
        site.differs("an unseen value is the mean of all, not null")
    elif unseen == "raise":
        site.note(_UNSEEN_REFUSED)
    if site.parameter("missing_values") != "raise":
        site.differs("a null is encoded like a value, not left")
    return site.change(chosen, "number")


def _is_auto(categories: object) -> bool:
    return isinstance(categories, str) and categories == "auto"
