"""Frames of any library, as the engine reads them: by Arrow's C stream."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

from evenstep._errors import DataError


@runtime_checkable
class ArrowStream(Protocol):
    """Whatever hands out its rows by Arrow: frames of pandas and polars, tables of pyarrow, relations of DuckDB."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


Data: TypeAlias = "ArrowStream | str | os.PathLike[str]"
"""Rows: a frame, or the name of a file or of many."""


def rows(data: Data) -> object:
    """What the engine reads of `data`: a name, or a stream."""
    if isinstance(data, (str, os.PathLike)):
        return os.fspath(data)
    if not isinstance(data, ArrowStream):
        raise DataError(
            f"`{type(data).__name__}` holds no rows that can be read\n"
            "  help: give a frame of pandas 2.2 or later, of polars, pyarrow or DuckDB, or the name of a file"
        )
    if type(data).__name__ == "Series":
        raise DataError("a `Series` is one column, and rows have several\n  help: give a frame: `series.to_frame()`")
    if is_of("pandas", data):
        _refuse_objects(data)
    try:
        stream: ArrowStream = _plain_polars(data) if is_of("polars", data) else data
        return stream.__arrow_c_stream__()
    except ImportError as error:
        raise DataError(f"{error}\n  help: pandas hands out its rows by pyarrow: `pip install pyarrow`") from error
    except Exception as error:
        raise DataError(f"the frame can't be read: {error}") from error


def dictionaries(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows that are dictionaries. Raises `DataError` for what isn't a list of them."""
    if isinstance(given, ArrowStream):
        raise DataError("a frame is no list of dictionaries\n  help: `score` takes frames, and names of files")
    if isinstance(given, (Mapping, str)) or not isinstance(given, Iterable):
        raise DataError(
            f"a `{type(given).__name__}` is no list of rows\n  help: `predict_one` takes one row, `predict` a list of them"
        )
    found = list(given)
    for at, row in enumerate(found):
        if not isinstance(row, Mapping):
            raise DataError(f"row {at + 1} is a `{type(row).__name__}`\n  help: a row is a dictionary, its cells by name")
    return [dict(row) for row in found]


def is_of(library: str, data: object) -> bool:
    """Whether its class, or one that it is made from, is of a library."""
    return any(one.__module__.split(".")[0] == library for one in type(data).__mro__)


def _plain_polars(frame: Any) -> Any:
    """The frame without the types that only polars hands out: of columns without any value, and of integers of 128 bits."""
    import polars

    others: dict[str, Any] = {"Null": polars.String, "Int128": polars.Decimal(38, 0), "UInt128": polars.Decimal(38, 0)}
    schema = getattr(frame, "schema", {})
    changed = [polars.col(name).cast(others[str(kind)]) for name, kind in schema.items() if str(kind) in others]
    return frame.with_columns(changed) if changed else frame


def _refuse_objects(frame: Any) -> None:
    """Columns in which anything may stand are taken if text alone stands in them."""
    doubled = frame.columns[frame.columns.duplicated()]
    if len(doubled):
        raise DataError(
            f"two columns are named `{doubled[0]}`\n  help: columns are reached by name, so names must differ"
        )
    from pandas.api.types import infer_dtype

    plain = {"string", "empty", "boolean", "integer", "floating", "decimal", "date", "datetime", "datetime64", "time"}
    for name, column in frame.items():
        if column.dtype != object:
            continue
        what = infer_dtype(column, skipna=True)
        if what not in plain:
            missing = column.isna()
            cells = [(at, cell) for at, (cell, gone) in enumerate(zip(column, missing, strict=True)) if not gone]
            others = ((at, cell) for at, cell in cells if type(cell) is not type(cells[0][1]))
            place, value = next(others, cells[0] if cells else (0, None))
            raise DataError(
                f"column `{name}` holds objects of several types ({what}): in row {place + 1} "
                f"a `{type(value).__name__}`, {value!r:.40}\n"
                f"  help: give it one type: `frame['{name}'] = frame['{name}'].astype(str)`"
            )
