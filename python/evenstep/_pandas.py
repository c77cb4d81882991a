"""Frames of pandas as Arrow takes them: what may stand in their columns, and what their index is."""

from __future__ import annotations

import math
from collections.abc import Callable, Container
from decimal import Decimal
from numbers import Integral
from typing import Any
from uuid import UUID

from evenstep._errors import DataError
from evenstep._labels import Labels

# What objects of one type are called, of which Arrow makes a column.
_PLAIN = {"string", "empty", "boolean", "floating", "decimal"}
_MOMENTS = {"date", "datetime", "datetime64"}
# Decimals of Arrow have so many digits.
_DIGITS = 76


def readable(frame: Any, personal: Callable[[], Container[str]]) -> Any:
    """The frame itself, or one with columns in place of those for which Arrow has no type. Of columns that tell of people no
    value is told.

    Raises `DataError` for objects of several types, or of one that no cell can be, and for columns that no name reaches.
    """
    import pandas

    _refuse_names(frame)
    columns = {name: _readable(frame, name, column, personal) for name, column in frame.items()}
    changed = {name: column for name, column in columns.items() if column is not None}
    index = _index(frame, personal)
    if not changed and index is frame.index:
        return frame
    frame = frame.copy(deep=False)
    for name, column in changed.items():
        frame[name] = column
    frame.index = index
    return frame


def _index(frame: Any, personal: Callable[[], Container[str]]) -> Any:
    """The index as rows have it: no column without a name, and else one like others."""
    import pandas

    index = frame.index
    if all(name is None for name in index.names):
        return index if isinstance(index, pandas.RangeIndex) else pandas.RangeIndex(len(frame))
    if isinstance(index, pandas.MultiIndex):
        return index
    # A range is handed out as no column, also if it has a name.
    if isinstance(index, pandas.RangeIndex):
        return pandas.Index(index.to_numpy(), name=str(index.name))
    column = _readable(frame, index.name, pandas.Series(index, index=frame.index), personal)
    return index if column is None else pandas.Index(column, name=index.name)


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


def _readable(frame: Any, name: Any, column: Any, personal: Callable[[], Container[str]]) -> Any:
    """Another column in place of this one; None if this one will do."""
    import pandas
    from pandas.api.types import infer_dtype

    if isinstance(column.dtype, pandas.CategoricalDtype):
        return _readable_levels(name, column)
    if isinstance(column.dtype, (pandas.PeriodDtype, pandas.IntervalDtype)):
        return column.astype("string")
    if isinstance(column.dtype, pandas.SparseDtype):
        return column.sparse.to_dense()
    if column.dtype != object:
        return _of_numpy(name, column)
    what, given = infer_dtype(column, skipna=True), column
    if what in _PLAIN:
        return None
    if what.startswith("mixed") and any(cell is pandas.NaT for cell in column):
        column = column.map(lambda cell: None if cell is pandas.NaT else cell)
        what = infer_dtype(column, skipna=True)
    missing = column.isna()
    cells = [(at, cell) for at, (cell, gone) in enumerate(zip(column, missing, strict=True)) if not gone]
    if what in ("period", "interval") or cells and all(isinstance(cell, UUID) for _, cell in cells):
        return column.map(str, na_action="ignore").astype("string")
    if what == "integer" or what.startswith("mixed") and cells and all(_is_number(cell) for _, cell in cells):
        return _numbers(name, column, what)
    if what in _MOMENTS:
        column = _moments(frame, name, column, what, personal)
    zoned = [(at, cell) for at, cell in cells if getattr(cell, "tzinfo", None)] if what == "time" else []
    if what in _PLAIN | _MOMENTS | {"time"} and not zoned:
        return None if column is given else column
    others = [(at, cell) for at, cell in cells if not zoned and type(cell) is not type(cells[0][1])]
    place, value = (zoned or others or cells)[0]
    if others:
        raise _of_several_types(frame, name, what, place, value, personal)
    help = "leave it out, or make texts or numbers of it"
    raise _refused(frame, name, "that no cell can be", place, value, personal, help)


def _of_numpy(name: Any, column: Any) -> Any:
    """Another column in place of one whose numbers no processor has as they are; None if this one will do.

    Raises `DataError` for complex numbers.
    """
    import numpy

    of = column.dtype
    if not isinstance(of, numpy.dtype) or of == native(of):
        return None
    if of.kind == "c":
        raise DataError(
            f"column `{name}` holds complex numbers, that no cell can be\n  help: give two columns, `.real` and `.imag`"
        )
    return column.astype(native(of))


