"""Frames of any library, as the engine reads them: by Arrow's C stream."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, Protocol, TypeAlias, runtime_checkable

from evenstep._errors import DataError
from evenstep._labels import Labels, is_of, labelled


@runtime_checkable
class ArrowStream(Protocol):
    """Whatever hands out its rows by Arrow: frames of pandas and polars, tables of pyarrow, relations of DuckDB."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


Data: TypeAlias = "ArrowStream | str | os.PathLike[str]"
"""Rows: a frame, or the name of a file or of many. A frame's types are its columns': a text of digits is a text, a categorical a category."""


def rows(data: Data | None, personal: Callable[[], Container[str]] = tuple) -> object:
    """What the engine reads of `data`: a name, or a stream. Of columns that tell of people no value is told."""
    if isinstance(data, (str, os.PathLike)):
        return os.fspath(data)
    stream = plain(stream_of(data), personal)
    try:
        return stream.__arrow_c_stream__()
    except ImportError as error:
        raise DataError(f"{error}\n  help: pandas hands out its rows by pyarrow: `pip install pyarrow`") from error
    except Exception as error:
        # What pyarrow and polars say may show the cell that they can't read.
        if personal():
            raise DataError(f"the frame can't be read: {type(error).__name__}") from None
        raise DataError(f"the frame can't be read: {error}") from error


def stream_of(data: object) -> ArrowStream:
    """The frame. Raises `DataError` for what is none."""
    if is_of("polars", data) and type(data).__name__ == "LazyFrame":
        raise DataError("a `LazyFrame` is a query that hasn't been run\n  help: give its rows: `frame.collect()`")
    if not isinstance(data, ArrowStream):
        raise DataError(
            f"`{type(data).__name__}` holds no rows that can be read\n"
            "  help: give a frame of pandas 2.2 or later, of polars, pyarrow or DuckDB, or the name of a file"
        )
    if type(data).__name__ == "Series":
        raise DataError("a `Series` is one column, and rows have several\n  help: give a frame: `series.to_frame()`")
    return data


@contextmanager
def reading(
    data: Data | None, personal: Callable[[], Container[str]] = tuple, *, optional: bool = False
) -> Iterator[tuple[object, Labels]]:
    """What the engine reads of `data`, or None if that is optional, and what its rows are called, as errors within tell, too."""
    labels = Labels(data, personal)
    with labelled(labels):
        yield None if data is None and optional else rows(data, personal), labels


def plain(frame: Any, personal: Callable[[], Container[str]] = tuple) -> Any:
    """The frame without the types that only its library has. Raises `DataError` for columns that no table holds."""
    if is_of("pandas", frame):
        from evenstep._pandas import readable

        return readable(frame, personal)
    if is_of("pyarrow", frame) and type(frame).__name__ == "RecordBatchReader":
        return _unread(frame)
    return _plain_polars(frame) if is_of("polars", frame) else frame


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
            what = f"row {at} (counted from 0) is a `{type(row).__name__}`"
            raise DataError(f"{what}\n  help: a row is a dictionary, its cells by name")
    return [dict(row) for row in found]


def _unread(reader: Any) -> Any:
    """The reader, all of whose rows are still to be read. Raises `DataError` for one without any."""
    try:
        first = next(iter(reader), None)
    except Exception as error:
        raise DataError(f"the reader can't be read: {error}") from error
    if first is None:
        raise DataError("the reader has no rows, or none any more\n  help: a reader is read once: give a table, or make another")
    return type(reader).from_batches(reader.schema, chain([first], reader))


def _plain_polars(frame: Any) -> Any:
    """The frame without the types that only polars hands out: of columns without any value, and of integers of 128 bits."""
    import polars

    for name, kind in getattr(frame, "schema", {}).items():
        if str(kind) == "Null":
            frame = frame.with_columns(polars.col(name).cast(polars.String))
        elif str(kind) in ("Int128", "UInt128"):
            try:
                frame = frame.with_columns(polars.col(name).cast(polars.Decimal(38, 0)))
            except polars.exceptions.PolarsError:
                # Of more digits than decimals have, the nearest floats, as of a file.
                frame = frame.with_columns(polars.col(name).cast(polars.Float64))
    return frame
