"""A trained pipeline that answers."""

from __future__ import annotations

import html
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evenstep import _native
from evenstep._frames import Data, dictionaries, reading
from evenstep._metrics import Metrics
from evenstep._page import Page
from evenstep._progress import in_notebook, progress_bar
from evenstep._table import Table

if TYPE_CHECKING:
    from evenstep._serving import Server
    from evenstep._verified import Verified


class Bundle:
    """A bundle: steps, model and contract as one file.

    Opening one proves it: it is whole, and gives the bits of its golden rows on this host. It can be used from several
    threads, is pickled by its bytes, and equals others of its digest.
    """

    _inner: _native.Bundle
    _path: str | None

    def __init__(self, data: bytes) -> None:
        """A bundle by its bytes.

        Raises `BundleError` for others, `RefusedError` on a host that gives other bits.
        """
        if isinstance(data, (str, os.PathLike)):
            raise TypeError(f"a bundle is made of its bytes: `evenstep.open({os.fspath(data)!r})` reads its file")
        self._inner = _native.Bundle(bytes(memoryview(data)))
        self._path = None

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Bundle:
        """A bundle by its file.

        Raises `BundleError` for a file that is none, `RefusedError` on a host that gives other bits.
        """
        bundle = cls.__new__(cls)
        bundle._path = os.fspath(path)
        bundle._inner = _native.Bundle.read(bundle._path)
        return bundle

    @property
    def name(self) -> str:
        """What the pipeline is called."""
        return self._inner.name

    @property
    def version(self) -> str:
        """The first twelve digits of the digest."""
        return self._inner.version

    @property
    def digest(self) -> str:
        """What the answers depend on, and nothing else: equal digests give equal bits."""
        return self._inner.digest

    @property
    def metrics(self) -> Metrics:
        """What was measured when it was trained, on the rows held out."""
        return Metrics(self.inspect()["evaluation"]["metrics"])

    @property
    def classes(self) -> list[Any]:
        """The classes that it predicts, as the target had them: integers, flags or texts. None of them if it predicts numbers."""
        return self._inner.classes

    def to_bytes(self) -> bytes:
        """The bytes of its file."""
        return self._inner.bytes

    def inspect(self) -> dict[str, Any]:
        """All that it holds: contract, steps with what they learned, evaluation, profile, golden rows, members."""
        return self._inner.inspect()

    def score(self, data: Data, *, threads: int = 0, progress: bool | None = None) -> Table:
        """Scores rows, as `evenstep score` does: the id, or the row's number from 0, the prediction, probabilities, flags.

        A line for each row, in their order; `to_pandas` has the index of a frame of pandas. Classes are predicted as the target
        had them: integers, flags or texts.

        Raises `DataError` for rows that break the contract where it says to reject them.
        """
        with reading(data, self._personal) as (source, labels), progress_bar(progress) as tell:
            return Table._of(self._inner.score(source, threads, tell), labels)

    def transform(self, data: Data, *, threads: int = 0, progress: bool | None = None) -> Table:
        """What its steps make of rows, as the model is given it: the id, or the row's number from 0, the features by name, flags.
        If a feature is called like the first or the last of these, that one gets a `_`.

        A line for each row, in their order; `to_pandas` has the index of a frame of pandas.

        Raises `DataError` for rows that break the contract where it says to reject them.
        """
        with reading(data, self._personal) as (source, labels), progress_bar(progress) as tell:
            return Table._of(self._inner.transform(source, threads, tell), labels)

    def explain(self, data: Data, *, threads: int = 0, progress: bool | None = None) -> Table:
        """What each feature adds to each score, as `evenstep explain` does: the id, or the row's number from 0, the prediction,
        probabilities, `base`, a column `contribution_…` for each feature, flags.

        These are exact Shapley values: base and contributions add up to the score, which for two classes is the logarithm of
        the odds. A line for each row, in their order; of several classes one for each class of each row. Classes are texts.

        Raises `DataError` for a model that can't explain its scores, and for rows that break the contract where it says to
        reject them.
        """
        with reading(data, self._personal) as (source, labels), progress_bar(progress) as tell:
            return Table._of(self._inner.explain(source, threads, tell), labels)

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The answers to rows that are dictionaries, as `POST /predict` gives them, classes as texts. A number or a flag of a
        category is its text, as in frames.

        Raises `DataError` for rows that break the contract, of which `cells` tells where, and for what no cell can be.
        """
        return self._inner.predict(dictionaries(rows))

    def predict_one(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one row: `{"id": …, "prediction": …, "probability": {…}, "flags": […]}`, of the latter two what
        there is.

        Raises `DataError` for a row that breaks the contract; `cells` names them.
        """
        return self._inner.predict([row] if type(row) is dict else dictionaries([row]))[0]

    def verify(
        self,
        data: Data | None = None,
        *,
        threads: int = 0,
        shuffle: bool = False,
        progress: bool | None = None,
    ) -> Verified:
        """Proves what can be proved of it; with `data`, trains again and compares. As `evenstep.verify`."""
        from evenstep._verified import verify

        return verify(self, data, threads=threads, shuffle=shuffle, progress=progress)

    def _verify(self, data: Data | None, threads: int, shuffle: bool, progress: bool | None) -> dict[str, Any]:
        with reading(data, self._personal, optional=True) as (source, _), progress_bar(progress) as tell:
            return self._inner.verify(self._path, source, threads, shuffle, tell)

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> Server:
        """Serves it over HTTP and gRPC, by the server of the command line, in a process of its own.

        Port 0 is any that is free. `with bundle.serve() as server: server.predict(row)`.

        Raises `Error` if it can't listen there.
        """
        from evenstep._serving import Server

        return Server(self.to_bytes(), host, port)

    def report(self, *, open: bool = True) -> Page:
        """Its report: in a notebook here, else in a browser unless `open` is false."""
        page = Page(self._inner.report)
        if open and not in_notebook():
            page.open()
        return page

    @property
    def card(self) -> str:
        """Its model card, as Markdown."""
        return self._inner.card

    def _personal(self) -> list[str]:
        return [name for name, rule in self.inspect()["identity"]["contract"].items() if rule.get("personal")]

    def __reduce__(self) -> tuple[Any, ...]:
        return (Bundle, (self.to_bytes(),))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bundle) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"<evenstep.Bundle {self.name!r} {self.version}>"

    def _repr_html_(self) -> str:
        title = f"<b>{html.escape(self.name)}</b> <code>{self.version}</code>"
        return f"<div><p>{title}<br><small><code>{self.digest}</code></small></p>{self.metrics._repr_html_()}</div>"


def open(path: str | os.PathLike[str]) -> Bundle:
    """Opens a bundle: `evenstep.open("houses.evenstep")`.

    Who signed it is not asked: `evenstep verify houses.evenstep --policy trust.toml` judges that.

    Raises `BundleError` for a file that is none, `RefusedError` on a host that gives other bits.
    """
    return Bundle.read(path)
