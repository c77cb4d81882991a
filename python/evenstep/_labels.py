"""Rows of a frame by their position, and by what the index of pandas calls them."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from evenstep._errors import Error

# As the engine tells where a cell of a frame is.
_ROW = re.compile(r"the frame, row (\d+)")


class Labels:
    """What the rows of a frame are called; nothing, if it has no index of its own, or one that tells of people."""

    def __init__(self, data: object, personal: Callable[[], Container[str]] = tuple) -> None:
        """Of a frame, and the columns that tell of people, which are asked for if a label is to be told."""
        self.index: Any = getattr(data, "index", None) if is_of("pandas", data) else None
        self._personal = personal

    @cached_property
    def _say(self) -> bool:
        if self.index is None or _only_counts(self.index):
            return False
        names = [str(name) for name in self.index.names if name is not None]
        return not names or not any(map(self._personal().__contains__, names))

    def place(self, row: int) -> str:
        """A row for people."""
        return f"row {row} (counted from 0{self._also(row)})"

    def mark(self, told: Any) -> Any:
        """What the engine tells, with the label of each cell of the frame as its `index`."""
        if isinstance(told, list):
            return [self.mark(one) for one in told]
        if not isinstance(told, dict):
            return told
        marked = {key: self.mark(one) for key, one in told.items()}
        if self._say and marked.get("file") == "the frame" and "row" in marked:
            marked["index"] = _plain(self.index[marked["row"]])
        return marked

    def told(self, error: Error) -> Error:
        """The error, with labels, and where rows are counted from."""
        return type(error)(self._text(str(error)), self._text(error.message), error.help, self.mark(error.cells))

    def _text(self, text: str) -> str:
        counted = "counted from 0"

        def with_label(found: re.Match[str]) -> str:
            nonlocal counted
            words = [word for word in (counted, self._also(int(found[1])).removeprefix(", ")) if word]
            counted = ""
            return found[0] + (f" ({', '.join(words)})" if words else "")

        return _ROW.sub(with_label, text)

    def _also(self, row: int) -> str:
        return f", index {_plain(self.index[row])!r:.40}" if self._say else ""


@contextmanager
def labelled(labels: Labels) -> Iterator[None]:
    """Errors tell rows by their labels."""
    try:
        yield
    except Error as error:
        if not _ROW.search(str(error)):
            raise
        raise labels.told(error) from None


def is_of(library: str, data: object) -> bool:
    """Whether its class, or one that it is made from, is of a library."""
    return any(one.__module__.split(".")[0] == library for one in type(data).__mro__)


def _only_counts(index: Any) -> bool:
    return type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1


def _plain(label: Any) -> Any:
    return label.item() if hasattr(label, "item") else label
