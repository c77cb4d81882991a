"""What can be said of spec and data without a training."""

from __future__ import annotations

import html
from typing import Any


class Checked:
    """What a check found. It is true if the spec trains on these data."""

    def __init__(self, told: dict[str, Any]) -> None:
        """By what `check --json` tells."""
        self._told = told

    @property
    def ok(self) -> bool:
        """Whether the spec trains on these data."""
        return bool(self._told["ok"])

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self._told["rows"])

    @property
    def columns(self) -> dict[str, dict[str, Any]]:
        """By name: `kind`, `role`, `nulls`, `distinct`, and the `breaches` of rules with the first cells of each."""
        return dict(self._told["columns"])

    @property
    def rejected(self) -> list[dict[str, Any]]:
        """The first of the cells for which nothing is trained: place, column, value, rule. Rows of a frame are counted from 0."""
        return list(self._told["rejected"]["first"])

    @property
    def features(self) -> list[str]:
        """The features that would reach the model."""
        return list(self._told["features"])

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of the rows, if the spec trains."""
        fingerprint: str | None = self._told["fingerprint"]
        return fingerprint

    @property
    def notes(self) -> list[str]:
        """Sentences for people."""
        return list(self._told["notes"])

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        verdict = "ok" if self.ok else f"no: {self._told['rejected']['count']} cells are refused"
        return f"<evenstep.Checked {verdict}; {self.rows} rows, {len(self.columns)} columns>"

    def _repr_html_(self) -> str:
        lines = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th><td>{column['kind']}</td><td>{column['role']}</td>"
            f"<td>{column['nulls'] or ''}</td><td>{'many' if column['distinct'] is None else column['distinct']}</td></tr>"
            for name, column in self.columns.items()
        )
        head = "<tr><th></th><th>type</th><th>role</th><th>missing</th><th>distinct</th></tr>"
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return f"<div>{html.escape(repr(self)[1:-1])}<table>{head}{lines}</table><ul>{notes}</ul></div>"
