"""What scikit-learn calls X, y and sample_weight, as one table whose columns have names."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.base import BaseEstimator
from sklearn.utils import get_tags
from sklearn.utils.validation import validate_data

from evenstep._errors import DataError
from evenstep._frames import plain
from evenstep._labels import is_of
from evenstep._pandas import native

# Steps that read dates and times, which a text may be.
_OF_MOMENTS = {"datetime_parts", "datetime_difference"}
# Steps that take whole numbers for categories, but no fractions.
_OF_CATEGORIES = {"one_hot", "ordinal", "count_encode", "target_encode", "rare_labels"}


def table_of(estimator: BaseEstimator, X: Any, *, reset: bool, fewest: int = 1) -> pa.Table:
    """The rows of X, checked as scikit-learn checks them; their columns are its own, or `x0`, `x1`, ….

    Shape: as many rows as X, at least the fewest. With `reset` it is remembered which columns there are, without it
    they must be the same. Raises `ValueError` or `TypeError` in scikit-learn's words; `ValueError`
    for a column of a frame whose cells are of several types.
    """
    if _has_names(X):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        rows = len(X) if hasattr(X, "__len__") else X.num_rows
        if rows < fewest:
            name = type(estimator).__name__
            raise ValueError(f"Found array with {rows} sample(s) while a minimum of {fewest} is required by {name}.")
        table = _of_frame(X)
        if not hasattr(estimator, "feature_names_in_"):
            table = table.rename_columns([f"x{at}" for at in range(table.num_columns)])
        return _without_unread(table, tell=reset)
    finite = "allow-nan" if get_tags(estimator).input_tags.allow_nan else True
    try:
        checked = validate_data(estimator, X, reset=reset, ensure_all_finite=finite, ensure_min_samples=fewest)
    except ValueError as error:
        if not hasattr(X, "columns") or "could not convert" not in str(error):
            raise
        what = "columns that are named by numbers are taken for those of an array, which holds numbers only"
        raise ValueError(f"{error}: {what}; name them by texts: `X.columns = X.columns.astype(str)`") from error
    given = getattr(estimator, "feature_names_in_", None)
    names = [f"x{at}" for at in range(checked.shape[1])] if given is None else [str(name) for name in given]
    checked = checked.astype(native(checked.dtype), copy=False)
    return pa.table({name: pa.array(np.ascontiguousarray(checked[:, at])) for at, name in enumerate(names)})


def with_column(table: pa.Table, name: str, values: Any) -> tuple[pa.Table, str]:
    """The table with one more column, and its name: as wished, with `_` behind it until no other has it."""
    while name in table.column_names:
        name += "_"
    return table.append_column(name, pa.array(values)), name


def missing_in(table: pa.Table) -> list[str] | None:
    """What the spec has to name as missing: nothing, if an empty text is a value of the table."""
    texts = [column.cast(pa.string()) for column in table.columns if _is_text(_of_cells(column.type))]
    return [] if any(pc.any(pc.equal(column, "")).as_py() for column in texts) else None


def refuse_other_length(y: np.ndarray, table: pa.Table) -> None:
    """Raises `ValueError` for a target that isn't one value for each row."""
    if len(y) != table.num_rows:
        raise ValueError(f"y has {len(y)} values, and X has {table.num_rows} rows: give one value for each row")


def name_of(y: Any) -> str:
    """What a column is called; `y` if it has no name of its own, or is a frame."""
    name = None if hasattr(y, "columns") else getattr(y, "name", None)
    return str(name or "y")


def types_of(table: pa.Table, steps: Iterable[str]) -> dict[str, dict[str, str]]:
    """What the contract has to say of columns: that fractions may come where training saw none, and that a text is one
    whatever it reads as, `1.0` or `true`.
    """
    steps = set(steps)
    whole_as_is = not _OF_CATEGORIES.isdisjoint(steps)
    text_as_is = not _OF_MOMENTS.isdisjoint(steps)
    rules = {}
    for column in table.schema:
        if pa.types.is_floating(column.type) or pa.types.is_integer(column.type) and not whole_as_is:
            rules[column.name] = {"type": "number"}
        elif pa.types.is_null(column.type):
            # Whatever comes later, it is one that training never saw.
            rules[column.name] = {"type": "category"}
        elif pa.types.is_dictionary(column.type) or _is_text(column.type) and not text_as_is:
            rules[column.name] = {"type": "category"}
    return rules


def _is_text(of: pa.DataType) -> bool:
    return bool(pa.types.is_string(of) or pa.types.is_large_string(of) or pa.types.is_string_view(of))


def _of_cells(of: pa.DataType) -> pa.DataType:
    return of.value_type if pa.types.is_dictionary(of) else of


def _without_unread(table: pa.Table, *, tell: bool) -> pa.Table:
    """The table without columns that no step and no model can read, of which it may warn."""
    unread = []
    for column in table.schema:
        of = _of_cells(column.type)
        if (
            isinstance(of, pa.BaseExtensionType)
            or pa.types.is_nested(of)
            or pa.types.is_duration(of)
            or pa.types.is_interval(of)
            or pa.types.is_binary(of)
            or pa.types.is_large_binary(of)
            or pa.types.is_binary_view(of)
            or pa.types.is_fixed_size_binary(of)
        ):
            unread.append(column.name)
            if tell:
                warnings.warn(
                    f"`{column.name}` isn't learned from: cells of type `{of}` can't be read; give numbers, texts, dates or flags",
                    UserWarning,
                    stacklevel=4,
                )
    return table.drop_columns(unread)


def _has_names(X: Any) -> bool:
    """Whether it is a frame whose columns have names. A pandas frame of numbered columns is an array."""
    columns = getattr(X, "columns", None) if not isinstance(X, pa.Table) else X.column_names
    return columns is not None and len(columns) > 0 and all(isinstance(name, str) for name in columns)


def _of_frame(frame: Any) -> pa.Table:
    try:
        frame = plain(frame)
        if is_of("pandas", frame):
            table = pa.Table.from_pandas(frame, preserve_index=False)
        else:
            table = pa.table(frame)
    except DataError as error:
        raise ValueError(str(error)) from error
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise ValueError(f"a column has cells of several types, or of one that no column has: {error}") from error
    return table.replace_schema_metadata(None)
