"""Pages: in a notebook where they are asked for, else in a browser."""

from __future__ import annotations

import html
import os


class Page:
    """A page of HTML that needs nothing beside it. A notebook shows it.

    `Bundle.report` gives one.
    """

    html: str
    """Its text."""

    def __init__(self, text: str) -> None:
        self.html = text

    def write(self, path: str | os.PathLike[str]) -> None:
        """Writes it to a file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.html)

    def open(self) -> None:
        """Shows it in a browser."""
        import tempfile
        import webbrowser

        # It stays until the host tidies up: the browser reads it when it likes.
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".html", delete=False) as file:
            file.write(self.html)
        webbrowser.open(f"file://{file.name}")

    def __repr__(self) -> str:
        return f"<evenstep.Page of {len(self.html)} characters>"

    def _repr_html_(self) -> str:
        # In a frame of its own, whose styles end at its border, and in which nothing runs.
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" sandbox '
            'style="width:100%;height:32rem;border:1px solid #8884"></iframe>'
        )
