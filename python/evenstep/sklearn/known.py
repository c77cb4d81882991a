"""What is known of the data before any training: rows, values, and how a file of text spells them."""

from __future__ import annotations

from typing import Any


class Known:
    """A frame of pandas, and the cells of the file that it was read from, if that is one of text."""

    def __init__(self, frame: Any, texts: Any = None) -> None:
        self.rows: int | None = None if frame is None else len(frame)
        self._columns = _by_name(frame)
        self._texts = _by_name(texts)

    def values(self, name: str) -> list[Any] | None:
        """What stands in a column, once each and sorted, without null; None if it isn't known, or has no order."""
        if name not in self._columns:
            return None
        try:
            return sorted(self._columns[name].dropna().unique().tolist())
        except TypeError:
            return None

    def has(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self._columns

    def spellings(self, name: str) -> dict[Any, list[str]]:
        """The texts that stand for each value of a column; none if the data are no text."""
        if name not in self._texts:
            return {}
        found: dict[Any, set[str]] = {}
        for value, text in zip(self._columns[name], self._texts[name], strict=True):
            found.setdefault(value, set()).add(text)
        return {value: sorted(texts) for value, texts in found.items()}

    def has_null(self, name: str) -> bool:
        """Whether the column has a null, as far as anybody can tell."""
        return name not in self._columns or bool(self._columns[name].isna().any())

    def zone(self, name: str) -> str | None:
        """The time zone of a column's times, if they have one."""
        zone = getattr(getattr(self._columns.get(name), "dtype", None), "tz", None)
        return None if zone is None else str(zone)

    def has_none(self, name: str) -> bool:
        """Whether a null of the column is None, not NaN."""
        return name in self._columns and any(value is None for value in self._columns[name])

    def has_nan(self, name: str) -> bool:
        """Whether a null of the column is NaN, not None."""
        return name in self._columns and any(value is not None for value in self._columns[name][self._columns[name].isna()])


def _by_name(frame: Any) -> dict[str, Any]:
    return {} if frame is None else {str(name): column for name, column in frame.items()}
