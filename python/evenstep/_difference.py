"""Where two runs part, and why."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any, TypeAlias

from evenstep import _native
from evenstep._bundle import Bundle
from evenstep._errors import DataError
from evenstep._page import Page
from evenstep._spec import Spec
from evenstep._trained import Trained

Run: TypeAlias = "Spec | Trained | Bundle | str | os.PathLike[str]"
"""A run: a training, a bundle, a spec with its lock, or the path of a spec, lock, bundle, trace, or folder."""


class Difference:
    """The first stage, column and rows in which two runs part, and why. It is true if they differ."""

    page: Page
    """The pipeline drawn, with what differs."""

    def __init__(self, told: dict[str, Any], page: str) -> None:
        """By what `diff --json` tells, and the page that shows it."""
        self._told = told
        self.page = Page(page)

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return bool(self._told["equal"])

    @property
    def first(self) -> dict[str, Any] | None:
        """Where they part: `stage`, `column`, `rows`."""
        first: dict[str, Any] | None = self._told["first"]
        return first

    @property
    def causes(self) -> list[dict[str, Any]]:
        """Why: `kind`, `likely` if it is concluded, and a sentence, `text`."""
        return list(self._told["causes"])

    @property
    def stages(self) -> list[dict[str, Any]]:
        """Stage by stage: `stage`, `state`, `columns`."""
        return list(self._told["stages"])

    @property
    def notes(self) -> list[str]:
        """What could not be compared, and what doesn't matter."""
        return list(self._told["notes"])

    def __bool__(self) -> bool:
        return not self.equal

    def __repr__(self) -> str:
        if self.first is None:
            nothing = "nothing that was compared differs" if self._told["open"] else "nothing differs"
            return f"<evenstep.Difference: {nothing if self.equal else 'they differ'}>"
        column = self.first["column"]
        at = self.first["stage"] + (f", column `{column}`" if column else "")
        why = "; ".join(cause["text"] for cause in self.causes)
        return f"<evenstep.Difference: they part at {at}{': ' if why else ''}{why}>"

    def _repr_html_(self) -> str:
        return self.page._repr_html_()


def diff(
    a: Run,
    b: Run,
    *,
    data_a: str | os.PathLike[str] | None = None,
    data_b: str | os.PathLike[str] | None = None,
    read_data: bool = True,
    threads: int = 0,
) -> Difference:
    """Says where two runs part, and why.

    `data_a` and `data_b` name the files of their rows, where the locks don't; without `read_data` rows are named, but
    their values are not shown.

    Raises `DataError` for what is no run, or can't be read.
    """
    with ExitStack() as folders:
        paths = [_path_of(run, folders) for run in (a, b)]
        data = [None if path is None else os.fspath(path) for path in (data_a, data_b)]
        names = [_called(run) for run in (a, b)]
        told, page = _native.diff(
            (paths[0], data[0], names[0]), (paths[1], data[1], names[1]), not read_data, threads
        )
    return Difference(told, page)


def _path_of(run: Run, folders: ExitStack) -> str:
    """Where its files are; a training that has none any more, or never had, is written for the while."""
    import tempfile

    if isinstance(run, (str, os.PathLike)):
        return os.fspath(run)
    if isinstance(run, Spec):
        return run.path
    if not isinstance(run, (Trained, Bundle)):
        what = type(run).__name__
        raise DataError(f"a `{what}` is no run\n  help: give a spec, a training, a bundle, or the path of one")
    if isinstance(run, Trained) and run._is_there:
        return run.paths["bundle"]
    if isinstance(run, Trained):
        # Within its project, whose salt opens the trace.
        folder = folders.enter_context(tempfile.TemporaryDirectory(dir=run._folder or ".", prefix=".evenstep-"))
        written = run._inner.write(os.path.join(folder, ""))["bundle"]
        assert written is not None
        return written
    folder = folders.enter_context(tempfile.TemporaryDirectory())
    path = os.path.join(folder, "model.evenstep")
    with open(path, "wb") as file:
        file.write(run.to_bytes())
    return path


def _called(run: Run) -> str:
    if isinstance(run, (str, os.PathLike)):
        return os.fspath(run)
    return f"{run.name} {run.version}" if isinstance(run, (Trained, Bundle)) else run.path
