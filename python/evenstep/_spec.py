"""What a person writes: `pipeline.toml`."""

from __future__ import annotations

import html
import os
from collections.abc import Mapping
from typing import Any

from evenstep import _native
from evenstep._checked import Checked
from evenstep._errors import DataError
from evenstep._frames import Data, reading
from evenstep._progress import progress_bar
from evenstep._trained import Trained, place_of


class Spec:
    """A spec: where rows come from, what is predicted, which steps and which model.

    It is the text of a `pipeline.toml`: what is made in a notebook is what the command line runs, to the same digest.
    """

    _inner: _native.Spec

    def __init__(self, text: str, *, folder: str | os.PathLike[str] = ".", set: Mapping[str, Any] | None = None) -> None:
        """A spec by its text.

        `folder` is where its relative paths start. `set` overrides values: `{"model.trees": 100}`.

        Raises `SpecError` for a text that is no spec.
        """
        path = os.path.join(os.fspath(folder), "pipeline.toml")
        self._inner = _native.Spec(path, text, _overrides(set))

    @classmethod
    def _of(cls, native: _native.Spec) -> Spec:
        spec = cls.__new__(cls)
        spec._inner = native
        return spec

    @classmethod
    def read(cls, path: str | os.PathLike[str] = "pipeline.toml", *, set: Mapping[str, Any] | None = None) -> Spec:
        """A spec by its file. `set` overrides values: `{"data.source": "other.csv"}`.

        Raises `SpecError` for a file that isn't there, or is no spec.
        """
        return cls._of(_native.Spec.read(os.fspath(path), _overrides(set)))

    @classmethod
    def from_toml(cls, text: str, *, folder: str | os.PathLike[str] = ".") -> Spec:
        """A spec by its text; `folder` is where its relative paths start."""
        return cls(text, folder=folder)

    @classmethod
    def from_dict(cls, parts: Mapping[str, Any], *, folder: str | os.PathLike[str] = ".") -> Spec:
        """A spec by what its text would hold: `{"pipeline": {…}, "data": {…}, "step": [{…}], "model": {…}}`.

        What is None is left out.

        Raises `SpecError` for what no spec can hold, by its key, and for parts that are no spec.
        """
        return cls(_native.toml_of(parts), folder=folder)

    @property
    def name(self) -> str:
        """What the pipeline is called."""
        return self._inner.name

    @property
    def target(self) -> str:
        """The column that is predicted."""
        return self._inner.target

    @property
    def path(self) -> str:
        """The file that it is, or would be: `train` writes beside it."""
        return self._inner.path

    def toml(self) -> str:
        """Its text."""
        return self._inner.text

    def to_dict(self) -> dict[str, Any]:
        """What its text holds."""
        return self._inner.parts()

    def set(self, values: Mapping[str, Any]) -> Spec:
        """The same spec with some values overridden: `spec.set({"model.trees": 100})`."""
        if values is None:
            raise TypeError('values are set by a dictionary, not None: `spec.set({"model.trees": 100})`')
        return self._of(_native.Spec(self.path, self.toml(), _overrides(values)))

    def write(self, path: str | os.PathLike[str] | None = None) -> str:
        """Writes its text to a file, that which it was read from if none is named; gives the path."""
        path = self.path if path is None else os.fspath(path)
        self._inner.write(path)
        return path

    def check(self, data: Data | None = None, *, threads: int = 0, progress: bool | None = None) -> Checked:
        """Checks spec, contract and data without fitting a model; the steps are fitted.

        Raises `SpecError` or `DataError` for what no training could start from. Cells that break the contract are an answer.
        """
        with reading(data, self._personal, optional=True) as (source, labels), progress_bar(progress) as tell:
            return Checked(labels.mark(self._inner.check(source, threads, tell)))

    def _verify(self, data: Data | None, threads: int, shuffle: bool, progress: bool | None) -> dict[str, Any]:
        with reading(data, self._personal, optional=True) as (source, _), progress_bar(progress) as tell:
            return self._inner.verify(source, threads, shuffle, tell)

    def train(
        self,
        data: Data | None = None,
        out: str | os.PathLike[str] | None = None,
        *,
        threads: int = 0,
        trace: bool = True,
        progress: bool | None = None,
    ) -> Trained:
        """Fits and evaluates, on `data`, or on what the spec names.

        `out` is where the bundle goes: a file; or a folder, if it ends in `/`, is a `Path` without a suffix, or is there. A folder
        is made if need be, once the training is done. Lock, report and trace go beside it. Without it nothing is written: `Trained.write` does it later. `threads` is one for each core if 0; no bit depends on it. `trace` lets
        `evenstep.diff` name rows. `progress` shows a bar; if None, in notebooks and terminals.

        Raises `SpecError`, `DataError`; and `KeyboardInterrupt`, after which nothing is written.
        """
        if out is not None:
            self._inner.try_out(place_of(out))
        with reading(data, self._personal, optional=True) as (source, _), progress_bar(progress) as tell:
            trained = Trained._of(self._inner.train(source, threads, trace, tell), os.path.dirname(self.path))
        if out is not None:
            trained.write(out)
        return trained

    def _personal(self) -> list[str]:
        return [name for name, rule in self.to_dict().get("contract", {}).items() if rule.get("personal")]

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restored, (self.path, self.toml()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spec) and (self.path, self.toml()) == (other.path, other.toml())

    def __hash__(self) -> int:
        return hash((self.path, self.toml()))

    def __repr__(self) -> str:
        return f"<evenstep.Spec {self.name!r}: predicts {self.target!r}>"

    def _repr_html_(self) -> str:
        return f"<details open><summary><b>{html.escape(self.name)}</b></summary><pre>{html.escape(self.toml())}</pre></details>"


def init(
    data: Data,
    target: str,
    *,
    id: str | list[str] | None = None,
    name: str | None = None,
    folder: str | os.PathLike[str] = ".",
    progress: bool | None = None,
) -> Spec:
    """Looks at data, and proposes a spec that trains as it is: a start, everything in it is yours to change.

    `target` is the column to predict, `id` the one, or several, that tells rows apart for good; if None, one is looked for.
    A spec for a frame names no source: give the frame to `train`. Nothing is written: `Spec.write` does it.

    Raises `DataError` for data that can't be read, a column that isn't there, a target that can't be learned.
    """
    ids = list(id) if isinstance(id, (list, tuple)) else [] if id is None else [id]
    for column in [target, *ids]:
        if not isinstance(column, str):
            what = f"a column is named by a text, and `{column!r}` is a `{type(column).__name__}`"
            raise DataError(f"{what}\n  help: what a frame calls `{column!r}` is `{str(column)!r}` here")
    with reading(data) as (source, _), progress_bar(progress) as tell:
        text = _native.propose_spec(source, name, target, ids, tell)
    return Spec(text, folder=folder)


def _restored(path: str, text: str) -> Spec:
    return Spec._of(_native.Spec(path, text, []))


def _overrides(values: Mapping[str, Any] | None) -> list[str]:
    if not isinstance(values, (Mapping, type(None))):
        what = type(values).__name__
        raise TypeError(f'values are set by a dictionary, not a `{what}`: `{{"model.trees": 100}}`')
    return [f"{key}={_native.toml_value(value)}" for key, value in (values or {}).items()]
