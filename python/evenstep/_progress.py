"""How work goes, for people who watch: a line in terminals, a bar in notebooks."""

from __future__ import annotations

import html
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

Tell: TypeAlias = Callable[[str, "int | None", int, str], None]
"""Is told a stage, how much there is to do if that is known, how much is done, and a word on it."""


@contextmanager
def progress_bar(shown: bool | None) -> Iterator[Tell | None]:
    """Somebody to tell while work goes on; None if nobody watches."""
    display = _display()
    if shown is False or (shown is None and display is None and not sys.stderr.isatty()):
        yield None
    elif display is not None:
        handle = display(_Html(""), display_id=True)
        try:
            yield lambda stage, total, done, note: handle.update(_Html(_bar(stage, total, done, note)))
        finally:
            handle.update(_Html(""))
    else:
        try:
            yield lambda stage, total, done, note: _line(f"{stage} {_share(total, done)}{note}")
        finally:
            _line("")


def in_notebook() -> bool:
    """Whether what a cell gives is shown."""
    return _display() is not None


class _Html:
    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_html_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return ""


def _display() -> Any:
    """How a notebook shows things; None where there is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    return display


def _bar(stage: str, total: int | None, done: int, note: str) -> str:
    share = f"value='{done}' max='{total}'" if total else ""
    return f"<progress {share}></progress> {html.escape(stage)} <small>{html.escape(note)}</small>"


def _share(total: int | None, done: int) -> str:
    if total:
        return f"{100 * done // total}% "
    return f"{done} " if done else ""


def _line(text: str) -> None:
    sys.stderr.write("\r\x1b[K" + text[:78])
    sys.stderr.flush()