def native(of: Any) -> Any:
    """The type of numpy in the order of this processor's bytes, and no longer than 64 bits; it has no complex numbers."""
    import numpy

    return numpy.dtype("float64") if of.kind == "c" or of.kind == "f" and of.itemsize > 8 else of.newbyteorder("=")


def _moments(frame: Any, name: Any, column: Any, what: str, personal: Callable[[], Container[str]]) -> Any:
    """Days or moments: Arrow would make days of moments, and moments to the microsecond of finer ones and of those of any zone."""
    import datetime

    import pandas

    cells = [(at, cell) for at, (cell, gone) in enumerate(zip(column, column.isna(), strict=True)) if not gone]
    if what == "datetime64":
        return pandas.to_datetime(column)
    if what == "date":
        moments = [(at, cell) for at, cell in cells if isinstance(cell, datetime.datetime)]
        if moments:
            raise _of_several_types(frame, name, "date, datetime", *moments[0], personal)
        return column
    zoned = [(at, cell) for at, cell in cells if cell.tzinfo is not None]
    if 0 < len(zoned) < len(cells):
        objects = "of which some have a zone and others none"
        help = "give all a zone, or none"
        raise _refused(frame, name, objects, *zoned[0], personal, help)
    if any(getattr(cell, "nanosecond", 0) for _, cell in cells):
        return pandas.to_datetime(column.map(pandas.Timestamp, na_action="ignore"), utc=bool(zoned)).astype(
            "datetime64[ns, UTC]" if zoned else "datetime64[ns]"
        )
    return column


def _of_several_types(
    frame: Any, name: Any, what: str, place: int, value: Any, personal: Callable[[], Container[str]]
) -> DataError:
    help = f"give it one type: `frame['{name}'] = frame['{name}'].astype('string')`"
    return _refused(frame, name, f"of several types ({what})", place, value, personal, help)


def _refused(
    frame: Any, name: Any, objects: str, place: int, value: Any, personal: Callable[[], Container[str]], help: str
) -> DataError:
    """That a column holds such objects, with the cell that shows it."""
    shown = "" if str(name) in personal() else f", {value!r:.40}"
    return DataError(
        f"column `{name}` holds objects {objects}: in {Labels(frame, personal).place(place)} "
        f"a `{type(value).__name__}`{shown}\n  help: {help}"
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


def _is_number(cell: Any) -> bool:
    import numpy

    return isinstance(cell, (Integral, float, numpy.floating, Decimal)) and not isinstance(cell, bool)


def _numbers(name: Any, column: Any, what: str) -> Any:
    """Numbers that are no integers of 64 bits: decimals, if floats could be others, with the digits that a file would have.

    Beyond the digits of decimals, the nearest floats. Raises `DataError` for a number that none is near to.
    """
    import pandas

    cells = [None if gone else cell for cell, gone in zip(column, column.isna(), strict=True)]
    integers = [int(cell) for cell in cells if isinstance(cell, Integral)]
    if what == "integer" and all(-(2**63) < cell < 2**63 for cell in integers):
        return column
    try:
        floats = [math.nan if cell is None else float(cell) for cell in cells]
    except OverflowError:
        raise DataError(
            f"column `{name}` has an integer that is too large for any number\n  help: leave it out, or write it as text"
        ) from None
    are_floats = all(abs(cell) <= 2**53 for cell in integers) and not any(isinstance(cell, Decimal) for cell in cells)
    decimals = [None if cell is None else _decimal(cell) for cell in cells]
    if are_floats or not _fit(decimals):
        return pandas.Series(floats, index=column.index, dtype="float64", name=column.name)
    return pandas.Series(decimals, index=column.index, dtype=object, name=column.name)


def _decimal(cell: Any) -> Decimal:
    """A number by the digits that it is written with."""
    if isinstance(cell, Decimal):
        return cell
    return Decimal(int(cell)) if isinstance(cell, Integral) else Decimal(repr(float(cell)))


def _fit(decimals: list[Decimal | None]) -> bool:
    """Whether one type of decimals holds them all."""
    finite = [cell for cell in decimals if cell is not None and cell.is_finite()]
    exponents = [int(cell.as_tuple().exponent) for cell in finite]
    above = max((cell.adjusted() + 1 for cell in finite if cell), default=0)
    return len(finite) == len(decimals) - decimals.count(None) and max(above, 0) - min([*exponents, 0]) <= _DIGITS
