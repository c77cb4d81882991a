"""Frames of pandas as Arrow takes them: what may stand in their columns, and what their index is."""

from __future__ import annotations

import math
from typing import Any

from evenstep._errors import DataError
from evenstep._labels import Labels

# What objects of one type are called, of which Arrow makes a column.
_PLAIN = {"string", "empty", "boolean", "floating", "decimal", "date", "datetime", "datetime64", "time"}


def readable(frame: Any) -> Any:
    """The frame itself, or one with columns in place of those for which Arrow has no type.

    Raises `DataError` for objects of several types, or of one that no cell can be, and for columns that no name reaches.
    """
    import pandas

    _refuse_names(frame)
    columns = {name: _readable(frame, name, column) for name, column in frame.items()}
    changed = {name: column for name, column in columns.items() if column is not None}
    # A range is handed out as no column, also if it has a name.
    counts = isinstance(frame.index, pandas.RangeIndex) and frame.index.name is not None
    if not changed and not counts:
        return frame
    frame = frame.copy(deep=False)
    for name, column in changed.items():
        frame[name] = column
    if counts:
        frame.index = pandas.Index(frame.index.to_numpy(), name=str(frame.index.name))
    return frame


def _refuse_names(frame: Any) -> None:
    doubled = frame.columns[frame.columns.duplicated()]
    if len(doubled):
        raise DataError(
            f"two columns are named `{doubled[0]}`\n  help: columns are reached by name, so names must differ"
        )
    for name in frame.columns:
        if isinstance(name, tuple):
            raise DataError(
                f"a column is named by {len(name)} parts, `{name}`, and a name is one text\n"
                "  help: join them: `frame.columns = ['_'.join(map(str, name)) for name in frame.columns]`"
            )


def _readable(frame: Any, name: Any, column: Any) -> Any:
    """Another column in place of this one; None if this one will do."""
    import pandas
    from pandas.api.types import infer_dtype

    if isinstance(column.dtype, pandas.CategoricalDtype):
        return _readable_levels(name, column)
    if isinstance(column.dtype, (pandas.PeriodDtype, pandas.IntervalDtype)):
        return column.astype("string")
    if column.dtype != object:
        return None
    what = infer_dtype(column, skipna=True)
    if what in ("period", "interval"):
        return column.astype("string")
    if what in _PLAIN:
        return None
    if what == "mixed-integer-float" or what == "integer" and not all(map(_is_cell, column)):
        return _floats(name, column)
    if what == "integer":
        return None
    missing = column.isna()
    cells = [(at, cell) for at, (cell, gone) in enumerate(zip(column, missing, strict=True)) if not gone]
    others = [(at, cell) for at, cell in cells if type(cell) is not type(cells[0][1])]
    place, value = (others or cells)[0]
    objects = f"of several types ({what})" if others else "that no cell can be"
    help = f"give it one type: `frame['{name}'] = frame['{name}'].astype('string')`" if others else "leave it out, or make texts or numbers of it"
    raise DataError(
        f"column `{name}` holds objects {objects}: in {Labels(frame).place(place)} "
        f"a `{type(value).__name__}`, {value!r:.40}\n  help: {help}"
    )


def _readable_levels(name: Any, column: Any) -> Any:
    """A categorical of bins, spans or numbers of several types as one of texts, or of numbers."""
    from pandas.api.types import infer_dtype

    levels = column.cat.categories
    what = infer_dtype(levels)
    if what in ("interval", "period"):
        return column.cat.rename_categories([str(level) for level in levels])
    if what == "mixed-integer-float":
        return column.cat.rename_categories(levels.astype(float))
    if what.startswith("mixed"):
        raise DataError(
            f"column `{name}` is a categorical whose levels are of several types ({what})\n"
            f"  help: give them one: `frame['{name}'] = frame['{name}'].astype('string').astype('category')`"
        )
    return None


def _is_cell(cell: Any) -> bool:
    """Whether an integer cell holds it; a missing value is in nobody's way."""
    return not isinstance(cell, int) or -(2**63) < cell < 2**63


def _floats(name: Any, column: Any) -> Any:
    """Numbers of which not all are integers that a cell holds: the nearest floats, as of a file's numbers."""
    import pandas

    try:
        cells = [math.nan if gone else float(cell) for cell, gone in zip(column, column.isna(), strict=True)]
    except OverflowError:
        raise DataError(
            f"column `{name}` has an integer that is too large for any number\n  help: leave it out, or write it as text"
        ) from None
    return pandas.Series(cells, index=column.index, dtype="float64", name=column.name)
