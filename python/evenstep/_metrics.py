"""What was measured on rows held out."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any


class Metrics(Mapping[str, "float | None"]):
    """Metrics by their names, in the order of the spec: `metrics["rmse"]`.

    One that isn't defined on these rows is None; `undefined` says why.
    """

    def __init__(self, measured: list[dict[str, Any]]) -> None:
        """By what `train --json` tells in `evaluation.metrics`."""
        self._measured = {one["metric"]: one for one in measured}

    def __getitem__(self, name: str) -> float | None:
        value: float | None = self._measured[name]["value"]
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._measured)

    def __len__(self) -> int:
        return len(self._measured)

    def interval(self, name: str) -> tuple[float, float] | None:
        """The 95% interval of a metric, by a bootstrap over the rows held out."""
        interval = self._measured[name].get("interval")
        return None if interval is None else (interval[0], interval[1])

    def baseline(self, name: str) -> float | None:
        """What a model that always says the same would have had."""
        value: float | None = self._measured[name].get("baseline")
        return value

    def undefined(self, name: str) -> str | None:
        """Why a metric has no value."""
        why: str | None = self._measured[name].get("undefined")
        return why

    def beside(self, other: Metrics, names: tuple[str, str] = ("A", "B")) -> Comparison:
        """These metrics and those of another training, side by side. They say which is better only if both held out the
        same rows.
        """
        return Comparison(self, other, names)

    def higher_is_better(self, name: str) -> bool | None:
        """Whether a higher value is the better one; None if neither is."""
        better: bool | None = self._measured[name].get("higher_is_better")
        return better

    def __repr__(self) -> str:
        return ", ".join(f"{name} {_number(value)}" for name, value in self.items())

    def _repr_html_(self) -> str:
        lines = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th><td><b>{_number(self[name])}</b></td>"
            f"<td>{_interval(self.interval(name))}</td><td>{_number(self.baseline(name))}</td></tr>"
            for name in self
        )
        head = "<tr><th></th><th>value</th><th>95% interval</th><th>baseline</th></tr>"
        return f"<table><thead>{head}</thead><tbody>{lines}</tbody></table>"


class Comparison:
    """Metrics of two trainings, side by side: a table in a notebook, lines elsewhere.

    `Metrics.beside` gives it.
    """

    a: Metrics
    """Those of the one."""
    b: Metrics
    """Those of the other."""
    names: tuple[str, str]
    """What the table calls them."""

    def __init__(self, a: Metrics, b: Metrics, names: tuple[str, str]) -> None:
        self.a, self.b, self.names = a, b, names

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {_number(self.a[name])} → {_number(self.b.get(name))}" for name in self.a)

    def _repr_html_(self) -> str:
        def cell(metrics: Metrics, name: str, other: float | None) -> str:
            value, higher = metrics.get(name), metrics.higher_is_better(name) if name in metrics else None
            known = value is not None and other is not None and higher is not None
            is_better = known and value != other and (value > other) == higher  # type: ignore[operator]
            interval = _interval(metrics.interval(name)) if name in metrics else "–"
            told = f"<b>{_number(value)}</b>" if is_better else _number(value)
            return f"<td>{told}<br><small>{interval}</small></td>"

        lines = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"{cell(self.a, name, self.b.get(name))}{cell(self.b, name, self.a.get(name))}</tr>"
            for name in dict.fromkeys([*self.a, *self.b])
        )
        head = "".join(f"<th>{html.escape(name)}</th>" for name in ("", *self.names))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.5g}"


def _interval(interval: tuple[float, float] | None) -> str:
    return "–" if interval is None else f"{_number(interval[0])} – {_number(interval[1])}"
