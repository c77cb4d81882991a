"""Proving that a training gives again what it gave."""

from __future__ import annotations

import html
import os
from typing import Any

from evenstep._bundle import Bundle
from evenstep._errors import DataError
from evenstep._frames import Data
from evenstep._spec import Spec
from evenstep._trained import Trained


class Verified:
    """What was compared, what that proves, and what it cost. It is true if everything is equal."""

    def __init__(self, told: dict[str, Any]) -> None:
        """By what `verify --json` tells."""
        self._told = told

    @property
    def equal(self) -> bool:
        """Whether everything is equal."""
        return bool(self._told["equal"])

    @property
    def checks(self) -> list[dict[str, Any]]:
        """What was compared: name, whether it is equal, and a word on it."""
        return list(self._told["checks"])

    @property
    def proved(self) -> list[str]:
        """What is proved, in sentences."""
        return list(self._told["proved"])

    @property
    def not_proved(self) -> list[str]:
        """What isn't, and what would prove it."""
        return list(self._told["not_proved"])

    @property
    def seconds(self) -> float:
        """How long it took."""
        return float(self._told["cost"]["seconds"])

    def __bool__(self) -> bool:
        return self.equal

    def __repr__(self) -> str:
        differing = [check["name"] for check in self.checks if not check["equal"]]
        verdict = "equal" if self.equal else f"not equal: {', '.join(differing)}"
        return f"<evenstep.Verified {verdict}; {self._told['how']}>"

    def _repr_html_(self) -> str:
        lines = "".join(
            f"<tr><td>{'same' if check['equal'] else '<b>differs</b>'}</td>"
            f"<td style='text-align:left'>{html.escape(check['name'])}</td>"
            f"<td style='text-align:left'><code>{html.escape(check['detail'])}</code></td></tr>"
            for check in self.checks
        )
        proved = "".join(f"<li>proved: {html.escape(what)}</li>" for what in self.proved)
        left = "".join(f"<li>not proved: {html.escape(what)}</li>" for what in self.not_proved)
        verdict = "equal" if self.equal else "not equal"
        return f"<div><b>{verdict}</b><table>{lines}</table><ul>{proved}{left}</ul></div>"


def verify(
    subject: Spec | Trained | Bundle | str | os.PathLike[str],
    data: Data | None = None,
    *,
    threads: int = 0,
    shuffle: bool = False,
    progress: bool | None = None,
) -> Verified:
    """Trains again, and says part by part whether that gives the same.

    A spec, or the path of one, is compared with the lock beside it; a training or a bundle, or the path of one, with
    itself, for which it is trained again if there are `data`. `shuffle` gives rows and columns in another order, `threads` is
    one for each core if 0: no bit depends on them.

    Raises `SpecError`, `DataError`, `BundleError` for what can't be read. That something differs is an answer.
    """
    if isinstance(subject, (str, os.PathLike)):
        path = os.fspath(subject)
        subject = Bundle.read(path) if path.endswith(".evenstep") else Spec.read(path)
    if isinstance(subject, Trained):
        subject = subject.bundle
    if not isinstance(subject, (Bundle, Spec)):
        what = type(subject).__name__
        raise DataError(f"a `{what}` can't be verified\n  help: give a spec, a training, a bundle, or the path of one")
    return Verified(subject._verify(data, threads, shuffle, progress))
