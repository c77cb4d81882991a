"""What goes wrong, with the text that the command line shows."""

from __future__ import annotations

from typing import Any


class Error(Exception):
    """Something that Evenstep can't do, and why.

    Its text is what the command line shows: what was found, where, what was expected and what to do.
    """

    message: str
    """What was found and what was expected."""
    help: str | None
    """What to do about it."""
    cells: list[dict[str, Any]]
    """The cells to blame, if there are any: each with its column or field, row, value and rule; the first of them."""

    def __init__(
        self,
        text: str,
        message: str | None = None,
        help: str | None = None,
        cells: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(text)
        self.message = text if message is None else message
        self.help = help
        self.cells = cells or []


class SpecError(Error):
    """A spec that can't be used; its text points at the place."""


class DataError(Error):
    """Data that can't be used: a file or frame, a column, or the cells that break the contract."""


class BundleError(Error):
    """A bundle that was changed, or isn't one."""


class RefusedError(Error):
    """The answer is no: the golden rows of a bundle have other bits on this host."""


class BugError(Error):
    """A bug of Evenstep."""
