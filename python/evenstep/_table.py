"""Rows that the engine made."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from evenstep import _native
from evenstep._labels import Labels

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


# So many rows are shown in a notebook.
_SHOWN = 10


class Table:
    """Rows out: whatever reads Arrow's C stream reads them without a copy.

    `pyarrow.table(table)`, `polars.DataFrame(table)`, `duckdb.sql("from table")`, and the methods below.
    """

    _inner: _native.Table
    _labels: Labels

    @classmethod
    def _of(cls, native: _native.Table, labels: Labels) -> Table:
        table = cls.__new__(cls)
        table._inner = native
        table._labels = labels
        return table

    def __len__(self) -> int:
        return len(self._inner)

    @property
    def columns(self) -> list[str]:
        """What its columns are called."""
        return self._inner.columns

    @property
    def scored(self) -> dict[str, Any]:
        """What was odd about the rows: how many have no answer, which rules they break, which columns nobody asked for."""
        return dict(self._inner.told()["scored"])

    @property
    def quarantine(self) -> list[dict[str, Any]]:
        """The cells for which rows have no answer: column, row, value and rule of each.

        Rows of a frame are counted from 0, and told by the index of pandas, too, unless it only counts; rows of a file from 1.
        """
        return list(self._labels.mark(self._inner.told()["quarantine"]))

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._inner.__arrow_c_stream__(requested_schema)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a table can't be pickled: pickle what `to_arrow` or `to_pandas` gives")

    def to_arrow(self) -> pyarrow.Table:
        """As a table of pyarrow."""
        import pyarrow

        return pyarrow.table(self)

    def to_pandas(self) -> pandas.DataFrame:
        """As a frame of pandas; of the rows of one, with its index: `frame["p"] = bundle.score(frame).to_pandas()["prediction"]`."""
        frame: pandas.DataFrame = self.to_arrow().to_pandas()
        index = self._labels.index
        if index is not None:
            # An explanation has a line for each class of a row.
            frame.index = index if len(index) == len(frame) else index.repeat(len(frame) // len(index))
        return frame

    def to_polars(self) -> polars.DataFrame:
        """As a frame of polars."""
        import polars

        return polars.DataFrame(self)

    def _repr_html_(self) -> str:
        try:
            import pyarrow
        except ImportError:
            return f"<pre>{html.escape(repr(self))}</pre>"
        first = pyarrow.table(self).slice(0, _SHOWN)
        cells = zip(*(column.to_pylist() for column in first.columns), strict=True)
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        rows = "".join("<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in cells)
        count = f"{len(self)} row{'' if len(self) == 1 else 's'}" + (f", the first {_SHOWN} of them" if len(self) > _SHOWN else "")
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><small>{count}</small>"

    def __repr__(self) -> str:
        return f"<evenstep.Table of {len(self)} rows: {', '.join(self.columns)}>"


def _cell(of: Any) -> str:
    return "" if of is None else html.escape(f"{of:.6g}" if isinstance(of, float) else str(of))
