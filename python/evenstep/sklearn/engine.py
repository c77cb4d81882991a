"""The engine as estimators need it: a spec of parts, a training, columns of answers, and bundles as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import pyarrow as pa

import evenstep

from . import toml


def spec(
    name: str,
    seed: int,
    data: Mapping[str, object],
    contract: Mapping[str, object],
    steps: Iterable[Mapping[str, object]],
    model: Mapping[str, object],
) -> str:
    """A spec's text. Raises `ValueError` for a value that no spec can hold."""
    if seed is None:
        raise ValueError("seed=None: give a whole number from 0 on, which every draw derives from")
    try:
        parts = [toml.table("[pipeline]", {"name": name, "seed": toml.plain(seed)}), toml.table("[data]", data)]
        parts += [toml.table("[contract]", contract)] if contract else []
        parts += [toml.table("[[step]]", toml.plain(step)) for step in steps]
        return "\n".join([*parts, toml.table("[model]", toml.plain(model))])
    except TypeError as error:
        raise ValueError(f"{error}: parameters are numbers, texts, lists and tables") from error


def train(text: str, rows: pa.Table, threads: int = 0) -> evenstep.Trained:
    """A training on so many threads, or all there are. Raises `ValueError` with the engine's words."""
    with _as_value_error():
        return evenstep.Spec.from_toml(text).train(data=rows, threads=threads, trace=False, progress=False)


def score(bundle: evenstep.Bundle, rows: pa.Table) -> dict[str, np.ndarray]:
    """Predictions by name, one for each row. Raises `ValueError` with the engine's words."""
    with _as_value_error():
        answers = pa.table(bundle.score(rows, progress=False))
    return {name: answers[name].to_numpy() for name in answers.column_names}


def transform(bundle: evenstep.Bundle, rows: pa.Table) -> pa.Table:
    """What the steps make of rows. Raises `ValueError` with the engine's words."""
    with _as_value_error():
        made = pa.table(bundle.transform(rows, progress=False))
    # Between the row's number and the flags; by place, as a feature may be called like these.
    return made.select(list(range(1, made.num_columns - 1)))


@contextmanager
def _as_value_error() -> Iterator[None]:
    """scikit-learn's callers expect `ValueError` of what can't be used."""
    try:
        yield
    except evenstep.Error as error:
        raise ValueError(str(error)) from error
