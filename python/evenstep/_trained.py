"""What a training came to."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from evenstep import _native
from evenstep._bundle import Bundle
from evenstep._errors import DataError
from evenstep._metrics import Metrics


def place_of(out: str | os.PathLike[str]) -> str:
    """The file that `out` is, or the folder, which ends in `/`: a `Path` never does, and is one if it has no suffix.

    Raises `DataError` for a folder that can't be made, so that nobody trains for nothing.
    """
    path = os.fspath(out)
    if isinstance(out, os.PathLike) and not os.path.splitext(path)[1]:
        path = os.path.join(path, "")
    if path.endswith("/"):
        above = path.rstrip("/") or "/"
        while not os.path.lexists(above):
            above = os.path.dirname(above) or "."
        if not os.path.isdir(above) or not os.access(above, os.W_OK):
            raise DataError(f"the folder `{path}` can't be made: `{above}` is no folder that can be written to")
    return path


class Trained:
    """A training: its digest, its metrics, and its bundle.

    `Spec.train` gives it.
    """

    _inner: _native.Trained
    _told: dict[str, Any]
    _bundle: Bundle | None
    _folder: str
    _hashes: dict[str, bytes]

    paths: dict[str, str]
    """Where lock, bundle, report and trace are, once they are written."""

    @classmethod
    def _of(cls, native: _native.Trained, folder: str) -> Trained:
        trained = cls.__new__(cls)
        trained._inner = native
        trained._told = native.told()
        trained._bundle = None
        trained._folder = folder
        trained.paths = {}
        trained._hashes = {}
        return trained

    @property
    def name(self) -> str:
        """What the pipeline is called."""
        return str(self._told["name"])

    @property
    def version(self) -> str:
        """The first twelve digits of the digest."""
        return str(self._told["version"])

    @property
    def digest(self) -> str:
        """What the answers depend on, and nothing else: equal digests give equal bits."""
        return str(self._told["digest"])

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the rows, whatever their order and wherever they came from."""
        return str(self._told["fingerprint"])

    @property
    def rows(self) -> int:
        """How many rows there were, learned from or held out."""
        return int(self._told["rows"])

    @property
    def notes(self) -> list[str]:
        """Sentences about data and fit."""
        return list(self._told["notes"])

    @property
    def seconds(self) -> dict[str, float]:
        """How long each part took."""
        return dict(self._told["seconds"])

    @property
    def metrics(self) -> Metrics:
        """What was measured on the rows held out."""
        return Metrics(self._told["evaluation"]["metrics"])

    @property
    def importance(self) -> list[dict[str, Any]]:
        """What each feature of the model contributed: `feature`, its `share` of the gain of all splits, or of the absolute
        standardised weights, and of trees how many `splits` are on it and its share of the rows that these part, `cover`."""
        return list(self._told["importance"])

    @property
    def bundle(self) -> Bundle:
        """What scores."""
        if self._bundle is None:
            self._bundle = Bundle(self._inner.bundle())
        return self._bundle

    def write(self, out: str | os.PathLike[str] | None = None) -> dict[str, str]:
        """Writes lock, bundle, report and trace, all of them or none; gives their paths.

        They go beside the spec, as by the command line; with `out`, a file or a folder as `Spec.train` takes it, there.

        Raises `DataError` for a place that can't be written to.
        """
        place = None if out is None else place_of(out)
        if place is not None and place.endswith("/"):
            try:
                os.makedirs(place, exist_ok=True)
            except OSError as error:
                raise DataError(f"the folder `{place}` can't be made: {error.strerror}") from error
        written = self._inner.write(place)
        self.paths = {name: path for name, path in written.items() if path is not None}
        self._hashes = {path: _hash_of(path) for name, path in self.paths.items() if name != "report"}
        return self.paths

    @property
    def _is_there(self) -> bool:
        """Whether lock, bundle and trace are where they were written, and nobody wrote over one of them."""
        try:
            return bool(self._hashes) and all(_hash_of(path) == known for path, known in self._hashes.items())
        except OSError:
            return False

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a training can't be pickled: pickle its `bundle`, or `write` it")

    def __repr__(self) -> str:
        return f"<evenstep.Trained {self.name!r} {self.version}: {self.metrics}>"

    def _repr_html_(self) -> str:
        return self.bundle._repr_html_()


def _hash_of(path: str) -> bytes:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).digest()
